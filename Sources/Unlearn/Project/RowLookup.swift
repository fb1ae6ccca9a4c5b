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

    /// Unknown ids are an error.
    public init(of ids: IDList, in store: Store) throws {
        let (found, unknown) = try store.look(up: ids)
        try ids.expectNone(unknown, "is not in the project", "correct the list")
        rows = found.map(\.place).map {
            Row(id: $0.id, part: $0.part == .train ? "train" : "test", block: $0.block, slot: $0.slot, group: $0.group, deleted: $0.isDeleted)
        }
    }
}

extension Store {
    /// Where the listed rows stand. Unknown ids and deleted rows are an error, or left out.
    public func livePlaces(_ ids: IDList, ignoringMissing: Bool) throws -> [RowPlace] {
        let (found, unknown) = try look(up: ids)
        if !ignoringMissing {
            try ids.expectNone(unknown, "is not in the project", "correct the list or use --ignore-missing")
            try ids.expectNone(
                found.filter(\.place.isDeleted).map { ($0.place.id, $0.line) }, "is deleted already", "correct the list or use --ignore-missing")
        }
        return found.map(\.place).filter { !$0.isDeleted }
    }

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
