import Files
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The chain in the store")
struct StoreChainTests {
    private let project: SampleProject

    init() throws { project = try SampleProject() }

    /// Objects of a kind, by block, as the files' names tell.
    private func blocks(_ kind: String) throws -> [Int] {
        try project.files().filter { $0.contains("-\(kind)-") }.compactMap { Int($0.split(separator: "-").last ?? "") }.sorted()
    }

    @Test("Links tell which blocks have a keyframe, a correction and an exact base")
    func links() throws {
        let store = try project.writer()
        try store.transaction {
            try store.setCorrection(store.stage(SampleProject.record(.correction, 1)))
            try store.markInexact(from: 2)
        }
        let links = try store.chainLinks()
        #expect(links.map(\.block) == [1, 2, 3])
        #expect(links.map(\.baseIsExact) == [true, false, false])
        #expect(links.map(\.hasCorrection) == [true, false, false])
        #expect(links.map(\.hasKeyframe) == [false, true, false])
    }

    @Test("A replaced influence is the new one, and the old file is gone")
    func replacesInfluence() throws {
        let store = try project.writer()
        let old = try project.files().filter { $0.hasSuffix("-influence-2") }
        let new = try store.stage(SampleProject.record(.influence, 2, version: 1))
        #expect(try project.files().contains(new.file))
        try store.transaction {
            try store.setInfluence(new, baseIsExact: false)
            #expect(try store.condemnedObjects().map(\.file) == old)
            // Until the commit a crash must find the old files.
            #expect(try project.files().contains(old[0]))
        }
        #expect(try project.files().filter { $0.hasSuffix("-influence-2") } == [new.file])
        #expect(try store.influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
        #expect(try store.influence(of: 1) == SampleProject.record(.influence, 1).vector)
        #expect(try store.chainLinks().map(\.baseIsExact) == [true, false, true])
        #expect(try store.objects().count == project.files().count)
        #expect(try store.condemnedObjects().isEmpty)
        #expect(try project.reader().influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
    }

    @Test("A correction is set, replaced and removed, its file with it")
    func corrections() throws {
        let store = try project.writer()
        #expect(try store.correction(of: 2) == nil)
        for version in [0, 1] as [UInt64] {
            let record = SampleProject.record(.correction, 2, version: version)
            try store.transaction { try store.setCorrection(store.stage(record)) }
            #expect(try store.correction(of: 2) == record.vector)
            #expect(try blocks("correction") == [2])
        }
        try store.transaction { try store.removeCorrection(2) }
        #expect(try store.correction(of: 2) == nil)
        #expect(try blocks("correction") == [])
    }

    @Test("Removing a correction that is not there changes nothing")
    func removesAbsentCorrection() throws {
        let store = try project.writer()
        let before = try store.everything()
        try store.transaction { try store.removeCorrection(1) }
        #expect(try store.everything() == before)
    }

    @Test("Keyframes from a block on are removed, earlier ones stay", arguments: [(0, []), (1, [0]), (2, [0]), (3, [0, 2])])
    func removesKeyframes(from block: Int, left: [Int]) throws {
        let store = try project.writer()
        try store.transaction { try store.removeKeyframes(from: block) }
        #expect(try blocks("keyframe") == left)
        for block in 0...3 { #expect(try (store.keyframe(of: block) != nil) == left.contains(block)) }
        try store.checkCatalogue()
    }

    @Test("A replaced keyframe is the new one, and the old file is gone")
    func replacesKeyframe() throws {
        let store = try project.writer()
        let record = SampleProject.record(.keyframe, 2, version: 1)
        try store.transaction { try store.setKeyframe(store.stage(record)) }
        #expect(try store.keyframe(of: 2) == record.vector)
        #expect(try blocks("keyframe") == [0, 2])
    }

    @Test("An influence set twice in one transaction leaves the last one only")
    func setTwice() throws {
        let store = try project.writer()
        try store.transaction {
            for version in 1...3 as ClosedRange<UInt64> {
                try store.setInfluence(store.stage(SampleProject.record(.influence, 3, version: version)), baseIsExact: true)
            }
        }
        #expect(try store.influence(of: 3) == SampleProject.record(.influence, 3, version: 3).vector)
        #expect(try blocks("influence") == [1, 2, 3])
    }

    @Test("A chain with a block missing is damage that names the block")
    func missingBlock() throws {
        try project.database().execute("DELETE FROM influences WHERE block = 2")
        let error = #expect(throws: Failure.self) { _ = try project.inspector().chainLinks() }
        #expect(error == Failure(.damaged, "block 2 is missing from the chain; run 'unlearn check' and restore the project from a backup"))
    }

    @Test("A record of another lattice or length is refused")
    func wrongShape() throws {
        let store = try project.reader()
        let link = try store.chainLinks()[0]
        for (bits, count) in [(17, SampleProject.parameters), (SampleProject.bits, 599)] {
            let error = #expect(throws: LatticeRecord.Invalid.self) { _ = try store.influence(link, latticeBits: bits, count: count) }
            #expect(error?.kind == .damaged)
        }
    }

    @Test("Staged objects are numbered upwards and named by kind and block")
    func names() throws {
        let store = try project.writer()
        let last = try #require(try store.objects().last)
        let first = try store.stage(SampleProject.record(.influence, 12)), second = try store.stage(SampleProject.rows(.test, 1))
        #expect([first.number, second.number] == [last.number + 1, last.number + 2])
        #expect(first.file.hasSuffix("-influence-12"))
        #expect(second.file.hasSuffix("-test-rows-1"))
        #expect(try store.strayFiles() == [first.file, second.file])
        try store.discard(first)
        #expect(try store.strayFiles() == [second.file])
    }

    @Test("The stored bytes are those of the files")
    func storedBytes() throws {
        let store = try project.reader()
        let sizes = try store.objects().map { ($0.kind.isRows, try FileSystem.read(store.path(of: $0)).count) }
        let (records, rows) = try store.storedBytes()
        #expect(records == sizes.filter { !$0.0 }.reduce(0) { $0 + $1.1 })
        #expect(rows == sizes.filter { $0.0 }.reduce(0) { $0 + $1.1 })
        #expect(records > 0 && rows > 0)
    }
}
