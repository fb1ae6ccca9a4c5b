import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Tables of utilities")
struct UtilityRecordTests {
    private static let key = SHA256(of: [1, 2, 3])

    /// A table of random coalitions, each once.
    private static func record(players: Int, entries: Int, key: SHA256 = key) -> UtilityRecord {
        var random = SeededGenerator(UInt64(players)), seen: Set<[UInt64]> = []
        let words = (players + 63) / 64
        let last = players % 64 == 0 ? UInt64.max : 1 << UInt64(players % 64) - 1
        while seen.count < entries {
            var coalition = (0..<words).map { _ in random.next() }
            coalition[words - 1] &= last
            seen.insert(coalition)
        }
        return UtilityRecord(
            key: key, playerCount: players,
            entries: seen.map {
                let scores = UtilityRecord.Scores(accuracy: Double.random(in: 0...1, using: &random), loss: Double.random(in: -3...0, using: &random))
                return .init(words: $0, scores: scores, source: .allCases.randomElement(using: &random)!)
            })
    }

    @Test("A table comes back", arguments: [(1, 2), (2, 0), (12, 40), (63, 5), (64, 5), (65, 5), (200, 9)])
    func comesBack(players: Int, entries: Int) throws {
        let record = Self.record(players: players, entries: entries)
        #expect(try UtilityRecord(decoding: record.encoded(), file: "F") == record)
        #expect(record.encoded().count == 56 + entries * (8 * ((players + 63) / 64) + 17) + 32)
        // One table has one record.
        #expect(UtilityRecord(key: record.key, playerCount: players, entries: record.entries.reversed()).encoded() == record.encoded())
    }

    private func refused(_ bytes: [UInt8]) -> Failure? {
        do {
            _ = try UtilityRecord(decoding: bytes, file: "F")
            return nil
        } catch {
            return error as? Failure
        }
    }

    @Test("Bytes that were changed, cut off or added are damage")
    func damaged() {
        let bytes = Self.record(players: 5, entries: 6).encoded()
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 0x41
            #expect(refused(changed)?.kind == .damaged && refused(Array(bytes[..<place]))?.kind == .damaged)
        }
        #expect(refused(bytes + [0])?.kind == .damaged)
    }

    @Test("What a digest that fits cannot hide", arguments: ["version", "no players", "players", "count", "huge count", "player", "order", "twice", "source", "infinite", "not a number", "infinite loss"])
    func refitted(change: String) {
        var bytes = Self.record(players: 5, entries: 6).encoded()
        let first = 56, size = 25
        switch change {
        case "version": bytes[8] = 1
        case "no players": bytes.replaceSubrange(12..<16, with: [0, 0, 0, 0])
        case "players": bytes.replaceSubrange(12..<16, with: [0xFF, 0xFF, 0xFF, 0xFF])
        case "count": bytes[48] = 5
        case "huge count": bytes.replaceSubrange(48..<56, with: [UInt8](repeating: 0xFF, count: 8))
        case "player": bytes[first + 5 * size] |= 0x20
        case "order":
            let entry = Array(bytes[first..<first + size])
            bytes.replaceSubrange(first..<first + size, with: Array(bytes[first + size..<first + 2 * size]))
            bytes.replaceSubrange(first + size..<first + 2 * size, with: entry)
        case "twice": bytes.replaceSubrange(first + size..<first + 2 * size, with: Array(bytes[first..<first + size]))
        case "source": bytes[first + 24] = 4
        case "infinite": bytes.replaceSubrange(first + 8..<first + 16, with: [0, 0, 0, 0, 0, 0, 0xF0, 0x7F])
        case "infinite loss": bytes.replaceSubrange(first + 16..<first + 24, with: [0, 0, 0, 0, 0, 0, 0xF0, 0xFF])
        default: bytes.replaceSubrange(first + 8..<first + 16, with: [UInt8](repeating: 0xFF, count: 8))
        }
        bytes.replaceSubrange((bytes.count - 32)..., with: bytes.dropLast(32).withUnsafeBytes { Digest(of: $0) }.bytes)
        #expect(refused(bytes)?.kind == .damaged)
    }

    @Test("The store gives back the table of a key; a newer one takes its place and destroys the older file")
    func inStore() throws {
        let project = try SampleProject(), store = try project.writer()
        let other = Self.record(players: 3, entries: 2, key: SHA256(of: [9]))
        #expect(try store.utilities(Self.key) == nil)
        for entries in [1, 4, 30] {
            let record = Self.record(players: 7, entries: entries)
            try store.transaction { change in try change.setUtilities(record) }
            if entries == 1 { try store.transaction { change in try change.setUtilities(other) } }
            #expect(try store.utilities(Self.key) == record && store.utilities(other.key) == other)
        }
        #expect(try Set(project.files()) == Set(store.objects().map(\.file)) && project.files().count == 9 + 2)
        #expect(try store.objects().filter { $0.kind == .utilities }.map(\.block) == [1, 2])
        #expect(try store.utilityRuns().map(\.run) == [1, 2])
        try store.checkCatalogue()
        try store.transaction { change in try change.condemnUtilities() }
        #expect(try store.utilityRuns().isEmpty && project.files().count == 9)
        try store.checkCatalogue()
    }
}
