import Files
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Checkpoints

/// Whoever makes a project must not lose files that happen to be called like the project's own.
@Suite("Other people's files that are called like a project's own")
struct ForeignFilesTests {
    private let folder: TemporaryFolder
    private var path: String { folder.file("p") }

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.file("p"), withIntermediateDirectories: true)
    }

    /// All in the folder by name, with what files hold and where links lead.
    private func content() throws -> [String: String] {
        var content: [String: String] = [:]
        for name in try FileSystem.names(in: path) {
            let file = path + "/" + name
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: file) {
                content[name] = "-> " + target
            } else {
                content[name] = FileSystem.isFolder(file) ? "folder" : String(decoding: try FileSystem.read(file), as: UTF8.self)
            }
        }
        return content
    }

    private static let names = [
        "ledger-witness", "signing-key.pem", "unlearn.lock", "objects", "catalogue.sqlite.part", "catalogue.sqlite-journal", "catalogue.sqlite-wal",
        "catalogue.sqlite-shm", "catalogue.sqlite.part-journal", "catalogue.sqlite.part-wal", "catalogue.sqlite.part-shm",
    ]

    private enum Shape: CaseIterable { case text, number, folder, link, secondName }

    private func refusesAll(besideUnfinished: Bool) throws {
        let outside = try folder.write("12", to: "outside")
        for name in Self.names where !(besideUnfinished && name == "catalogue.sqlite.part") {
            for shape in Shape.allCases {
                // A creation that was cut off leaves such files itself.
                if name == "unlearn.lock", shape == .number { continue }
                if besideUnfinished, name == "objects" && shape == .folder || ["ledger-witness", "signing-key.pem"].contains(name) && shape == .number { continue }
                for old in try FileSystem.names(in: path) { try FileManager.default.removeItem(atPath: path + "/" + old) }
                if besideUnfinished { _ = try folder.write("", to: "p/catalogue.sqlite.part") }
                let file = path + "/" + name
                switch shape {
                case .text: _ = try folder.write("theirs, and longer than anything that a lock or a key holds: " + String(repeating: "x", count: 2000), to: "p/" + name)
                case .number: _ = try folder.write("12", to: "p/" + name)
                case .folder: try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: true)
                case .link: try #require(symlink(outside, file) == 0)
                case .secondName: try #require(link(outside, file) == 0)
                }
                let before = try content()
                let error = #expect(throws: Failure.self, "\(name) \(shape)") { _ = try Store(creating: path) }
                #expect(error?.kind == .input, "\(name) \(shape): \(String(describing: error))")
                #expect(error?.description.contains(name) == true)
                #expect(try content() == before, "\(name) \(shape)")
                #expect(try FileSystem.read(outside) == Array("12".utf8))
            }
        }
    }

    @Test("They are refused, named and stay as they are, whatever they are")
    func refused() throws { try refusesAll(besideUnfinished: false) }

    @Test("So they are beside what a creation left that was cut off")
    func besideUnfinished() throws { try refusesAll(besideUnfinished: true) }

    @Test("A lock that nobody holds, and what a creation leaves wherever it is cut off, is taken over", arguments: ["", "12345"])
    func own(lock: String) throws {
        _ = try folder.write(lock, to: "p/unlearn.lock")
        _ = try Store(creating: path)
        // Nobody abandoned it: all of it lies there.
        #expect(try FileSystem.names(in: path).contains("catalogue.sqlite.part"))
        let store = try takingLock { try Store(creating: path) }
        try store.transaction { change in try change.append(LedgerEntry(.created)) }
        try store.publishCreation()
        #expect(try Store(opening: path, .read).ledgerFaults().isEmpty)
    }

    @Test("An unfinished catalogue of which nothing but its length reached the device is ours")
    func zeros() throws {
        _ = try folder.write(String(repeating: "\0", count: 8192), to: "p/catalogue.sqlite.part")
        try Store(creating: path).publishCreation()
        #expect(Store.exists(in: path))
    }
}
