import Files

/// Working copies: projects of their own, with keys of their own, that hold what work elsewhere needs of another project; and what comes back.
extension StoreChange {
    /// Takes another project's records of some blocks over, sealed anew.
    /// - Parameter isWanted: also asked for block 0, the initialisation.
    public func takeRecords(of other: Store, where isWanted: (_ block: Int) -> Bool) throws {
        for object in other.index.inUse(where: \.isCheckpoint) where isWanted(object.block) {
            try register(store.stage(object.kind, block: object.block, other.contents(of: object))) { $0.baseIsExact = object.entry.baseIsExact }
        }
    }

    /// Takes some of another project's settings over.
    public func takeSettings(of other: Store, where isWanted: (_ name: String) -> Bool) throws {
        for name in try other.database.rows("SELECT key FROM settings", map: { $0.text(0) }) where isWanted(name) {
            if let value = try other.setting(name) { try set(name, to: value) }
        }
    }

    /// Takes another project's live rows over, in their blocks and slots, with their ids and providers. Whose they are stays there, and so does what
    /// is left of deleted ones: their slots are empty.
    public func takeRows(of other: Store, featureCount: Int, bytesPerFeature: Int) throws {
        let names = try other.groupNames()
        var listed = NewRows(of: store), live = [Int](repeating: 0, count: names.count)
        try prepareRows(Part.allCases.reduce(0) { try $0 + other.rowCount($1, deleted: false) })
        for part in Part.allCases {
            let groups = Dictionary(try other.livePlaces(part).map { (RowSlot(block: $0.block, slot: $0.slot), $0.group) }) { first, _ in first }
            for block in try other.rowBlocks(part) {
                let record = try other.rows(block, featureCount: featureCount, bytesPerFeature: bytesPerFeature)
                for slot in record.labels.indices where record.labels[slot] != RowsRecord.emptySlot {
                    guard let group = groups[RowSlot(block: block.block, slot: slot)] else { throw other.fault("a row of block \(block.block) is in no list") }
                    listed.add(id: record.ids[slot], part: part, block: block.block, slot: slot, group: group, excluded: false)
                    if let group { live[group] += 1 }
                }
                try setRows(store.stage(record))
            }
        }
        try insert(listed)
        try setGroups(names, live: live)
    }

    private struct RowSlot: Hashable {
        let block: Int
        let slot: Int
    }
}

extension RowBlock {
    /// BLAKE2b-256 of the file that holds the rows: another one once a deletion has taken any out.
    public var digest: String { object.digest.description }
}

extension Store {
    /// The setting that says what is to be done on a working copy; no project has it.
    public static let workingCopySetting = "working-copy-task"

    /// Seals what was computed on this copy: equal content has equal bytes, on whichever machine.
    /// - Parameter name: of the result; it must be given again to open it.
    public func sealResult(_ content: [UInt8], name: String) -> [UInt8] {
        content.withUnsafeBytes { keys.results.sealRepeatably($0, context: context(ofResult: name)) }
    }

    /// Nil where it is another's, or a bit of it is another.
    public func openResult(_ sealed: [UInt8], name: String) -> [UInt8]? {
        sealed.withUnsafeBytes { keys.results.open($0, context: context(ofResult: name)) }
    }

    private func context(ofResult name: String) -> [UInt8] { Array("unlearn result \(name)".utf8) + keys.projectID }
}
