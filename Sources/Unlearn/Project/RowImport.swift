import Checkpoints
import Files
import Training

/// One pass over a source whose rows go into a store: through a scratch file, in which every row finds its place, into one object file a
/// block.
struct RowImport {
    let source: any RowSource
    let survey: Survey
    /// By position; nil for rows that are not imported.
    let destinations: [RowDestinations.Destination?]
    /// Slots of each block that is made, by part.
    let slots: [Part: [Int]]
    /// Blocks of training rows that are there already; those made stand behind them.
    var blocksBefore = 0
    /// The number of the group of the row at a position.
    let group: (_ position: Int) -> Int?
    /// Whom the row at a position belongs to.
    let owner: (_ position: Int) throws -> RowOwner
    /// The id of a row that brings none, by its position.
    var idOfPosition: (_ position: Int, _ part: Part) -> String = { position, part in part == .test ? "test:\(position)" : String(position) }

    /// What became of the rows.
    struct Outcome {
        /// Ids whose slots are to be empty from the start, with the lines that name them, without those that were found.
        var excluded: [String: Int] = [:]
        /// Categories that no row has, of those that were looked for.
        var orphans: Set<CategoryPlace> = []
        /// Live rows of each group.
        var liveOfGroups: [Int] = []
        /// Files that were written for the blocks; whoever rolls the change back discards them.
        var staged: [StagedObject] = []
    }

    /// - Complexity: one pass over the source; memory for one block and about 150 bytes a row.
    func perform(in change: borrowing StoreChange, of store: Store, _ outcome: inout Outcome, advance: (Int) throws -> Void) throws {
        let rowBytes = survey.shape.count * survey.encoding.bytesPerFeature
        let blocks = Part.allCases.flatMap { part in
            (slots[part] ?? []).enumerated().map { (part: part, block: $0 + 1 + (part == .train ? blocksBefore : 0), slots: $1) }
        }
        var firstRow: [Part: [Int: Int]] = [.train: [:], .test: [:]]
        var rows = 0
        for block in blocks {
            firstRow[block.part]![block.block] = rows
            rows += block.slots
        }
        let scratch = try store.makeScratchFile(rows: rows, rowBytes: rowBytes)
        var labels = [Int32](repeating: RowsRecord.emptySlot, count: rows)
        var ids = [String](repeating: "", count: rows)
        let changed = Failure(.input, "the data changed while it was read; run the command again")
        var visited = 0, listed = NewRows(of: store), listedIDs: [String] = []
        try change.prepareRows(rows)
        try source.forEachRow { position, ownID, features in
            guard position < destinations.count, features.count == rowBytes else { throw changed }
            visited += 1
            guard let destination = destinations[position] else { return }
            if let ownID, !IDList.canName(ownID) {
                throw Failure(
                    .input, "row \(position + 1) has the id '\(ownID.prefix(80))', which no id list can name: "
                        + "ids neither begin with '#', nor begin or end with spaces, nor hold line ends")
            }
            let id = ownID.map(IDList.canonical) ?? idOfPosition(position, destination.part), group = group(position)
            let isExcluded = outcome.excluded.removeValue(forKey: id) != nil
            listed.add(
                id: id, part: destination.part, block: Int(destination.block), slot: Int(destination.slot), group: isExcluded ? nil : group,
                owner: try owner(position), excluded: isExcluded)
            listedIDs.append(id)
            if !isExcluded {
                if let group { outcome.liveOfGroups[group] += 1 }
                let row = firstRow[destination.part]![Int(destination.block)]! + Int(destination.slot)
                labels[row] = survey.labels[position]
                ids[row] = id
                try scratch.write(features, row: row)
            }
            if position % 1000 == 999 { try advance(1000) }
        }
        guard visited == survey.rows else { throw changed }
        do { try change.insert(listed) } catch let duplicate as DuplicateRow { throw DuplicateRowID(id: listedIDs[duplicate.index]) }
        listedIDs = []
        // In any order: the times of files, and where they lie on the drive, say nothing of which block is which.
        for block in blocks.shuffled() {
            let first = firstRow[block.part]![block.block]!, slots = first..<first + block.slots
            var features = try scratch.read(rows: slots)
            for (slot, row) in slots.enumerated() where labels[row] == RowsRecord.emptySlot {
                for index in slot * rowBytes..<(slot + 1) * rowBytes { features[index] = 0 }
            }
            let record = RowsRecord(
                part: block.part, block: block.block, featureCount: survey.shape.count,
                bytesPerFeature: survey.encoding.bytesPerFeature, labels: Array(labels[slots]), features: features, ids: Array(ids[slots]))
            for slot in record.labels.indices where record.labels[slot] != RowsRecord.emptySlot && !outcome.orphans.isEmpty {
                outcome.orphans = outcome.orphans.filter { !record.has($0, slot: slot) }
            }
            let written = try store.stage(record)
            outcome.staged.append(written.object)
            try change.setRows(written)
            try advance(block.slots)
        }
    }
}

extension Survey {
    /// Throws where rows are not of the kind, shape and classes of the training rows that they go with.
    func expectFit(_ training: Survey, _ what: String) throws {
        guard shape == training.shape else {
            throw Failure(.input, "\(what) have \(shape.count) features, training rows \(training.shape.count); give \(what) of the same shape")
        }
        // Stored bytes are read with the training rows' scale, whatever these rows came from.
        guard encoding.isLike(training.encoding) else {
            throw Failure(.input, "\(what) and training rows are of different kinds (images, a table, or names of rows); give \(what) of the same kind")
        }
        guard classNames.count <= training.classNames.count else {
            throw Failure(.input, "\(what) have \(classNames.count) classes, training rows \(training.classNames.count); give training rows of every class")
        }
        // A label is an index: of one kind of file into 0, 1, …, of another into the values found.
        guard training.classNames.starts(with: classNames) else {
            throw Failure(.input, "\(what) and training rows name their classes differently; give both as the same kind of file")
        }
    }
}
