import Files
import Foundation
import TestSupport
import Testing

@testable import Tensors

@Suite("NumPy files")
struct NPZTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private let tensors = NamedTensors(
        layout: ParameterLayout([TensorSpec("conv.weight", [2, 1, 1, 2]), TensorSpec("bias", [3]), TensorSpec("größe", [])]),
        values: [1, 2, 3, 4, 5, 6, 7, 8])

    /// The files of a zip archive whose entries are stored as they are (PKWARE APPNOTE, section 4.3.7).
    private func entries(_ archive: [UInt8]) -> [(name: String, bytes: [UInt8])] {
        func number(_ offset: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(archive[offset + $1]) << (8 * $1) } }
        var found: [(String, [UInt8])] = []
        var place = 0
        while place + 30 <= archive.count, number(place, 4) == 0x0403_4B50, number(place + 8, 2) == 0 {
            let start = place + 30 + number(place + 26, 2) + number(place + 28, 2)
            let end = start + number(place + 18, 4)
            found.append((String(decoding: archive[(place + 30)..<(place + 30 + number(place + 26, 2))], as: UTF8.self), Array(archive[start..<end])))
            place = end
        }
        return found
    }

    @Test(
        "A header tells the shape as a Python tuple",
        arguments: [([], "()"), ([3], "(3,)"), ([2, 3], "(2, 3)"), ([6, 1, 5, 5], "(6, 1, 5, 5)"), ([0, 4], "(0, 4)")] as [([Int], String)])
    func shape(shape: [Int], text: String) {
        let values = [Float](repeating: 1, count: shape.reduce(1, *))
        let bytes = NPZ.npy(values[...], shape: shape)
        #expect(Array(bytes.prefix(8)) == [0x93] + Array("NUMPY".utf8) + [1, 0])
        let length = Int(bytes[8]) | Int(bytes[9]) << 8
        let header = String(decoding: bytes[10..<10 + length], as: UTF8.self)
        #expect(header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': \(text), }"))
        #expect(header.hasSuffix("\n"))
        #expect(bytes.count == 10 + length + values.count * 4)
    }

    @Test("The values begin at a multiple of 64 bytes, however long the shape is", arguments: 0...60)
    func aligned(dimensions: Int) {
        let bytes = NPZ.npy([1.5][...], shape: [Int](repeating: 1, count: dimensions))
        let length = Int(bytes[8]) | Int(bytes[9]) << 8
        #expect((10 + length) % 64 == 0)
        #expect(Array(bytes[(10 + length)...]) == littleEndianBytes([1.5]))
    }

    @Test("An archive holds one file for each tensor, in order and uncompressed")
    func archive() throws {
        let found = entries(try NPZ.encode(tensors))
        #expect(found.map(\.name) == ["conv.weight.npy", "bias.npy", "größe.npy"])
        let expected = tensors.layout.tensors.indices.map { NPZ.npy(tensors.values(of: $0), shape: tensors.layout.tensors[$0].shape) }
        #expect(found.map(\.bytes) == expected)
    }

    @Test("What is encoded is an archive that the reader opens")
    func readAgain() throws {
        let path = try folder.write(NPZ.encode(tensors), to: "model.npz")
        #expect(try NPZReader(path).names == ["bias", "conv.weight", "größe"])
    }

    @Test("Every entry is dated to the first day that a zip file knows: the same state is the same bytes at any time")
    func times() throws {
        let archive = try NPZ.encode(tensors)
        func number(_ offset: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(archive[offset + $1]) << (8 * $1) } }
        var dates: [[Int]] = []
        for place in archive.indices.dropLast(30) {
            // A local header, and an entry of the directory at the end (PKWARE APPNOTE, sections 4.3.7 and 4.3.12).
            if number(place, 4) == 0x0403_4B50 { dates.append([number(place + 10, 2), number(place + 12, 2)]) }
            if number(place, 4) == 0x0201_4B50 { dates.append([number(place + 12, 2), number(place + 14, 2)]) }
        }
        #expect(dates == [[Int]](repeating: [0, 1 << 5 | 1], count: 2 * tensors.layout.tensors.count))
    }

    @Test("Two tensors of one name are refused")
    func duplicateNames() {
        let layout = ParameterLayout([TensorSpec("w", [1]), TensorSpec("w", [1])])
        #expect(throws: Failure.self) { try NPZ.encode(NamedTensors(layout: layout, values: [1, 2])) }
    }
}
