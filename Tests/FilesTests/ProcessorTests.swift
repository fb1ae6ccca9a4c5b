import Foundation
import Testing

@testable import Files

@Suite("The processor that a process may use")
struct ProcessorTests {
    @Test("As many cores as the system says that it allows")
    func cores() throws {
        // Hexadecimal words with commas between, 32 cores each.
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let mask = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }).split(separator: "\t")[1]
        #expect(Processor.cores == mask.compactMap { $0.hexDigitValue?.nonzeroBitCount }.reduce(0, +))
    }
}
