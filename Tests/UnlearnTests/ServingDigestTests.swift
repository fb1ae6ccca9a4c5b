import Checkpoints
import Files
import Foundation
import Tensors
import Testing
import Training

@testable import Unlearn

/// What of a model's file decides how rows become predictions, and the digest by which certificates name it.
@Suite("Digests of models as they are served")
struct ServingDigestTests {
    private static let settings = """
        {"blockPolicy":"stratified","classNames":["no","yes"],"encoding":{"floats":{}},"fingerprint":{},"programVersion":"1",\
        "recipe":{"activation":"tanh","batchSize":10,"blocks":30,"epochs":3,"hidden":[4],"labelSmoothing":0,"latticeBits":18,"learningRate":0.1,\
        "model":"mlp","momentum":0.9,"width":1,"gradientClip":0,"averaging":0.25,"augmentation":{"shift":2,"flip":true},"pooling":"average","schedule":"linear","seed":0,"weightDecay":0.001},\
        "shape":{"channels":1,"height":1,"width":8},"source":"s",\
        "table":{"columns":[{"deviation":2.5,"kind":"number","mean":40,"name":"x"},{"categories":["a","b","\\u0000","\\u0000"],"kind":"categories","name":"c","pooled":true},\
        {"kind":"date","mean":18000,"deviation":512,"name":"day","gaps":true}]},"tableNames":{"decimalComma":false,"label":"y"}}
        """

    private static func json() throws -> String {
        try ModelDescription(ProjectSettings(json: settings), project: "0f", stateDigest: "00", requestsAnswered: 3).json
    }

    private static let layout = ParameterLayout([TensorSpec("w", [2, 3]), TensorSpec("b", [2])])
    private static let state = LatticeVector((0..<8).map { Int32($0 - 3) })

    private func digest(_ json: String, _ layout: ParameterLayout = layout, _ state: LatticeVector = state) throws -> Digest {
        try ServingDigest.digest(json: Array(json.utf8), layout, state)
    }

    @Test("Each part that decides how rows become predictions changes it", arguments: [
        (#"["no","yes"]"#, #"["yes","no"]"#), (#""mean":40"#, #""mean":40.5"#), (#""deviation":2.5"#, #""deviation":2.25"#), (#""activation":"tanh""#, #""activation":"relu""#),
        (#"["a","b","#, #"["b","a","#), (#""name":"x""#, #""name":"z""#), (#""pooled":true"#, #""pooled":false"#), (#""gaps":true"#, #""gaps":false"#),
        (#""lattice_bits":18"#, #""lattice_bits":17"#), (#""hidden":[4]"#, #""hidden":[4,4]"#), (#""decimal_comma":false"#, #""decimal_comma":true"#), (#""label":"y""#, #""label":"x""#),
        (#""width":8"#, #""width":9"#), (#""format":1"#, #""format":2"#), ("{", #"{"extra":0,"#),
    ])
    func decides(part: String, other: String) throws {
        let json = try Self.json(), altered = json.replacing(part, with: other, maxReplacements: 1)
        try #require(altered != json, "\(json)")
        #expect(try digest(altered) != digest(json))
    }

    @Test("What differs between files of one model does not, nor does the way in which a number is written", arguments: [
        (#""requests_answered":3"#, #""requests_answered":4"#), (#""project":"0f""#, #""project":"1f""#), (#""state_digest":"00""#, #""state_digest":"11""#),
        (#""program_version":"\#(programVersion)""#, #""program_version":"9""#), (#""pixels":null,"#, ""), ("{", #"{"later":null,"#), (#""mean":40"#, #""mean":40.0"#), (#""mean":40"#, #""mean":4e1"#), (#""deviation":2.5"#, #""deviation":2.50"#), (":", " : "),
    ])
    func varies(part: String, other: String) throws {
        let json = try Self.json(), altered = json.replacing(part, with: other, maxReplacements: part == ":" ? .max : 1)
        try #require(altered != json, "\(json)")
        #expect(try digest(altered) == digest(json))
    }

    @Test("Numbers, names and shapes of tensors are in it")
    func tensors() throws {
        let json = try Self.json(), expected = try digest(json)
        #expect(try digest(json, Self.layout, LatticeVector((0..<8).map { Int32($0 - 2) })) != expected)
        #expect(try digest(json, ParameterLayout([TensorSpec("b", [2, 3]), TensorSpec("w", [2])])) != expected)
        #expect(try digest(json, ParameterLayout([TensorSpec("w", [3, 2]), TensorSpec("b", [2])])) != expected)
    }

    @Test("The text that is hashed is the one that Documentation/Formats.md describes", arguments: [
        (#"{"b":[1,2.5,-0.0,true,null],"c":null,"a":"x"}"#, #"{"a":"x","b":[1,0x4004000000000000,0,true,null]}"#),
        (#"["\"\\\b\t\n\f\r\u0001\u001f\/é\u007f"]"#, "[\"\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f/é\u{7F}\"]"), (#"["\u0000",1e300,1e18]"#, #"["\u0000",0x7e37e43c8800759c,1000000000000000000]"#),
    ])
    func canonical(json: String, text: String) throws {
        #expect(try StrictJSON.decode(JSONValue.self, from: Array(json.utf8), nul: .read).canonical == text)
    }

    @Test("A description that no project writes is refused, by what is wrong with it", arguments: [
        (#"["no","yes"]"#, #"["no","no"]"#, "classes"), (#"["no","yes"]"#, #"["no",""]"#, "classes"), (#"["no","yes"]"#, #"["no"]"#, "classes"),
        (#"["a","b","#, #"["a","a","#, "twice"), (#""name":"x""#, #""name":"c""#, "twice"), (#""requests_answered":3"#, #""requests_answered":-1"#, "requests"),
        (#""deviation":2.5"#, #""deviation":0"#, "deviation"), (#""deviation":2.5"#, #""deviation":-2.5"#, "deviation"), (#""width":8"#, #""width":9"#, "number of features"),
        (#""pixels":null"#, #""pixels":{"scale":0,"shift":0}"#, "scale"), (#""pixels":null"#, #""pixels":{"scale":-1,"shift":0}"#, "scale"), (#""lattice_bits":18"#, #""lattice_bits":40"#, "network"),
        (#""format":1"#, #""format":1,"for_mat":1"#, "no model"), (#""class_names":"#, #""classNames":["a","b"],"class_names":"#, "no model"),
    ])
    func refused(part: String, other: String, word: String) throws {
        let json = try Self.json(), altered = json.replacing(part, with: other, maxReplacements: 1)
        #expect(try ModelDescription(json: json, path: "F").json == json)
        try #require(altered != json, "\(json)")
        #expect { try ModelDescription(json: altered, path: "F") } throws: { ($0 as? Failure)?.kind == .input && "\($0)".hasPrefix("F describes ") && "\($0)".contains(word) }
    }

    @Test("A deletion's certificate names it until the next deletion, and no report keeps it")
    func certified() throws {
        let project = try SmallProject()
        try project.train()
        try project.delete([try project.ids(inBlock: 25)[0]])
        func verified(_ number: Int) throws -> ErasureCertificate.Verified {
            try ErasureCertificate.verify(ErasureCertificate.issue(number, of: project.open(.read).store), path: "F", key: nil)
        }
        let opened = try project.open(.read), served = try opened.servingDigest(), path = project.folder.file("model.safetensors")
        #expect(try verified(1).servingDigest == served.serving.description && verified(1).stateDigest == served.state.description)
        _ = try opened.export(opened.model(), to: path)
        #expect(try ServedModel.digests(ofFile: path) == .init(state: served.state.description, serving: served.serving.description))
        #expect(try opened.store.requests().allSatisfy { !$0.report.contains(served.serving.description) })
        // A test row, behind which the model is the same: were its category's name to go, the digest would tell a guess at it from others.
        try project.delete(["test:3"])
        #expect(try verified(1).servingDigest == nil && verified(2).servingDigest == served.serving.description)
    }
}
