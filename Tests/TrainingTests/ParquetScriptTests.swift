import Foundation
import Testing

@testable import Training

@Suite("The text that reads Parquet files")
struct ParquetScriptTests {
    @Test("The program runs the script that people run by hand")
    func same() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let script = try String(contentsOf: root.appendingPathComponent("Scripts/parquet-to-csv"), encoding: .utf8)
        #expect(script == ParquetScript.text, "copy Scripts/parquet-to-csv into ParquetScript.swift")
        // One word of a command line holds no more than 128 KiB.
        #expect(script.utf8.count < 1 << 16)
    }
}
