import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The witness of the ledger's end")
struct LedgerWitnessTests {
    private struct Stop: Error {}

    private let project: SampleProject
    private var witness: String { project.folder.file("ledger-witness") }

    /// Each of the two places begins a sector.
    private static let stride = 512, length = 8 + 32 + 32

    init() throws { project = try SampleProject() }

    private func append(_ count: Int = 1) throws {
        let store = try project.writer()
        for _ in 0..<count { try store.transaction { change in try change.append(LedgerEntry(.audited, details: .null)) } }
    }

    private func size(_ place: Int) throws -> Int {
        let bytes = try FileSystem.read(witness)
        guard bytes.count >= place * Self.stride + 8 else { return 0 }
        return (0..<8).reduce(0) { $0 | Int(bytes[place * Self.stride + $1]) << (8 * $1) }
    }

    /// Refused for reading and writing, with nothing removed; whoever only looks gets in and is told the same.
    private func expectRefused(_ message: String, _ comment: Comment? = nil) throws {
        let files = try project.files(), failure = Failure(.damaged, message + "; run 'unlearn check' and restore the project from a backup")
        for access in [Store.Access.read, .write] {
            #expect(#expect(throws: Failure.self) { _ = try takingLock { try Store(opening: project.path, access) } } == failure, comment)
        }
        let store = try project.inspector()
        #expect(#expect(throws: Failure.self) { try store.verifyWitness() } == failure, comment)
        #expect(try project.files() == files)
    }

    private func expectFine(_ comment: Comment? = nil) throws {
        try project.reader().verifyWitness()
        _ = try project.writer()
        #expect(try project.reader().ledgerFaults() == [], comment)
    }

    @Test("An older catalogue put back alone is refused, however little is missing", arguments: [1, 2, 5])
    func olderCatalogue(entries: Int) throws {
        try append()
        let old = try FileSystem.read(project.catalogue)
        try append(entries)
        let new = try FileSystem.read(project.catalogue)
        try project.putBack(old)
        try expectRefused("\(project.catalogue): the ledger ends before its entry \(2 + entries), which was there: an older catalogue was put back")
        try project.putBack(new)
        try expectFine()
    }

    @Test("A catalogue from before the log was emptied is refused too")
    func olderLog() throws {
        let old = try FileSystem.read(project.catalogue)
        let copy: TemporaryFolder
        do {
            let store = try project.writer()
            try store.commit { change in try change.append(LedgerEntry(.audited)) }
            copy = try project.copy()
        }
        // With its log it would have all (see the log's tests); without, it is the one from before.
        for suffix in ["-wal", "-shm"] { try FileSystem.remove(copy.file("catalogue.sqlite" + suffix)) }
        #expect(try FileSystem.read(copy.file("catalogue.sqlite")).count == old.count)
        let error = #expect(throws: Failure.self) { _ = try Store(opening: copy.path, .read) }
        #expect(error?.description.contains("the ledger ends before its entry 2, which was there") == true)
    }

    @Test("A catalogue whose ledger went another way is refused")
    func otherWay() throws {
        let start = try FileSystem.read(project.catalogue), startWitness = try FileSystem.read(witness)
        try append(2)
        let other = try FileSystem.read(project.catalogue)
        try project.putBack(start)
        try project.folder.write(startWitness, to: "ledger-witness")
        try append(2)
        try project.putBack(other)
        try expectRefused("\(project.catalogue): the ledger is not the one whose 3 entries were seen: another catalogue was put in place")
    }

    @Test("A witness that lags behind is fine, and is up to date after the next entry")
    func lagging() throws {
        let old = try FileSystem.read(witness)
        try append(3)
        try project.folder.write(old, to: "ledger-witness")
        try expectFine()
        let before = try FileSystem.read(project.catalogue)
        try append()
        #expect(try [size(0), size(1)].max() == 5)
        try project.putBack(before)
        try expectRefused("\(project.catalogue): the ledger ends before its entry 5, which was there: an older catalogue was put back")
    }

    @Test("The places are written in turn, and the one that is not written stays byte for byte")
    func inTurn() throws {
        #expect(try [size(0), size(1)] == [1, 0])
        var before = try FileSystem.read(witness)
        for (round, sizes) in [[1, 2], [3, 2], [3, 4], [5, 4]].enumerated() {
            try append()
            let after = try FileSystem.read(witness)
            #expect(try [size(0), size(1)] == sizes)
            let kept = round % 2 == 0 ? 0..<Self.length : Self.stride..<Self.stride + Self.length
            #expect(after[kept] == before[kept])
            #expect(after.count == Self.stride + Self.length)
            before = after
        }
    }

    @Test("One place that was spoiled takes nothing away, whichever it is", arguments: [0, 1])
    func oneSpoiled(place: Int) throws {
        try append(2)
        try #require(try [size(0), size(1)] == [3, 2])
        let whole = try FileSystem.read(witness)
        for byte in [0, 7, 8, 39, 40, 71] {
            var bytes = whole
            bytes[place * Self.stride + byte] ^= 1
            try project.folder.write(bytes, to: "ledger-witness")
            try expectFine("byte \(byte)")
        }
        // Half a sector of zeros, as a power failure may leave it.
        var bytes = whole
        for byte in 0..<256 where place * Self.stride + byte < bytes.count { bytes[place * Self.stride + byte] = 0 }
        try project.folder.write(bytes, to: "ledger-witness")
        try expectFine()
        // Whoever looks is told: a catalogue of before the last entry would be taken for this one.
        let remarks = try Store(opening: project.path, .inspect).witnessRemarks()
        #expect(remarks.count == 1 && remarks[0].contains("ledger-witness: one of its two places is not what this project wrote"))
        // The next entry is written over the spoiled one.
        try append()
        #expect(try size(place) == 4)
        #expect(try Store(opening: project.path, .inspect).witnessRemarks() == [])
    }

    @Test("A witness with nothing whole in it is damage: both places spoiled, cut short, too long, or another project's")
    func allSpoiled() throws {
        try append()
        let whole = try FileSystem.read(witness)
        var spoiled = whole
        for place in 0...1 { spoiled[place * Self.stride + 50] ^= 1 }
        let other = try TemporaryFolder()
        do {
            let store = try Store(creating: other.path)
            try store.transaction { change in try change.append(LedgerEntry(.created)) }
            try store.publishCreation()
        }
        let zeros = [UInt8](repeating: 0, count: 2 * Self.stride + 1)
        for bytes in [[], spoiled, Array(whole[..<71]), whole + zeros, zeros, try FileSystem.read(other.file("ledger-witness"))] {
            try project.folder.write(bytes, to: "ledger-witness")
            try expectRefused("\(witness) is not what this project wrote there: nothing outside the catalogue vouches for the ledger")
        }
        try project.folder.write(whole, to: "ledger-witness")
        try expectFine()
    }

    @Test("No byte of a witness can be changed")
    func changedByte() throws {
        let whole = try FileSystem.read(witness)
        try #require(whole.count == Self.length)
        for byte in whole.indices {
            var bytes = whole
            bytes[byte] ^= 0x10
            try project.folder.write(bytes, to: "ledger-witness")
            #expect(throws: Failure.self, "byte \(byte)") { _ = try project.reader() }
        }
    }

    @Test("A missing witness, and one that is no file, are damage, for a reader who is alone too")
    func missing() throws {
        try FileSystem.remove(witness)
        try expectRefused("\(witness) is missing: nothing outside the catalogue vouches for the ledger")
        try FileSystem.makeFolder(witness)
        try expectRefused("\(witness) is no regular file")
    }

    @Test("A transaction that throws, and one without an entry, leave the witness as it is")
    func untouched() throws {
        let before = try FileSystem.read(witness), store = try project.writer()
        #expect(throws: Stop.self) {
            try store.transaction { change in
                try change.append(LedgerEntry(.audited))
                throw Stop()
            }
        }
        try store.transaction { change in try change.set("key", to: "value") }
        #expect(try FileSystem.read(witness) == before)
    }

    @Test("A change whose entry cannot be witnessed stands, its remains are destroyed, and the failure says so")
    func unwritable() throws {
        let before = try FileSystem.read(witness), old = try project.file(of: .influence, 2)
        do {
            let store = try project.writer()
            try FileSystem.remove(witness)
            try FileSystem.makeFolder(witness)
            let error = #expect(throws: Failure.self) {
                try store.transaction { change in
                    try change.setInfluence(store.stage(SampleProject.record(.influence, 2, version: 1)), baseIsExact: true)
                    try change.append(LedgerEntry(.audited))
                }
            }
            #expect(error?.kind == .failed)
            #expect(error?.description.hasPrefix("the change is made, but \(witness) does not vouch for it yet (") == true)
            #expect(error?.description.hasSuffix("); the next entry of the ledger brings it up to date") == true)
            #expect(!FileSystem.exists(old.path))
            #expect(try store.condemnedObjects().isEmpty)
            // As soon as it can be written, it is.
            try FileSystem.removeTree(witness)
            try project.folder.write(before, to: "ledger-witness")
            try store.transaction { change in try change.append(LedgerEntry(.audited)) }
        }
        #expect(try [size(0), size(1)].max() == 3)
        try expectFine()
        #expect(try project.reader().influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
    }
}
