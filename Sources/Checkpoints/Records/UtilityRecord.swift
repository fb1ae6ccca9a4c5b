import Files

/// What models of coalitions of players score, as far as it was evaluated: the table of one run, told from others by a key over all
/// that its scores depend on. The format is specified in Documentation/Formats.md.
public struct UtilityRecord: Sendable, Equatable {
    /// How scores came about.
    public enum Source: UInt8, Sendable, CaseIterable {
        case exact = 1, stitch = 2, additive = 3

        public var name: String {
            switch self {
            case .exact: "exact"
            case .stitch: "stitch"
            case .additive: "additive"
            }
        }
    }

    /// What one model scores, by every metric: training it is dear, scoring it is not.
    public struct Scores: Sendable, Equatable {
        /// The share of rows whose likeliest class is the true one.
        public let accuracy: Double
        /// The negative mean log-loss, in nats: more is better here, too.
        public let loss: Double

        public init(accuracy: Double, loss: Double) { (self.accuracy, self.loss) = (accuracy, loss) }

        public var areFinite: Bool { accuracy.isFinite && loss.isFinite }
    }

    public struct Entry: Sendable, Equatable {
        /// Player p is bit p mod 64 of word p / 64; bits past the last player are 0.
        public let words: [UInt64]
        /// Finite.
        public let scores: Scores
        public let source: Source

        public init(words: [UInt64], scores: Scores, source: Source) { (self.words, self.scores, self.source) = (words, scores, source) }
    }

    public let key: SHA256
    public let playerCount: Int
    /// Ascending, the last word counting most: one table has one record.
    public let entries: [Entry]

    /// - Parameter entries: of distinct coalitions, in any order.
    public init(key: SHA256, playerCount: Int, entries: [Entry]) {
        self.key = key
        self.playerCount = playerCount
        self.entries = entries.sorted { Self.precedes($0.words, $1.words) }
        precondition((1...Self.mostPlayers).contains(playerCount), "between 1 and \(Self.mostPlayers) players")
        precondition(self.entries.allSatisfy { $0.words.count == wordCount && $0.scores.areFinite && hasKnownPlayers($0.words) })
        precondition(zip(self.entries, self.entries.dropFirst()).allSatisfy { Self.precedes($0.words, $1.words) }, "a coalition occurs twice")
    }

    /// More rows than that no project holds.
    package static let mostPlayers = 1 << 24
    static let magic = Array("UNLRUTIL".utf8)
    static let version: UInt32 = 2
    static let headerLength = 8 + 4 + 4 + SHA256.length + 8
    /// Of an entry without its words.
    private static let scoresLength = 8 + 8 + 1

    private var wordCount: Int { (playerCount + 63) / 64 }

    private static func precedes(_ a: [UInt64], _ b: [UInt64]) -> Bool { a.reversed().lexicographicallyPrecedes(b.reversed()) }

    private func hasKnownPlayers(_ words: [UInt64]) -> Bool { playerCount % 64 == 0 || words.last! >> UInt64(playerCount % 64) == 0 }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.headerLength + entries.count * (8 * wordCount + Self.scoresLength) + Digest.length)
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(UInt32(playerCount))
        writer.append(key.bytes)
        writer.append(UInt64(entries.count))
        for entry in entries {
            for word in entry.words { writer.append(word) }
            writer.append(entry.scores.accuracy.bitPattern)
            writer.append(entry.scores.loss.bitPattern)
            writer.append(entry.source.rawValue)
        }
        return writer.sealed()
    }

    /// - Throws: `Failure` of kind `damaged` where the bytes are not what `encoded` makes.
    /// - Complexity: O(bytes); no memory is taken for a number that the bytes merely claim.
    public init(decoding bytes: [UInt8], file: String) throws {
        func damaged(_ what: String) -> Failure { Failure(.damaged, "\(file) \(what); restore it from a backup or evaluate its coalitions anew") }
        guard bytes.count >= Self.headerLength + Digest.length else { throw damaged("is too short for a table of utilities") }
        guard bytes.starts(with: Self.magic) else { throw damaged("is no table of utilities") }
        (key, playerCount, entries) = try bytes.withUnsafeBytes { raw in
            guard Digest(of: UnsafeRawBufferPointer(rebasing: raw.dropLast(Digest.length))).bytes.elementsEqual(raw.suffix(Digest.length)) else {
                throw damaged("does not match its digest")
            }
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[Self.magic.count..<(raw.count - Digest.length)]))
            let version = reader.take(UInt32.self)
            guard version == Self.version else { throw damaged("is a table of utilities of another version (\(version))") }
            let players = Int(reader.take(UInt32.self))
            guard (1...Self.mostPlayers).contains(players) else { throw damaged("names \(players) players") }
            let key = SHA256(bytes: Array(reader.take(count: SHA256.length)))
            let claimed = reader.take(UInt64.self), words = (players + 63) / 64, size = 8 * words + Self.scoresLength
            guard reader.remaining % size == 0, claimed == UInt64(reader.remaining / size) else { throw damaged("has not the length that its header says") }
            var entries: [Entry] = []
            entries.reserveCapacity(Int(claimed))
            for _ in 0..<Int(claimed) {
                let coalition = (0..<words).map { _ in reader.take(UInt64.self) }
                let accuracy = Double(bitPattern: reader.take(UInt64.self)), loss = Double(bitPattern: reader.take(UInt64.self))
                let scores = Scores(accuracy: accuracy, loss: loss)
                guard let source = Source(rawValue: reader.take(UInt8.self)), scores.areFinite else { throw damaged("holds a score that is none") }
                guard players % 64 == 0 || coalition.last! >> UInt64(players % 64) == 0 else { throw damaged("names a player that there is not") }
                if let last = entries.last, !Self.precedes(last.words, coalition) { throw damaged("lists coalitions out of order") }
                entries.append(Entry(words: coalition, scores: scores, source: source))
            }
            return (key, players, entries)
        }
    }
}
