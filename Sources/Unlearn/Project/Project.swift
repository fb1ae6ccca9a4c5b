import Checkpoints
import Files
import Tensors
import Training

/// An open project: its settings, its store and a trainer that continues what was trained.
public final class Project {
    public let store: Store
    public internal(set) var settings: ProjectSettings
    /// A whole state is stored every so many blocks: reading any state takes at most that many records.
    var keyframeInterval = 64
    /// Larger states are kept once at most, as the one that was read last, and influences not at all: beside what is trained there is no room
    /// for them, and reading one again is little beside training such a model.
    var mostKeptBytes = 1 << 25
    /// Trainers that continue what was trained.
    public let crew: TrainerCrew
    public var trainer: any BlockTrainer { crew.leader }

    /// - Parameter workers: processes side by side, where a program of the user's trains.
    public init(opening folder: String, _ access: Store.Access, threads: Int, workers: Int = 1) throws {
        store = try Store(opening: folder, access)
        settings = try ProjectSettings.load(from: store)
        crew = try settings.makeCrew(threads: threads, workers: workers)
        // Of a command that was killed while a program trained: rows lie there.
        if settings.recipe.program != nil { MemoryFolder.removeAbandoned() }
    }

    public var latticeBits: Int { settings.recipe.trainer.latticeBits }
    public var parameterCount: Int { trainer.layout.count }

    /// What may change the bits of training and is other here than where the project was trained; nil where nothing is.
    /// - Throws: where a program that trains cannot be asked.
    public var fingerprintDifference: String? {
        get throws { try trainer.fingerprint.firstDifference(from: settings.fingerprint) }
    }

    /// Why training here does not give the bits that it gave where the project was trained; nil where it does.
    public var whyNotSameBits: String? {
        get throws { try unrepeatable ?? fingerprintDifference }
    }

    /// Why nothing that is trained here can be had again, bit for bit; nil where it can, or nothing is known to the contrary.
    var unrepeatable: String? {
        get throws {
            try store.setting(Self.repeatsKey) == "no" ? "the trainer gave other bits when it trained a block a second time" : nil
        }
    }

    /// Keeps that the user's program was found to give other bits the second time: nothing that it retrains is called exact from now on.
    public func rememberUnrepeatable() throws {
        guard settings.recipe.program != nil else { return }
        try store.transaction { change in try change.set(Self.repeatsKey, to: "no") }
    }

    /// Under which it is kept whether a program of the user's gave the same bits twice.
    static let repeatsKey = "trainer-repeats"

    /// Takes the numerics of this machine for the project's.
    func adoptFingerprint() throws {
        var adopted = settings
        adopted.fingerprint = try trainer.fingerprint
        try store.transaction { change in try adopted.save(in: change) }
        settings = adopted
    }

    /// The trained blocks as the store has them now.
    public func lineage() throws -> StoredLineage {
        try StoredLineage(store: store, shape: settings.recipe.plan.lineage, latticeBits: latticeBits, parameterCount: parameterCount, mostKeptBytes: mostKeptBytes)
    }

    /// The model that is there; an error where nothing is trained.
    public func model() throws -> LatticeVector {
        let lineage = try lineage()
        guard !lineage.isEmpty else { throw Failure(.input, "nothing is trained yet; run 'unlearn train' first") }
        return try lineage.model()
    }

    /// The rows of a training block in memory, without those in `leavingOut` (slots).
    public func trainingRows(block: Int, leavingOut: Set<Int> = []) throws -> BlockRows {
        guard let stored = try store.rowBlock(.train, block) else {
            throw Failure(.damaged, "the rows of block \(block) are missing; run 'unlearn check' and restore the project from a backup")
        }
        return try rows(stored, leavingOut: leavingOut)
    }

    /// Decodes a stored block.
    package func rows(_ block: RowBlock, leavingOut: Set<Int> = []) throws -> BlockRows {
        let record = try storedRows(block)
        var labels = record.labels
        guard labels.allSatisfy({ $0 == RowsRecord.emptySlot || (0..<Int32(settings.classNames.count)).contains($0) }) else {
            throw Failure(.damaged, "the rows of block \(block.block) hold labels of no class; run 'unlearn check'")
        }
        for slot in leavingOut { labels[slot] = BlockRows.emptySlot }
        guard settings.encoding == .locators else {
            return BlockRows(features: settings.encoding.decode(record.features), labels: labels, featureCount: record.featureCount)
        }
        return BlockRows(names: try (0..<record.slots).map { try name(ofSlot: $0, in: record) }, labels: labels)
    }

    /// Of a row that only the trainer holds, as it told of it; of an empty slot, nothing.
    func name(ofSlot slot: Int, in record: RowsRecord) throws -> RowName {
        guard let name = RowName(id: record.ids[slot], stored: record.features[slot * record.rowBytes..<(slot + 1) * record.rowBytes]) else {
            throw Failure(.damaged, "the rows of block \(record.block) hold a locator that is no text; run 'unlearn check'")
        }
        return name
    }

    /// Whether rows are the trainer's alone, and the engine keeps their names.
    public var rowsAreTheTrainers: Bool { settings.encoding == .locators }

    func storedRows(_ block: RowBlock) throws -> RowsRecord {
        try store.rows(block, featureCount: settings.shape.count, bytesPerFeature: settings.encoding.bytesPerFeature)
    }
}
