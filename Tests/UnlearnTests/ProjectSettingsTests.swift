import Files
import Foundation
import Testing

@testable import Unlearn

@Suite("Project settings")
struct ProjectSettingsTests {
    private static let sample = """
        {"blockPolicy":"stratified","classNames":["0","1"],"encoding":{"bytes":{"scale":0.01,"shift":-1}},"fingerprint":{},"programVersion":"1",\
        "recipe":{"activation":"tanh","batchSize":10,"blocks":30,"epochs":3,"hidden":[4],"labelSmoothing":0,"latticeBits":18,"learningRate":0.1,\
        "model":"mlp","momentum":0.9,"width":1,"gradientClip":0,"averaging":0.25,"augmentation":{"shift":2,"flip":true},"pooling":"average","schedule":"linear","seed":0,"weightDecay":0.001},\
        "shape":{"channels":1,"height":1,"width":3},"source":"s",\
        "table":{"columns":[{"numeric":{"deviation":2,"mean":0,"name":"x"}},{"oneHot":{"categories":["a","b"],"name":"c"}}]}}
        """

    @Test("What was written is read")
    func comesBack() throws {
        let settings = try ProjectSettings(json: Self.sample)
        #expect(try ProjectSettings(json: String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)) == settings)
        #expect(settings.recipe.network!.classWeights == nil)
        let weighted = Self.sample.replacingOccurrences(of: #""batchSize":10"#, with: #""batchSize":10,"classWeights":[0.625,28]"#)
        #expect(try ProjectSettings(json: weighted).recipe.network!.classWeights == [0.625, 28])
    }

    @Test(
        "A number that init does not allow is damage, also where a product of allowed ones overflows",
        arguments: [
            (#""channels":1,"height":1,"width":3"#, #""channels":16777216,"height":16777216,"width":16777216"#),
            (#""width":3"#, #""width":0"#), (#""width":3"#, #""width":-3"#), (#""width":3"#, #""width":4"#), (#""epochs":3"#, #""epochs":9223372036854775807"#),
            (#""batchSize":10"#, #""batchSize":0"#), (#""batchSize":10"#, #""batchSize":10,"classWeights":[1]"#),
            (#""batchSize":10"#, #""batchSize":10,"classWeights":[1,0]"#), (#""batchSize":10"#, #""batchSize":10,"classWeights":[1,1e30]"#), (#""blocks":30"#, #""blocks":0"#), (#""latticeBits":18"#, #""latticeBits":64"#),
            (#""hidden":[4]"#, #""hidden":[0]"#), (#""hidden":[4]"#, #""hidden":[4294967296]"#), (#""momentum":0.9"#, #""momentum":1"#),
            (#""learningRate":0.1"#, #""learningRate":-1"#), (#""labelSmoothing":0"#, #""labelSmoothing":1.5"#), (#""weightDecay":0.001"#, #""weightDecay":1e30"#),
            (#""deviation":2"#, #""deviation":0"#), (#"["0","1"]"#, #"["0"]"#), (#"["a","b"]"#, #"["a"]"#),
        ])
    func outOfRange(old: String, new: String) {
        let text = Self.sample.replacingOccurrences(of: old, with: new)
        #expect(text != Self.sample)
        #expect(throws: Failure(.damaged, "the catalogue's settings are out of range; restore the project from a backup")) { try ProjectSettings(json: text) }
    }
}
