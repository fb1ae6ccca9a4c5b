import Files
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The chain in the store")
struct StoreChainTests {
    private let project: SampleProject

    init() throws { project = try SampleProject() }

    /// Blocks of a kind that have a file. Every file must be one that the catalogue names.
    private func blocks(_ kind: ObjectKind) throws -> [Int] {
        let objects = try project.inspector().index.objects.values
        let files = try project.files().map { file in try #require(objects.first { $0.file == file }) }
        return files.filter { $0.kind == kind }.map(\.block).sorted()
    }

    @Test("Links tell which blocks have a keyframe, a correction and an exact base")
    func links() throws {
        let store = try project.writer()
        try store.transaction { change in
            try change.setCorrection(store.stage(SampleProject.record(.correction, 1)))
            try change.markInexact { $0 >= 2 }
        }
        let links = try store.links()
        #expect(links.map(\.block) == [1, 2, 3])
        #expect(links.map(\.baseIsExact) == [true, false, false])
        #expect(links.map(\.hasCorrection) == [true, false, false])
        #expect(links.map(\.hasKeyframe) == [false, true, false])
    }

    @Test("A replaced influence is the new one, and the old file is gone")
    func replacesInfluence() throws {
        let store = try project.writer()
        let old = try project.file(of: .influence, 2).name
        let new = try store.stage(SampleProject.record(.influence, 2, version: 1))
        #expect(try project.files().contains(new.file))
        try store.transaction { change in
            try change.setInfluence(new, baseIsExact: false)
            #expect(try store.condemnedObjects().map(\.file) == [old])
            // Until the commit a crash must find the old files.
            #expect(try project.files().contains(old))
        }
        #expect(try project.file(of: .influence, 2).name == new.file)
        #expect(try !project.files().contains(old) && project.files().contains(new.file))
        #expect(try store.influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
        #expect(try store.influence(of: 1) == SampleProject.record(.influence, 1).vector)
        #expect(try store.links().map(\.baseIsExact) == [true, false, true])
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
            try store.transaction { change in try change.setCorrection(store.stage(record)) }
            #expect(try store.correction(of: 2) == record.vector)
            #expect(try blocks(.correction) == [2])
        }
        try store.transaction { change in try change.removeCorrection(2) }
        #expect(try store.correction(of: 2) == nil)
        #expect(try blocks(.correction) == [])
    }

    @Test("Removing a correction that is not there changes nothing")
    func removesAbsentCorrection() throws {
        let store = try project.writer()
        let before = try store.everything()
        try store.transaction { change in try change.removeCorrection(1) }
        #expect(try store.everything() == before)
    }

    @Test("Keyframes from a block on are removed, earlier ones stay", arguments: [(0, []), (1, [0]), (2, [0]), (3, [0, 2])])
    func removesKeyframes(from block: Int, left: [Int]) throws {
        let store = try project.writer()
        try store.transaction { change in try change.removeKeyframes { $0 >= block } }
        #expect(try blocks(.keyframe) == left)
        for block in 0...3 { #expect(try (store.keyframe(of: block) != nil) == left.contains(block)) }
        try store.checkCatalogue()
    }

    @Test("A replaced keyframe is the new one, and the old file is gone")
    func replacesKeyframe() throws {
        let store = try project.writer()
        let record = SampleProject.record(.keyframe, 2, version: 1)
        try store.transaction { change in try change.setKeyframe(store.stage(record)) }
        #expect(try store.keyframe(of: 2) == record.vector)
        #expect(try blocks(.keyframe) == [0, 2])
    }

    @Test("An influence set twice in one transaction leaves the last one only")
    func setTwice() throws {
        let store = try project.writer()
        try store.transaction { change in
            for version in 1...3 as ClosedRange<UInt64> {
                try change.setInfluence(store.stage(SampleProject.record(.influence, 3, version: version)), baseIsExact: true)
            }
        }
        #expect(try store.influence(of: 3) == SampleProject.record(.influence, 3, version: 3).vector)
        #expect(try blocks(.influence) == [1, 2, 3])
    }

    @Test("A record of another lattice or length is refused")
    func wrongShape() throws {
        let store = try project.reader()
        let link = try store.links()[0]
        for (bits, count) in [(17, SampleProject.parameters), (SampleProject.bits, 599)] {
            let error = #expect(throws: LatticeRecord.Invalid.self) { _ = try store.influence(link, latticeBits: bits, count: count) }
            #expect(error?.kind == .damaged)
        }
    }

    @Test("A staged object has a name of its own, under which its file is stray until a transaction names it or it is discarded")
    func names() throws {
        let store = try project.writer()
        let first = try store.stage(SampleProject.record(.influence, 12)), second = try store.stage(SampleProject.rows(.test, 1))
        #expect(try store.objects().allSatisfy { ![first.name, second.object.name].contains($0.name) } && first.name != second.object.name)
        #expect(try store.strayFiles() == [first.file, second.file].sorted().map { Store.StrayFile(name: $0, destroyedBy: nil) })
        try store.discard([first])
        #expect(try store.strayFiles() == [Store.StrayFile(name: second.file, destroyedBy: nil)])
        try store.transaction { change in try change.setRows(second) }
        #expect(try store.strayFiles() == [])
        // What the catalogue names is not discarded.
        try store.discard([second.object])
        #expect(try project.files().contains(second.file))
    }

    @Test("Two objects in use of one kind and block are damage")
    func twice() throws {
        let store = try project.writer()
        let object = try #require(store.index.object(.influence, 2))
        let another = ObjectName.random()
        let content = object.entry.encoded(key: .random())
        let cell = content.withUnsafeBytes { store.keyring.seal($0, context: Array("unlearn object".utf8) + another.bytes + store.keys.projectID) }
        try store.database.run("INSERT INTO objects VALUES (?, ?)", .blob(another.bytes), .blob(cell))
        let error = #expect(throws: Failure.self) { _ = try store.loadIndex { throw $0 } }
        #expect(error?.kind == .damaged && error?.description.contains("the entry of object ") == true)
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
