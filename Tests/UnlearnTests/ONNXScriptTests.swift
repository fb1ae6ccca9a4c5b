import Foundation
import Testing

@testable import Unlearn

@Suite("The text that writes ONNX files")
struct ONNXScriptTests {
    @Test("The program runs the script that people run by hand")
    func same() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let script = try String(contentsOf: root.appendingPathComponent("Scripts/safetensors-to-onnx"), encoding: .utf8)
        #expect(script == ONNXScript.text, "copy Scripts/safetensors-to-onnx into ONNXScript.swift")
        // One word of a command line holds no more than 128 KiB.
        #expect(script.utf8.count < 1 << 16)
    }
}
