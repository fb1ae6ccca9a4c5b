import Checkpoints
import Files

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

    /// Where the listed rows stand or stood. Unknown ids are an error.
    public func placesOfAll(_ ids: IDList) throws -> [RowPlace] {
        let (found, unknown) = try look(up: ids)
        try ids.expectNone(unknown, "is not in the project", "correct the list")
        return found.map(\.place)
    }

    private func look(up ids: IDList) throws -> (found: [(place: RowPlace, line: Int)], unknown: [(id: String, line: Int)]) {
        var found: [(place: RowPlace, line: Int)] = []
        var unknown: [(id: String, line: Int)] = []
        for (id, line) in ids.entries {
            if let place = try place(ofRow: id) { found.append((place, line)) } else { unknown.append((id, line)) }
        }
        return (found, unknown)
    }
}
