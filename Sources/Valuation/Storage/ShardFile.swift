import Checkpoints
import Files

/// One process's share of a valuation that several carry out. The format is specified in Documentation/Formats.md.
public struct ShardFile: Sendable, Equatable {
    public var provenance: Provenance
    /// What is estimated and how, as the caller writes it down: the same text, the same coalitions.
    public var plan: String
    public var seed: UInt64
    /// From 1 to `shards`.
    public var index: Int
    public var shards: Int
    public var programVersion: String
    /// Whether every coalition of the share is in it.
    public var isComplete: Bool
    public var entries: [UtilityRecord.Entry]

    public init(provenance: Provenance, plan: String, seed: UInt64, index: Int, of shards: Int, isComplete: Bool = false, entries: [UtilityRecord.Entry] = []) {
        precondition(shards >= 1 && (1...shards).contains(index) && shards <= Self.mostShards, "no such shard")
        (self.provenance, self.plan, self.seed) = (provenance, plan, seed)
        (self.index, self.shards, self.isComplete, self.entries) = (index, shards, isComplete, entries)
        programVersion = Files.programVersion
    }

    public static let mostShards = 1 << 20
    private static let magic = Array("UNLRSHRD".utf8)
    private static let version: UInt16 = 1
    private static let headerLength = 44
    private static let mostBytes = 1 << 32

    func encoded() throws -> [UInt8] {
        let texts = [Array(programVersion.utf8), Array(plan.utf8), Array(try provenance.text.utf8)]
        let record = UtilityRecord(key: try provenance.key, playerCount: provenance.players.count, entries: entries).encoded()
        var writer = ByteWriter(capacity: Self.headerLength + texts.reduce(record.count) { $0 + $1.count } + Digest.length)
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(UInt8(isComplete ? 1 : 0))
        writer.append(UInt8(0))
        writer.append(UInt32(index))
        writer.append(UInt32(shards))
        writer.append(UInt32(0))
        writer.append(seed)
        for text in texts { writer.append(UInt32(text.count)) }
        for text in texts { writer.append(text) }
        writer.append(record)
        return writer.sealed()
    }

    /// - Throws: `Failure` of kind `input` where the file is not one that `write` makes.
    public init(reading path: String) throws {
        try self.init(decoding: FileSystem.read(input: path, "the path of the shard", most: Self.mostBytes), path: path)
    }

    package init(decoding bytes: [UInt8], path: String) throws {
        func invalid(_ what: String) -> Failure { Failure(.input, "\(path) \(what); compute the shard again") }
        guard bytes.count >= Self.headerLength + Digest.length, bytes.starts(with: Self.magic) else { throw invalid("is no shard of a valuation") }
        self = try bytes.withUnsafeBytes { raw in
            guard Digest(of: UnsafeRawBufferPointer(rebasing: raw.dropLast(Digest.length))).bytes.elementsEqual(raw.suffix(Digest.length)) else {
                throw invalid("does not match its digest: it was cut short or changed")
            }
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[Self.magic.count..<(raw.count - Digest.length)]))
            guard reader.take(UInt16.self) == Self.version else { throw invalid("is a shard of another version") }
            let complete = reader.take(UInt8.self)
            guard complete <= 1, reader.take(UInt8.self) == 0 else { throw invalid("has a header that is none") }
            let index = Int(reader.take(UInt32.self)), shards = Int(reader.take(UInt32.self))
            guard reader.take(UInt32.self) == 0, (1...Self.mostShards).contains(shards), (1...shards).contains(index) else {
                throw invalid("has a header that is none")
            }
            let seed = reader.take(UInt64.self)
            let lengths = (0..<3).map { _ in Int(reader.take(UInt32.self)) }
            guard lengths.reduce(0, +) <= reader.remaining else { throw invalid("has not the length that its header says") }
            let texts = try lengths.map { length in
                guard let text = String(validating: reader.take(count: length), as: UTF8.self) else { throw invalid("holds text that is none") }
                return text
            }
            let provenance = try Provenance(text: texts[2], path: path), record: UtilityRecord
            do {
                record = try UtilityRecord(decoding: Array(reader.take(count: reader.remaining)), file: path)
            } catch let failure as Failure {
                throw Failure(.input, failure.description)
            }
            guard record.key == (try provenance.key), record.playerCount == provenance.players.count else { throw invalid("holds utilities of something else") }
            var shard = ShardFile(
                provenance: provenance, plan: texts[1], seed: seed, index: index, of: shards, isComplete: complete == 1, entries: record.entries)
            shard.programVersion = texts[0]
            return shard
        }
    }

    /// Writes the file whole or not at all.
    /// - Parameter replacing: whether a file that is there may be replaced.
    public func write(to path: String, replacing: Bool = false) throws {
        try encoded().withUnsafeBytes { try FileSystem.publish(output: $0, at: path, replacing: replacing) }
    }

    /// What another shard of the same valuation would not differ in, and does; nil where nothing does.
    func firstDifference(from other: ShardFile) -> String? {
        if programVersion != other.programVersion { return "versions of unlearn (\(programVersion) and \(other.programVersion))" }
        if seed != other.seed { return "seeds (\(seed) and \(other.seed))" }
        if let difference = provenance.firstDifference(from: other.provenance) { return difference }
        if plan != other.plan { return "estimators or their options" }
        return shards != other.shards ? "numbers of shards (\(shards) and \(other.shards))" : nil
    }
}

/// Keeps the table in a file of its own beside the project, which may be open for reading only: one of several processes' share.
public final class ShardStorage: UtilityStorage {
    public let path: String
    private var shard: ShardFile
    private let lock: FolderLock
    /// Whether what is at the path is this share's, or may go.
    private var mayReplace: Bool

    /// - Parameters:
    ///   - shard: as it is to be, without entries. A file at `path` that a run with the same options left goes on.
    ///   - replacing: whether another file at `path` may be replaced.
    /// - Throws: `Failure` of kind `input` where another file is at `path`, `locked` where another process computes the same share.
    public init(_ shard: ShardFile, at path: String, replacing: Bool = false) throws {
        self.path = path
        self.shard = shard
        self.shard.isComplete = false
        mayReplace = replacing
        try OpenFile.expectOutput(path)
        try Self.expectLock(path + ".lock")
        lock = try FolderLock(path + ".lock", of: path)
        guard lock.isInPlace else { throw Failure(.locked, "\(path) is in use by another process; wait for it to end") }
        guard FileSystem.exists(path) else { return }
        do {
            let old = try ShardFile(reading: path)
            if let difference = old.firstDifference(from: shard) ?? (old.index != shard.index ? "shards (\(old.index) and \(shard.index))" : nil) {
                throw Failure(.input, "\(path) is there and its \(difference) are different; name another file or remove it")
            }
            self.shard.entries = old.entries
            mayReplace = true
        } catch let error as Failure where replacing && error.kind == .input {
            // Something else, which is to go.
        }
    }

    private static let longestLock = 32

    /// The lock's file is written to and removed: it must not be one that somebody else keeps there under that name.
    private static func expectLock(_ path: String) throws {
        guard FileSystem.exists(path) else { return }
        let isLock = try FileSystem.isRegularFile(path) && (FileSystem.length(path) ?? 0) <= longestLock
            && FileSystem.read(path).allSatisfy { (0x30...0x39).contains($0) }
        guard isLock else { throw Failure(.input, "\(path) is in the way, and is no lock of this program; move it, or name another file after --out") }
    }

    public func load() -> [UtilityRecord.Entry] { shard.entries }

    public func save(_ entries: [UtilityRecord.Entry]) throws {
        var next = shard
        next.entries = entries
        try next.write(to: path, replacing: mayReplace)
        mayReplace = true
        shard = next
    }

    /// Says in the file that every coalition of the share is evaluated; from then on it can be merged.
    public func complete() throws {
        shard.isComplete = true
        try shard.write(to: path, replacing: mayReplace)
        mayReplace = true
    }

    deinit { lock.remove() }
}
