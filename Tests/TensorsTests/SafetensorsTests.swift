import Foundation
import TestSupport
import Testing

@testable import Tensors

/// A safetensors file put together by hand.
func safetensorsFile(_ header: String, data: [UInt8] = [], claiming length: UInt64? = nil) -> [UInt8] {
    let json = Array(header.utf8)
    return withUnsafeBytes(of: (length ?? UInt64(json.count)).littleEndian) { Array($0) } + json + data
}

func littleEndianBytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
}

@Suite("Safetensors")
struct SafetensorsTests {
    private func roundTrip(_ tensors: NamedTensors) throws -> NamedTensors {
        try Safetensors.decode(Safetensors.encode(tensors), path: "F")
    }

    @Test("Tensors of many shapes come back as they were", arguments: [1, 2, 3] as [UInt64])
    func comesBack(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let layout = ParameterLayout([
            TensorSpec("z.weight", [3, 1, 5, 5]), TensorSpec("a.bias", [7]), TensorSpec("scalar", []), TensorSpec("none", [2, 0]),
            TensorSpec("m", [1, 1, 1, 1, 4]),
        ])
        let tensors = NamedTensors(layout: layout, values: random.floats(layout.count))
        #expect(try roundTrip(tensors) == tensors)
    }

    @Test("Every bit of every value comes back, of NaNs and signed zeros too")
    func bits() throws {
        var random = SeededGenerator(4)
        let anything = (0..<1000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
        let values = [.nan, -0.0, .infinity, .leastNonzeroMagnitude, .signalingNaN] + anything
        let tensors = NamedTensors(layout: ParameterLayout([TensorSpec("w", [values.count])]), values: values)
        #expect(try roundTrip(tensors).values.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test("Names may hold anything that JSON can", arguments: ["", "a/b", "quote\"", "back\\slash", "größe", "line\nbreak", "\u{0}", "🧠"])
    func names(name: String) throws {
        let tensors = NamedTensors(layout: ParameterLayout([TensorSpec(name, [2])]), values: [1, 2])
        #expect(try roundTrip(tensors) == tensors)
    }

    @Test("A model without tensors comes back")
    func empty() throws {
        let tensors = NamedTensors(layout: ParameterLayout([]), values: [])
        #expect(try roundTrip(tensors) == tensors)
    }

    @Test("The file is a length, a header of that length padded to 8 bytes, and the values", arguments: 0..<9)
    func format(nameLength: Int) throws {
        let name = String(repeating: "n", count: nameLength)
        let tensors = NamedTensors(layout: ParameterLayout([TensorSpec(name, [1, 2])]), values: [1.5, -2])
        let bytes = try Safetensors.encode(tensors)
        let length = Int(bytes[0]) | Int(bytes[1]) << 8
        #expect(bytes[2..<8].allSatisfy { $0 == 0 })
        #expect(length % 8 == 0)
        #expect(Array(bytes[(8 + length)...]) == littleEndianBytes([1.5, -2]))
        let header = String(decoding: bytes[8..<8 + length], as: UTF8.self).trimmingCharacters(in: [" "])
        #expect(header == "{\"\(name)\":{\"data_offsets\":[0,8],\"dtype\":\"F32\",\"shape\":[1,2]}}")
    }

    @Test("A file of another program is read in the order of its places, its remarks left out")
    func foreign() throws {
        let header = """
            {"__metadata__": {"format": "pt"}, "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
             "a": {"shape": [2, 1], "data_offsets": [12, 20], "dtype": "F32"}, "c": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}
            """
        let tensors = try Safetensors.decode(safetensorsFile(header, data: littleEndianBytes([9, 1, 2, 3, 4])), path: "F")
        #expect(tensors.layout.tensors == [TensorSpec("c", []), TensorSpec("b", [2]), TensorSpec("a", [2, 1])])
        #expect(tensors.values == [9, 1, 2, 3, 4])
    }
}
