import TestSupport
import Testing

@testable import Tensors

@Suite("Mutated safetensors files")
struct SafetensorsFuzzTests {
    private func sample() throws -> [UInt8] {
        let layout = ParameterLayout([TensorSpec("a", [2, 2]), TensorSpec("b", [3]), TensorSpec("c", [])])
        return try Safetensors.encode(NamedTensors(layout: layout, values: [1, 2, 3, 4, 5, 6, 7, 8]))
    }

    /// Decodes, and gives whether the file was refused. Anything but `Invalid` is thrown on; a trap ends the test run.
    private func isRefused(_ bytes: [UInt8]) throws -> Bool {
        do {
            let tensors = try Safetensors.decode(bytes, path: "F")
            #expect(tensors.values.count == tensors.layout.count)
            return false
        } catch is Safetensors.Invalid {
            return true
        }
    }

    @Test("Random changes of bytes are refused or read, never worse", arguments: [1, 2, 3] as [UInt64])
    func flips(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let valid = try sample()
        var refused = 0
        for _ in 0..<10_000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
                default: bytes[place] = Array("0123456789-,.[]{}\"e".utf8).randomElement(using: &random) ?? 0
                }
            }
            if try isRefused(bytes) { refused += 1 }
        }
        // Changes of values are not faults; most changes of the header are.
        #expect(refused > 5000)
    }

    @Test("Random digits in the header's numbers are refused or read, never worse", arguments: [4, 5] as [UInt64])
    func numbers(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let digits = Array("-0123456789".utf8)
        for _ in 0..<5000 {
            let numbers = (0..<4).map { _ in
                let length = Int.random(in: 1...20, using: &random)
                return String(decoding: (0..<length).map { _ in digits.randomElement(using: &random) ?? 48 }, as: UTF8.self)
            }
            let header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[\(numbers[0]),\(numbers[1])],\"data_offsets\":[\(numbers[2]),\(numbers[3])]}}"
            _ = try isRefused(safetensorsFile(header, data: [UInt8](repeating: 0, count: 64)))
        }
    }

    @Test("A file cut short anywhere is refused")
    func truncated() throws {
        let valid = try sample()
        let accepted = try (0..<valid.count).filter { try !isRefused(Array(valid[..<$0])) }
        #expect(accepted.isEmpty)
    }

    @Test("A file with bytes behind its end is refused")
    func extended() throws {
        for extra in 1...9 { #expect(try isRefused(sample() + [UInt8](repeating: 0, count: extra))) }
    }
}
