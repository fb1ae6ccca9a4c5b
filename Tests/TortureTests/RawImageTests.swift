import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import TortureSupport

/// Reads the drive below the file system, as somebody with the project's key would who looks for what was deleted: blocks that
/// files gave up, beside the files that are there. The drive is put together from all that the program wrote.
@Suite("The raw drive after a deletion", .serialized)
struct RawImageTests {
    private let workplace: WorkFolder
    private let sample: Sample
    private let subject: Subject
    private let root: String

    init() throws {
        workplace = try WorkFolder()
        sample = try Sample(rows: 60, testRows: 12, blocks: 6, in: workplace)
        root = try workplace.folder()
        subject = Subject(.built, root + "/project", sample)
    }

    private func call(_ operation: TortureSupport.Operation) throws {
        let result = try subject.call(operation, with: FaultPage.environment(folder: root, trace: workplace.file("trace")))
        try #require(result.status == 0, "\(operation.name): \(result.errors)")
    }

    /// Every cell and every object's bytes that a key of the moment is needed for.
    private func secrets() throws -> [String: [UInt8]] {
        let database = try Database(subject.folder + "/catalogue.sqlite", .read)
        var secrets = ["keyring": try #require(try database.rows("SELECT keyring FROM project") { $0.blob(0) }.first)]
        for (name, cell) in try database.rows("SELECT name, cell FROM objects", map: { (Hexadecimal.encode($0.blob(0)), $0.blob(1)) }) {
            secrets["cell of \(name)"] = cell
        }
        for (name, cell) in try database.rows("SELECT key, value FROM settings", map: { ($0.text(0), $0.blob(1)) }) { secrets["setting \(name)"] = cell }
        for (position, cell) in try database.rows("SELECT position, perishable FROM disclosures", map: { ($0.integer(0), $0.blob(1)) }) {
            secrets["disclosures \(position)"] = cell
        }
        for name in try FileSystem.names(in: subject.folder + "/objects") {
            secrets["file \(name)"] = Array(try FileSystem.read(subject.folder + "/objects/" + name).dropFirst(40).prefix(64))
        }
        return secrets
    }

    /// The drive after all that was traced.
    /// - Parameter overwriting: if false, writes of nothing but zeros are left out: the search must notice.
    private func drive(overwriting: Bool = true) throws -> (files: [[UInt8]], remains: [[UInt8]]) {
        var disk = Disk(root: root)
        for change in try Trace.decode(Tree.read(workplace.file("trace"))) {
            if !overwriting, change.kind == .write, change.payload.allSatisfy({ $0 == 0 }) { continue }
            try disk.apply(change)
        }
        var random = SeededGenerator(1)
        return (try disk.survivors(.everything, using: &random).values.compactMap { $0 }, disk.remains)
    }

    private func found(_ secrets: [String: [UInt8]], in places: [[UInt8]]) -> Set<String> {
        let places = places.map { Data($0) }
        return Set(secrets.filter { _, bytes in places.contains { $0.range(of: Data(bytes)) != nil } }.keys)
    }

    @Test("No cell and no file that knew the row is anywhere on the drive, neither in files nor in blocks that they gave up")
    func nothingRemains() throws {
        for operation in [Operation.initialise(sample), .train, .delete(["30"], "--method", "exact")] { try call(operation) }
        let old = try secrets()
        try call(.delete(["1", "7", "test:1"], "--method", "exact"))
        let kept = Set(try FileSystem.names(in: subject.folder + "/objects").map { "file \($0)" })
        let gone = old.filter { !kept.contains($0.key) }
        #expect(gone.keys.contains("keyring") && gone.keys.count { $0.hasPrefix("file") } >= 6)
        let (files, remains) = try drive()
        #expect(found(gone, in: files) == [])
        #expect(found(gone, in: remains) == [])
        // The search finds what is there: what the project still needs, and all of the rest where nothing is overwritten.
        #expect(try found(secrets(), in: files).contains("keyring"))
        let careless = try found(gone, in: drive(overwriting: false).remains)
        #expect(careless.contains("keyring") && careless.isSuperset(of: gone.keys.filter { $0.hasPrefix("file") }))
    }
}
