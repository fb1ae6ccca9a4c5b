import Checkpoints
import Files
import TestSupport
import Testing

@testable import Valuation

@Suite("Shards of a valuation")
struct ShardTests {
    private let project: ValuationProject
    private let trainer: CoalitionTrainer
    private let provenance: Provenance
    private var folder: TemporaryFolder { project.folder }

    init() throws {
        project = try ValuationProject()
        trainer = try project.trainer()
        provenance = try Provenance(trainer, utility: .exact)
    }

    private func shard(_ index: Int, of count: Int = 2) -> ShardFile { ShardFile(provenance: provenance, plan: "exact", seed: 7, index: index, of: count) }

    private func entry(_ word: UInt64, _ value: Double) -> UtilityRecord.Entry {
        UtilityRecord.Entry(words: [word], scores: .init(accuracy: value, loss: -value), source: .exact)
    }

    private func entries(_ words: [UInt64]) -> [UtilityRecord.Entry] { words.map { entry($0, Double($0) / 7) } }

    /// Writes a complete shard with these coalitions.
    private func write(_ shard: ShardFile, _ words: [UInt64], to name: String, _ change: (inout ShardFile) -> Void = { _ in }) throws -> String {
        var shard = shard
        shard.entries = entries(words)
        shard.isComplete = true
        change(&shard)
        try shard.write(to: folder.file(name))
        return folder.file(name)
    }

    @Test("Shards that share the work merge to what one process finds")
    func merge() throws {
        let coalitions = Coalition.every(of: 4), whole = try ExactUtility(trainer).values(of: coalitions)
        var paths: [String] = []
        for index in 1...3 {
            let storage = try ShardStorage(shard(index, of: 3), at: folder.file("shard-\(index)"))
            let utility = try StoredUtility(ExactUtility(project.trainer()), in: storage)
            // All of them need the empty coalition and the whole one.
            _ = try utility.values(of: coalitions.enumerated().filter { $0.offset % 3 == index - 1 || [0, 15].contains($0.offset) }.map(\.element))
            try utility.flush()
            try storage.complete()
            paths.insert(storage.path, at: 0)
        }
        let merged = try MergedShards(reading: paths)
        #expect(try merged.utility(by: trainer.metric).values(of: coalitions) == whole && merged.entries.map { Coalition(words: $0.words, of: 4) } == coalitions.sorted())
        #expect(merged.provenance == provenance && merged.plan == "exact" && merged.seed == 7)
        #expect(throws: Failure.self) { try RecordedUtility([], by: .loss, playerCount: 4).values(of: [.none(of: 4)]) }
    }

    @Test("A shard that was killed goes on from its file, and is not merged before it is complete")
    func resumption() throws {
        let path = folder.file("shard")
        do {
            let first = try ShardStorage(shard(1, of: 1), at: path)
            try first.save(entries([1, 2]))
            let twin = #expect(throws: Failure.self) { try ShardStorage(shard(1, of: 1), at: path) }
            #expect(twin?.kind == .locked && twin?.description.contains(path) == true)
            withExtendedLifetime(first) {}
        }
        #expect(!FileSystem.exists(path + ".lock"))
        let error = #expect(throws: Failure.self) { try MergedShards(reading: [path]) }
        #expect(error == Failure(.input, "\(path) is not complete: 2 coalitions are evaluated; run its command again, which goes on from there"))
        let second = try takingLock { try ShardStorage(shard(1, of: 1), at: path) }
        #expect(second.load() == entries([1, 2]))
        try second.save(entries([1, 2, 3]))
        try second.complete()
        #expect(try MergedShards(reading: [path]).entries == entries([1, 2, 3]))
    }

    @Test("A shard is not written over another one's file")
    func otherFile() throws {
        let path = folder.file("shard")
        try ShardStorage(shard(1), at: path).save(entries([1]))
        let error = #expect(throws: Failure.self) { try takingLock { try ShardStorage(shard(2), at: path) } }
        #expect(error == Failure(.input, "\(path) is there and its shards (1 and 2) are different; name another file or remove it"))
        var other = shard(1)
        other.seed = 8
        #expect(throws: Failure(.input, "\(path) is there and its seeds (7 and 8) are different; name another file or remove it")) { try takingLock { try ShardStorage(other, at: path) } }
        try folder.write("something else", to: "shard")
        #expect(throws: Failure(.input, "\(path) is no shard of a valuation; compute the shard again")) { try takingLock { try ShardStorage(shard(1), at: path) } }
    }

    @Test("Shards that do not belong together are refused in one line")
    func refusals() throws {
        let one = try write(shard(1), [1, 2], to: "one"), two = try write(shard(2), [2, 3], to: "two")
        #expect(try MergedShards(reading: [two, one]).entries == entries([1, 2, 3]).sorted { Coalition(words: $0.words, of: 4) < Coalition(words: $1.words, of: 4) })
        func expect(_ paths: [String], _ message: String) {
            #expect(throws: Failure(.input, message)) { try MergedShards(reading: paths) }
        }
        let again = try write(shard(1), [1], to: "again")
        expect([one, again], "\(one) and \(again) are both shard 1/2; name each shard once")
        expect([one], "of 2 shards 2 is missing; name all of them")
        expect([try write(shard(2, of: 4), [1], to: "of-four")], "of 4 shards 1, 3, 4 are missing; name all of them")
        let changes: [(String, (inout ShardFile) -> Void)] = [
            ("seeds (7 and 8)", { $0.seed = 8 }), ("versions of unlearn (\(programVersion) and 9.9)", { $0.programVersion = "9.9" }),
            ("estimators or their options", { $0.plan = "permutation" }), ("numbers of shards (2 and 3)", { $0.shards = 3 }),
        ]
        for (number, (difference, change)) in changes.enumerated() {
            let other = try write(shard(2), [3], to: "other-\(number)", change)
            expect([one, other], "\(one) and \(other) have different \(difference); merge shards of one valuation")
        }
        for (number, provenance) in try [Provenance(trainer, utility: .stitch), Provenance(project.trainer(.blocks), utility: .exact)].enumerated() {
            let other = try write(ShardFile(provenance: provenance, plan: "exact", seed: 7, index: 2, of: 2), [3], to: "foreign-\(number)")
            expect([one, other], "\(one) and \(other) have different \(["utilities", "players"][number]); merge shards of one valuation")
        }
        let contradiction = try write(shard(2), [2], to: "contradiction") { $0.entries = [entry(2, 9)] }
        expect([one, contradiction], "\(one) and \(contradiction) value a coalition of 1 players differently; compute both shards again")
        expect([folder.file("nothing")], "no file \(folder.file("nothing")); check the path of the shard")
    }

    @Test("A file with any byte changed, cut off or added is refused")
    func hostile() throws {
        var whole = shard(2)
        whole.plan = "größe 🧠"
        whole.entries = entries([0, 1, 15])
        let bytes = try whole.encoded()
        #expect(try ShardFile(decoding: bytes, path: "F") == whole)
        var random = SeededGenerator(3)
        for _ in 0..<300 {
            var changed = bytes
            changed[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            #expect(throws: Failure.self) { try ShardFile(decoding: changed, path: "F") }
            let error = #expect(throws: Failure.self) { try ShardFile(decoding: Array(bytes[..<Int.random(in: 0..<bytes.count, using: &random)]), path: "F") }
            #expect(error?.kind == .input)
        }
        #expect(throws: Failure.self) { try ShardFile(decoding: bytes + [0], path: "F") }
    }
}
