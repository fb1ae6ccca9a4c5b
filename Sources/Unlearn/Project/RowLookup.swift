import Checkpoints
import Files

/// Where rows stand, or stood.
public struct RowPlaces: Codable, Sendable {
    public struct Row: Codable, Sendable {
        public let id: String
        /// `train` or `test`.
        public let part: String
        public let block: Int
        public let slot: Int
        public let group: String?
        public let deleted: Bool
    }

    public let rows: [Row]

    /// Unknown ids are an error, and so is a table of rows that is not the one this program left.
    /// - Complexity: O(rows + ids).
    public init(of ids: IDList, in store: Store) throws {
        let (found, unknown) = try store.snapshot {
            try store.verifyRows()
            return try store.look(up: ids)
        }
        try ids.expectNone(unknown, "is not in the project", "correct the list")
        rows = found.map(\.place).map {
            Row(id: $0.id, part: $0.part == .train ? "train" : "test", block: $0.block, slot: $0.slot, group: $0.group, deleted: $0.isDeleted)
        }
    }
}

/// Why an id of a list names no live row.
public enum MissingRow: Sendable, CaseIterable {
    case unknown
    case deleted
}

extension Store {
    /// Where the listed rows stand that are live. Unknown ids and deleted rows are an error unless they are ignored.
    /// - Parameter advice: what the caller's user can do about one.
    public func livePlaces(_ ids: IDList, ignoring ignored: Set<MissingRow> = [], advice: String = "correct the list") throws -> [RowPlace] {
        let (found, unknown) = try look(up: ids)
        if !ignored.contains(.unknown) { try ids.expectNone(unknown, "is not in the project", advice) }
        if !ignored.contains(.deleted) {
            try ids.expectNone(found.filter(\.place.isDeleted).map { ($0.place.id, $0.line) }, "is deleted already", advice)
        }
        return found.map(\.place).filter { !$0.isDeleted }
    }

    /// The listed ids whose rows are deleted.
    func deletedIDs(_ ids: IDList) throws -> [String] { try look(up: ids).found.filter(\.place.isDeleted).map(\.place.id) }

    fileprivate func look(up ids: IDList) throws -> (found: [(place: RowPlace, line: Int)], unknown: [(id: String, line: Int)]) {
        var found: [(place: RowPlace, line: Int)] = []
        var unknown: [(id: String, line: Int)] = []
        let places = try places(ofRows: ids.entries.map(\.id))
        for ((id, line), place) in zip(ids.entries, places) {
            if let place { found.append((place, line)) } else { unknown.append((id, line)) }
        }
        return (found, unknown)
    }
}

extension Project {
    /// Where the listed rows stand, each compared with the id that is stored with the row itself: the table of rows alone
    /// does not decide whose row is erased.
    public func livePlaces(_ ids: IDList, ignoring ignored: Set<MissingRow> = [], advice: String = "correct the list") throws -> [RowPlace] {
        let places = try store.livePlaces(ids, ignoring: ignored, advice: advice)
        for part in Part.allCases {
            for (block, listed) in Dictionary(grouping: places.filter { $0.part == part }, by: \.block) {
                guard let stored = try store.rowBlock(part, block) else {
                    throw Failure(.damaged, "the catalogue names rows of a block \(block) that is not there; run 'unlearn check'")
                }
                let record = try storedRows(stored)
                guard listed.allSatisfy({ record.ids.indices.contains($0.slot) && record.ids[$0.slot] == $0.id }) else {
                    throw Failure(.damaged, "the catalogue and the rows of block \(block) name different ids; run 'unlearn check' and restore the project from a backup")
                }
            }
        }
        return places
    }
}
