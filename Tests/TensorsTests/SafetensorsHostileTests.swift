import TestSupport
import Testing

@testable import Tensors

@Suite("Hostile safetensors files")
struct SafetensorsHostileTests {
    private typealias Invalid = Safetensors.Invalid

    private func refusal(_ bytes: [UInt8]) -> Safetensors.Invalid? {
        #expect(throws: Safetensors.Invalid.self) { _ = try Safetensors.decode(bytes, path: "F") }
    }

    @Test("A file shorter than its length field is too short", arguments: 0..<8)
    func tooShort(length: Int) {
        #expect(refusal([UInt8](repeating: 0, count: length)) == .tooShort(path: "F"))
    }

    @Test(
        "A header longer than the file is refused before it is read",
        arguments: [3, 1 << 32, 1 << 62, (1 << 63) - 8, (1 << 63) - 1, 1 << 63, .max - 7, .max] as [UInt64])
    func headerTooLong(length: UInt64) {
        #expect(refusal(safetensorsFile("{}", claiming: length)) == .headerTooLong(path: "F", length: length))
    }

    @Test(
        "A header that is not a JSON object is refused",
        arguments: [
            "", " ", "{", "[]", "[{}]", "1", "null", "\"a\"", "{\"a\"}", "{\"a\":}", "{'a': 1}", "{} {}", "{\"a\": 01}",
            String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
        ].map(Abridged.init))
    func notJSON(header: Abridged<String>) { #expect(refusal(safetensorsFile(header.value)) == .headerNotJSON(path: "F")) }

    private func sample() throws -> [UInt8] {
        let layout = ParameterLayout([TensorSpec("a", [2, 2]), TensorSpec("b", [3]), TensorSpec("c", [])])
        return try Safetensors.encode(NamedTensors(layout: layout, values: [1, 2, 3, 4, 5, 6, 7, 8]))
    }

    @Test("A file cut short anywhere, or with bytes behind its end, is refused")
    func otherLengths() throws {
        let valid = try sample()
        for length in 0..<valid.count { #expect(refusal(Array(valid[..<length])) != nil) }
        for extra in 1...9 { #expect(refusal(valid + [UInt8](repeating: 0, count: extra)) != nil) }
    }

    @Test("A header that is not UTF-8 is refused")
    func notText() {
        var bytes = safetensorsFile("{\"a\": 1}")
        bytes[10] = 0xFF
        #expect(refusal(bytes) == .headerNotJSON(path: "F"))
    }

    @Test(
        "A tensor with an unusable shape or place is named",
        arguments: [
            "null", "1", "[]", "{}",
            #"{"shape": [1], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": [1]}"#,
            #"{"dtype": 32, "shape": [1], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": [null], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": [1.5], "data_offsets": [0, 6]}"#,
            #"{"dtype": "F32", "shape": [1e300], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": [1], "data_offsets": [0]}"#,
            #"{"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}"#,
            #"{"dtype": "F32", "shape": [1], "data_offsets": []}"#,
            #"{"dtype": "F32", "shape": [1], "data_offsets": [0, 3]}"#,
            #"{"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}"#,
            // Backwards, and below zero.
            #"{"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}"#,
            #"{"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}"#,
            #"{"dtype": "F32", "shape": [1], "data_offsets": [-9223372036854775808, 9223372036854775807]}"#,
            #"{"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}"#,
            // Beyond Int64, or beyond it as a product.
            #"{"dtype": "F32", "shape": [9223372036854775808], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": [18446744073709551616], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": [1], "data_offsets": [0, 18446744073709551620]}"#,
            #"{"dtype": "F32", "shape": [9223372036854775807], "data_offsets": [0, 4]}"#,
            #"{"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}"#,
            #"{"dtype": "F32", "shape": [4611686018427387904, 2, 2], "data_offsets": [0, 0]}"#,
            #"{"dtype": "F32", "shape": [4611686018427387905], "data_offsets": [0, 4]}"#,
        ])
    func badTensor(entry: String) {
        #expect(refusal(safetensorsFile("{\"w\": \(entry)}", data: [0, 0, 0, 0])) == .badTensor(path: "F", name: "w"))
    }

    @Test("Values of another type are refused by its name", arguments: ["F16", "BF16", "F64", "I32", "f32", "F32 ", ""])
    func type(name: String) {
        let header = "{\"w\": {\"dtype\": \"\(name)\", \"shape\": [1], \"data_offsets\": [0, 4]}}"
        #expect(refusal(safetensorsFile(header, data: [0, 0, 0, 0])) == .unsupportedType(path: "F", name: "w", type: name))
    }

    @Test(
        "Tensors that overlap or leave gaps are refused",
        arguments: [
            [(0, 4), (8, 12)], [(4, 8)], [(0, 8), (4, 12)], [(0, 4), (0, 4)], [(0, 12), (4, 8)], [(0, 8), (0, 4)],
            [(0, 4), (4, 8), (4, 8)], [(9_223_372_036_854_775_800, 9_223_372_036_854_775_804)], [(0, 4), (8, 8)], [(0, 8), (4, 4)],
        ])
    func gapsOrOverlaps(places: [(Int, Int)]) {
        let entries = places.enumerated().map { index, place in
            "\"t\(index)\": {\"dtype\": \"F32\", \"shape\": [\((place.1 - place.0) / 4)], \"data_offsets\": [\(place.0), \(place.1)]}"
        }
        let file = safetensorsFile("{\(entries.joined(separator: ", "))}", data: [UInt8](repeating: 0, count: 12))
        #expect(refusal(file) == .gapsOrOverlaps(path: "F"))
    }

    @Test("Fewer or more bytes than the header names are refused", arguments: [0, 1, 7, 9, 12, 1000])
    func lengthMismatch(length: Int) {
        let header = #"{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}"#
        let file = safetensorsFile(header, data: [UInt8](repeating: 0, count: length))
        #expect(refusal(file) == .lengthMismatch(path: "F", expected: 8, found: length))
    }

    @Test("A tensor of more values than memory is refused by the file's length")
    func enormous() {
        let header = #"{"w": {"dtype": "F32", "shape": [1099511627776], "data_offsets": [0, 4398046511104]}}"#
        #expect(refusal(safetensorsFile(header)) == .lengthMismatch(path: "F", expected: 1 << 42, found: 0))
    }

    @Test("A name that occurs twice does not smuggle a tensor in")
    func duplicateNames() {
        let header = """
            {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}
            """
        #expect(throws: Safetensors.Invalid.self) {
            _ = try Safetensors.decode(safetensorsFile(header, data: [UInt8](repeating: 0, count: 8)), path: "F")
        }
    }

    @Test(
        "Each fault is told in one line that names the file",
        arguments: [
            (.tooShort(path: "F"), "F is too short for a safetensors file; export it again"),
            (.headerTooLong(path: "F", length: 9), "F claims a header that is longer than the file; export it again"),
            (.headerNotJSON(path: "F"), "F has a header that is not a JSON object of tensors"),
            (.badTensor(path: "F", name: "w"), "F: tensor 'w' has an unusable shape or place"),
            (.unsupportedType(path: "F", name: "w", type: "I8"), "F: tensor 'w' has type I8; only F32 is read"),
            (.gapsOrOverlaps(path: "F"), "F: its tensors overlap or leave gaps"),
            (.lengthMismatch(path: "F", expected: 8, found: 7), "F has 7 bytes of tensors where its header names 8"),
        ] as [(Safetensors.Invalid, String)])
    func messages(fault: Safetensors.Invalid, message: String) {
        #expect(fault.description == message)
        #expect(fault.kind == .input)
    }
}
