import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The key file")
struct KeyFileTests {
    private let folder: TemporaryFolder
    private var path: String { folder.file("project.key") }

    init() throws { folder = try TemporaryFolder() }

    /// Writes a key file that its owner alone can read.
    private func write(_ bytes: [UInt8], mode: Int = 0o600) throws {
        try folder.write(bytes, to: "project.key")
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func read() throws -> SecretKey { try KeyFile(path: path, isOwn: true).read() }

    private func refusal(isOwn: Bool = true) -> Failure? {
        #expect(throws: Failure.self) { _ = try KeyFile(path: path, isOwn: isOwn).read() }
    }

    private let digits = Array("000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F".utf8)

    @Test("A new key file is 64 digits and a line end that its owner alone can read, and is read as the key that was made")
    func creates() throws {
        let key = try KeyFile(path: path, isOwn: true).create()
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try FileSystem.read(path) == Array((Hexadecimal.encode(key.exposed) + "\n").utf8))
        #expect(try read().exposed == key.exposed)
        #expect(try FileSystem.names(in: folder.path) == ["project.key"])
    }

    @Test("Two new keys differ")
    func differ() throws {
        #expect(try KeyFile(path: path, isOwn: true).create().exposed != KeyFile(path: folder.file("other"), isOwn: true).create().exposed)
    }

    @Test("Digits with and without a line end, and 32 bytes whatever they are, are read")
    func forms() throws {
        for bytes in [digits, digits + [10], SecretKey.counting.exposed] {
            try write(bytes)
            #expect(try read().exposed == SecretKey.counting.exposed)
        }
        // 32 digits are a key of 32 bytes.
        try write(Array(digits.prefix(32)))
        #expect(try read().exposed == Array(digits.prefix(32)))
    }

    @Test("Anything else is refused in one line that names the file", arguments: [true, false])
    func malformed(isOwn: Bool) throws {
        let wrong: [[UInt8]] = [
            [], [1], digits.dropLast(), digits + [32], digits + [13, 10], digits + [10, 10], digits + digits, [10] + digits, digits.dropLast() + [10],
            digits.dropLast() + [UInt8(ascii: "g")], [0xEF, 0xBB, 0xBF] + digits, [UInt8](repeating: 0xFF, count: 64), [UInt8](repeating: 0, count: 31),
            [UInt8](repeating: 0, count: 33), [UInt8](repeating: 0x30, count: 1_000_000),
        ]
        for bytes in wrong {
            try write(bytes)
            let message = "\(path) is no key file (64 hexadecimal digits, or 32 bytes); put the project's key back"
            #expect(refusal(isOwn: isOwn) == Failure(isOwn ? .damaged : .input, message), "\(bytes.count) bytes")
        }
    }

    @Test("An own key file that others may do anything with is refused", arguments: [0o644, 0o640, 0o604, 0o660, 0o602, 0o601, 0o610])
    func readableByOthers(mode: Int) throws {
        try write(digits, mode: mode)
        let message = "the project's key file \(path) can be read by others (mode \(String(mode, radix: 8))); run 'chmod 600 \(path)'; "
            + "where that changes nothing, the file system keeps no permissions: keep the key on another one and set UNLEARN_KEY_FILE to where it is"
        #expect(refusal() == Failure(.input, message))
        // Where a key file lies elsewhere, its owner decides.
        #expect(try KeyFile(path: path, isOwn: false).read().exposed == SecretKey.counting.exposed)
    }

    @Test("A missing key file is wrong input with both remedies, whether or not a place was named for it", arguments: [true, false])
    func missing(isOwn: Bool) {
        let message =
            "the project's key file \(path)\(isOwn ? "" : ", which UNLEARN_KEY_FILE names,") is missing; put the file back there, or set UNLEARN_KEY_FILE to where it is: "
            + "without it no row and no parameter can be read"
        #expect(refusal(isOwn: isOwn) == Failure(.input, message))
    }

    @Test("A folder or a pipe in a key file's place is refused, without waiting for anybody to write to it")
    func irregular() throws {
        try FileSystem.makeFolder(path)
        #expect(refusal() == Failure(.damaged, "the project's key file \(path) is no regular file; put the right one there"))
        try FileSystem.removeTree(path)
        try #require(mkfifo(path, 0o600) == 0)
        #expect(refusal() == Failure(.damaged, "the project's key file \(path) is no regular file; put the right one there"))
    }

    @Test("Purposes have keys of their own, and a key's derived ones do not depend on the project")
    func projectKeys() throws {
        let keys = (1...2).map { ProjectKeys(.counting, projectID: [UInt8](repeating: $0, count: 16), encryption: .none) }
        #expect(Set(keys[0].all + [SecretKey.counting.exposed]).count == 4)
        #expect(keys[0].all == keys[1].all)
        #expect(keys[0].signing.publicKey == keys[1].signing.publicKey)
    }
}

extension ProjectKeys {
    fileprivate var all: [[UInt8]] { [keyring, rowIDs, catalogue].map(\.exposed) }
}
