import Files
import Foundation
import TestSupport
import Testing

@testable import Tensors

@Suite("States in their tensors' own types")
struct StateFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("Every type comes back from a file as it was written, whatever stands beside it", arguments: TensorElement.allCases)
    func types(element: TensorElement) throws {
        let states = StateFile([
            StateTensor("a", [3], .int8, bits: 0), StateTensor("b", [2, 35_000], element, bits: element.isFloatingPoint ? 10 : 0), StateTensor("c", [1], .float32, bits: 18),
        ])
        var random = SeededGenerator(3)
        // What eight digits can hold, which are the fewest.
        let range: ClosedRange<Int32> = switch element {
        case .bool: 0...1
        case .uint8: 0...255
        case .float16, .bfloat16, .int8: -128...127
        case .float64, .float32, .int64, .int32, .int16: -30_000...30_000
        }
        let state = LatticeVector([-128, 0, 127] + (0..<70_000).map { _ in Int32.random(in: range, using: &random) } + [12_345_678])
        let path = folder.file("state")
        try states.write(state, to: OpenFile(path, .createNew))
        #expect(try states.read(OpenFile(path, .read)) == state)
        let header = try SafetensorsHeader(OpenFile(path, .read)), entry = try #require(header.entries["b"])
        #expect(entry.type == element.rawValue && entry.shape == [2, 35_000] && entry.start % element.bytes == 0 && header.dataStart % 8 == 0)
    }

    @Test("Half precision rounds as the processor does, over all its numbers and between them")
    func halves() {
        // Expected once, of the words that are wrong: a quarter of a million expectations take seconds.
        var wrong: [UInt16] = []
        for word in UInt16.min...UInt16.max {
            let value = Float(Float16(bitPattern: word)), own = HalfPrecision.float(float16: word), upper = HalfPrecision.float(bfloat16: word)
            var isRight = own.bitPattern == value.bitPattern || (own.isNaN && value.isNaN)
            if upper.isFinite { isRight = isRight && HalfPrecision.bfloat16(upper) == word }
            if value.isFinite {
                isRight = isRight && HalfPrecision.float16(value) == word
                for between in [value.nextUp, value.nextDown, value * 1.0004, value * 1.0005] where abs(between) < 65504 {
                    isRight = isRight && HalfPrecision.float16(between) == Float16(between).bitPattern
                }
            }
            if !isRight { wrong.append(word) }
        }
        #expect(wrong == [])
        // Half to even, and no number becomes infinite.
        #expect(HalfPrecision.bfloat16(Float(bitPattern: 0x3F80_8000)) == 0x3F80 && HalfPrecision.bfloat16(Float(bitPattern: 0x3F81_8000)) == 0x3F82)
        #expect(HalfPrecision.bfloat16(.greatestFiniteMagnitude) == 0x7F7F && HalfPrecision.float16(1e6) == 0x7BFF)
    }

    @Test("A tensor's own lattice has between 2^19 and 2^20 steps for its largest number", arguments: [1e-30, 3e-6, 0.02, 0.5, 1, 1.99, 700, 1e9])
    func scales(largest: Double) throws {
        let bits = try #require(StateTensor.bits(largest: largest)), steps = largest * pow(2, Double(bits))
        #expect(bits == 40 || bits == -8 || (pow(2, 19)..<pow(2, 20)).contains(steps))
        #expect(StateTensor.bits(largest: 0) == nil && StateTensor.bits(largest: .infinity) == nil)
    }

    @Test("Numbers of half precision come back as training saw them, though they were rounded to steps")
    func halfStates() throws {
        let states = StateFile([StateTensor("w", [1000], .bfloat16, bits: 20)]), path = folder.file("half")
        var random = SeededGenerator(5)
        let words = (0..<1000).map { _ in HalfPrecision.bfloat16(Float.random(in: -1...1, using: &random) * pow(2, Float.random(in: -12...0, using: &random))) }
        let steps = words.map { Int32((HalfPrecision.float(bfloat16: $0) * 0x1p20).rounded(.toNearestOrEven)) }
        try states.write(LatticeVector(steps), to: OpenFile(path, .createNew))
        #expect(try states.read(OpenFile(path, .read)).steps == steps)
        #expect(try states.largest(OpenFile(path, .read))[0] == words.map { Double(abs(HalfPrecision.float(bfloat16: $0))) }.max()!)
    }

    @Test("A number without a place on the lattice is named with its tensor")
    func offLattice() throws {
        let states = StateFile([StateTensor("w", [2], .float32, bits: 18)]), path = folder.file("off")
        for value in [Float.nan, .infinity, 1e9] {
            try? FileSystem.remove(path)
            let bytes = try Safetensors.encode(NamedTensors(layout: states.layout, values: [0, value]))
            try bytes.withUnsafeBytes { try OpenFile(path, .createNew).write($0, at: 0) }
            #expect { try states.read(OpenFile(path, .read)) } throws: { ($0 as? StateFile.OffLattice)?.tensor == "w" }
        }
    }

    @Test("A file of other tensors is refused, and says which", arguments: [
        ("W", [2], "F32", "has no tensor 'w'"), ("w", [1, 2], "F32", "as F32 [1, 2]"), ("w", [2], "F16", "as F16 [2]"), ("w", [3], "F32", "as F32 [3]"),
    ])
    func others(name: String, shape: [Int], type: String, expected: String) throws {
        let path = folder.file("other"), bytes = shape.reduce(type == "F16" ? 2 : 4, *)
        let header = Array(#"{"\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[0,\#(bytes)]}}"#.utf8)
        var all = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
        all += [UInt8](repeating: 0, count: bytes)
        try all.withUnsafeBytes { try OpenFile(path, .createNew).write($0, at: 0) }
        #expect { try StateFile([StateTensor("w", [2], .float32, bits: 18)]).read(OpenFile(path, .read)) } throws: { ($0 as? StateFile.Invalid)?.what.contains(expected) == true }
    }

    @Test("Hostile headers are refused: longer than the file, no JSON, places beyond its end or before its beginning", arguments: [
        #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8000000000]}}"#, #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[4]}}"#, #"{"w":7}"#, "[", "",
    ])
    func hostile(header: String) throws {
        let path = folder.file("hostile"), text = Array(header.utf8)
        let all = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text + [UInt8](repeating: 0, count: 8)
        try all.withUnsafeBytes { try OpenFile(path, .createNew).write($0, at: 0) }
        #expect(throws: StateFile.Invalid.self) { try StateFile([StateTensor("w", [2], .float32, bits: 18)]).read(OpenFile(path, .read)) }
        let long = withUnsafeBytes(of: UInt64.max.littleEndian) { Array($0) }
        try long.withUnsafeBytes { try OpenFile(path, .write).write($0, at: 0) }
        #expect(throws: StateFile.Invalid.self) { try SafetensorsHeader(OpenFile(path, .read)) }
    }
}
