import CZlib
import Files
import Foundation
import TestSupport
import Testing

@testable import Training

/// One way in which a NumPy file can be wrong: its arrays, and words that the message must hold.
private struct WrongArrays: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var x = SampleNPZ.npy("|u1", [2, 1], [1, 2])
    var y = SampleNPZ.npy("|u1", [2], [0, 1])
    var id: [UInt8]?
    var words: [String] = []

    private typealias NPZ = SampleNPZ

    private static func header(_ shape: String, type: String = "|u1", data: [UInt8] = [1, 2]) -> [UInt8] {
        NPZ.npy(dictionary: "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }", data)
    }

    static let all: [WrongArrays] = [
        WrongArrays(testDescription: "big-endian", x: NPZ.npy(">f4", [2, 1], NPZ.floats([1, 2])), words: ["big-endian", "'>f4'", "astype"]),
        WrongArrays(testDescription: "objects", y: NPZ.npy("|O", [2], [0, 1]), words: ["array 'y'", "Python objects", "astype(str)"]),
        WrongArrays(testDescription: "records", y: NPZ.npy(dictionary: "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", []), words: ["records"]),
        WrongArrays(testDescription: "half precision", x: NPZ.npy("<f2", [2, 1], [0, 1, 2, 3]), words: ["'<f2'", "astype('<f4')"]),
        WrongArrays(testDescription: "features of wide integers", x: NPZ.npy("<i8", [2, 1], [UInt8](repeating: 1, count: 16)), words: ["row 1, feature 1 is 72340172838076673", "does not hold exactly", "astype('<f4')"]),
        WrongArrays(
            testDescription: "labels that are measurements", y: NPZ.npy("<f4", [2], NPZ.floats([1, 0.5])),
            words: ["array 'y' holds 2 different numbers, 0.5 in row 2 among them", "this is a classifier", "numpy.digitize"]),
        WrongArrays(testDescription: "a label that is no number", y: NPZ.npy("<f8", [2], NPZ.doubles([1, .nan])), words: ["array 'y', row 2 is not a number (NaN): it has no label"]),
        WrongArrays(testDescription: "a label beyond every class", y: NPZ.npy("<f8", [2], NPZ.doubles([-.infinity, 1])), words: ["-inf in row 1"]),
        WrongArrays(testDescription: "ids of floats", id: NPZ.npy("<f8", [2], NPZ.doubles([1, 2])), words: ["array 'id'", "astype('<i8')"]),
        WrongArrays(testDescription: "features of text", x: NPZ.npy("<U1", [2, 1], NPZ.unicode(["a", "b"], characters: 1)), words: ["'<U1'", "astype('u1')"]),
        WrongArrays(testDescription: "not a number", x: NPZ.npy("<f4", [2, 1], NPZ.floats([1, .nan])), words: ["row 2, feature 1", "not a finite number"]),
        WrongArrays(testDescription: "beyond single precision", x: NPZ.npy("<f8", [2, 1], NPZ.doubles([1e39, 1])), words: ["row 1, feature 1"]),
        WrongArrays(testDescription: "one dimension", x: NPZ.npy("|u1", [2], [1, 2]), words: ["shape (2)", "(rows, features)"]),
        WrongArrays(testDescription: "five dimensions", x: NPZ.npy("|u1", [2, 1, 1, 1, 1], [1, 2]), words: ["(2, 1, 1, 1, 1)"]),
        WrongArrays(testDescription: "no rows", x: NPZ.npy("|u1", [0, 1], []), words: ["no rows"]),
        WrongArrays(testDescription: "no features", x: NPZ.npy("|u1", [2, 0], []), words: ["features are read"]),
        WrongArrays(testDescription: "more labels than rows", y: NPZ.npy("|u1", [3], [0, 1, 0]), words: ["array 'y' has shape (3) where x has 2 rows"]),
        WrongArrays(testDescription: "one class", y: NPZ.npy("|u1", [2], [1, 1]), words: ["one value only"]),
        WrongArrays(testDescription: "an empty id", id: NPZ.npy("<U1", [2], NPZ.unicode(["a", ""], characters: 1)), words: ["array 'id', row 2 is empty"]),
        WrongArrays(testDescription: "an id of 5000 bytes", id: NPZ.npy("|S5000", [2], [UInt8](repeating: 97, count: 10_000)), words: ["array 'id', row 1 has a text of 5000 bytes, and up to 4096 are read"]),
        WrongArrays(testDescription: "a label of 5000 bytes", y: NPZ.npy("|S5000", [2], [UInt8](repeating: 97, count: 10_000)), words: ["array 'y', row 1 has a text of 5000 bytes"]),
        WrongArrays(testDescription: "a NUL inside an id", id: NPZ.npy("|S3", [2], Array("a\0bcd\0".utf8)), words: ["array 'id', row 1 is no text"]),
        WrongArrays(testDescription: "an id that is no UTF-8", id: NPZ.npy("|S1", [2], [0x61, 0xFF]), words: ["row 2 is no text"]),
        WrongArrays(testDescription: "an id that is no Unicode", id: NPZ.npy("<U1", [2], NPZ.number(0xD800, 4) + NPZ.number(97, 4)), words: ["row 1 is no text"]),
        WrongArrays(testDescription: "a product beyond 2^63", x: header("(4294967296, 4294967296)"), words: ["larger than any file"]),
        WrongArrays(testDescription: "a dimension of 2^63", x: header("(9223372036854775808, 1)"), words: ["damaged header"]),
        WrongArrays(testDescription: "a product of 2^63 − 1", x: header("(9223372036854775807, 1)"), words: ["its shape needs 9223372036854775807"]),
        WrongArrays(testDescription: "zero rows of 2^62 features", x: header("(0, 4611686018427387904)", data: []), words: ["no rows"]),
        WrongArrays(testDescription: "a negative dimension", x: header("(-2, 1)"), words: ["damaged header"]),
        WrongArrays(testDescription: "strings of no length", y: header("(4000000000,)", type: "<U0", data: []), words: ["unusable length"]),
        WrongArrays(testDescription: "strings of 2^63 characters", y: header("(2,)", type: "<U9223372036854775807"), words: ["unusable length"]),
        WrongArrays(testDescription: "more data than the shape", x: NPZ.npy("|u1", [2, 1], [1, 2, 3]), words: ["its shape needs 2 and a header"]),
        WrongArrays(testDescription: "less data than the shape", x: NPZ.npy("|u1", [2, 2], [1, 2, 3]), words: ["its shape needs 4 and a header"]),
        WrongArrays(testDescription: "a header of 2^32 − 1 bytes", x: NPZ.npy(dictionary: "{}", [], version: 2, length: 0xFFFF_FFFF), words: ["header of 4294967295"]),
        WrongArrays(testDescription: "a header longer than the file", x: NPZ.npy(dictionary: "{}", [], length: 60_000), words: ["ends early"]),
        WrongArrays(testDescription: "no array at all", x: [1, 2, 3, 4, 5, 6, 7, 8, 9], words: ["no array that NumPy wrote"]),
        WrongArrays(testDescription: "a header without a shape", x: NPZ.npy(dictionary: "{'descr': '|u1', 'fortran_order': False}", [1, 2]), words: ["no dictionary"]),
        WrongArrays(
            testDescription: "a header with two shapes",
            x: NPZ.npy(dictionary: "{'descr': '|u1', 'shape': (2,), 'shape': (2, 1), 'fortran_order': False}", [1, 2]), words: ["no dictionary"]),
    ]

    var archive: [UInt8] {
        SampleNPZ.zip([SampleNPZ.Entry("x.npy", x), SampleNPZ.Entry("y.npy", y)] + (id.map { [SampleNPZ.Entry("id.npy", $0)] } ?? []))
    }
}

@Suite("Wrong NumPy files")
struct NPZErrorTests {
    private typealias NPZ = SampleNPZ

    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private static let x = NPZ.npy("|u1", [2, 1], [1, 2]), y = NPZ.npy("|u1", [2], [0, 1])
    private static let good = [NPZ.Entry("x.npy", x), NPZ.Entry("y.npy", y)]

    /// What the survey of these bytes says; reading rows must say the same where the survey finds a fault in x.
    private func refusal(_ bytes: [UInt8]) throws -> String {
        let path = try folder.write(bytes, to: "data.npz")
        let error = try failure { _ = try NPZSource(path).survey() }
        #expect(error.kind == .input && error.description.contains(path) && !error.description.contains("\n"))
        return error.description
    }

    @Test("Each way of being wrong is named", arguments: WrongArrays.all)
    private func wrong(_ arrays: WrongArrays) throws {
        let message = try refusal(arrays.archive)
        for word in arrays.words { #expect(message.contains(word), "\(message)") }
    }

    @Test("A missing array is named beside those that are there")
    func missing() throws {
        #expect(try refusal(NPZ.zip([NPZ.Entry("x.npy", Self.x), NPZ.Entry("labels.npy", Self.y)])).contains("has no array 'y'; it holds labels, x;"))
        #expect(try refusal(NPZ.zip([])).contains("npz"))
    }

    @Test("Names that point elsewhere are never looked at, and nothing is written")
    func foreignNames() throws {
        let names = ["../x.npy", "/tmp/x.npy", "./x.npy", "a/../x.npy", "X.NPY", "x.npy/", "..\\x.npy"]
        #expect(try refusal(NPZ.zip(names.map { NPZ.Entry($0, Self.x) } + [NPZ.Entry("y.npy", Self.y)])).contains("has no array 'x'"))
        let path = try folder.write(NPZ.zip(Self.good + names.map { NPZ.Entry($0, [1, 2, 3]) }), to: "more.npz")
        #expect(try NPZSource(path).survey().rows == 2)
        #expect(try FileSystem.names(in: folder.path) == ["data.npz", "more.npz"])
    }

    @Test("Two entries of one name are refused; one whose name goes on behind a NUL has another name")
    func duplicates() throws {
        #expect(try refusal(NPZ.zip(Self.good + [NPZ.Entry("x.npy", Self.x)])).contains("array 'x' is there 2 times"))
        let path = try folder.write(NPZ.zip(Self.good + [NPZ.Entry("x.npy\0.txt", [])]), to: "more.npz")
        #expect(try NPZSource(path).survey().rows == 2)
        #expect(try refusal(NPZ.zip([NPZ.Entry("x.npy\0", Self.x), Self.good[1]])).contains("has no array 'x'"))
    }

    @Test("A file cut anywhere is bad input, stored or deflated", arguments: [false, true])
    func truncated(deflated: Bool) throws {
        let whole = NPZ.zip(Self.good.map { deflated ? $0.deflated : $0 })
        #expect(try NPZSource(try folder.write(whole, to: "whole.npz")).survey().rows == 2)
        for length in 0..<whole.count { _ = try refusal(Array(whole[..<length])) }
    }

    @Test("A changed byte of the data is found by its checksum")
    func checksum() throws {
        for index in [Self.x.count - 1, Self.x.count - 2] {
            var entry = Self.good[0]
            entry.stored[index] ^= 1
            #expect(try refusal(NPZ.zip([entry, Self.good[1]])).contains("array 'x' is damaged"))
        }
    }

    /// `bytes` as a raw deflate stream: zlib's without its two bytes in front and four behind.
    private func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var length = compressBound(UInt(bytes.count))
        var result = [UInt8](repeating: 0, count: Int(length))
        #expect(compress2(&result, &length, bytes, UInt(bytes.count), 9) == Z_OK)
        return Array(result[2..<Int(length) - 4])
    }

    @Test("Compressed data longer or shorter than claimed is refused before it is all unpacked", arguments: [1 << 24, 1])
    func bombs(real: Int) throws {
        var entry = NPZ.Entry("x.npy", NPZ.npy("|u1", [2, 1], [UInt8](repeating: 0, count: real)))
        entry.method = 8
        entry.stored = compressed(entry.stored)
        entry.size = Self.x.count
        let message = try refusal(NPZ.zip([entry, Self.good[1]]))
        #expect(message.contains("array 'x'"), "\(message)")
    }

    @Test("A claimed size costs no memory: 2^40 rows in 200 bytes are refused at once")
    func claims() throws {
        var entry = NPZ.Entry("x.npy", NPZ.npy("|u1", [1 << 30, 1], []))
        entry.size += 1 << 30
        #expect(try refusal(NPZ.zip([entry, Self.good[1]])).contains("where x has 1073741824 rows"))
    }

    @Test("Encrypted entries and those compressed in rare ways are refused", arguments: [1, 9, 12, 14, 93, 95])
    func methods(method: Int) throws {
        var entry = Self.good[0]
        entry.method = method
        #expect(try refusal(NPZ.zip([entry, Self.good[1]])).contains("savez_compressed"))
    }

    @Test("A missing file, a folder, a pipe, a device and a link to itself are bad input that names them")
    func notFiles() throws {
        let pipe = folder.file("pipe"), link = folder.file("link")
        #expect(mkfifo(pipe, 0o600) == 0 && symlink(link, link) == 0)
        for path in [folder.file("none"), folder.path, pipe, link, "/dev/zero"] {
            let error = try failure { _ = try NPZSource(path).survey() }
            #expect(error.kind == .input && error.description.contains(path), "\(error)")
        }
    }
}
