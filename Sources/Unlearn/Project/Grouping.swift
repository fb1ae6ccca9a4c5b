import Files
import Training

/// The groups (providers) of a source's rows.
struct Grouping {
    /// An index into `names` for each row, -1 where it has no group; empty where no row has one.
    private(set) var indices: [Int32] = []
    private(set) var names: [String] = []

    /// Of rows that have none.
    init() {}

    /// Groups are numbered in an order that tells nothing: between neighbours, the place of one that is gone would say how its
    /// name began or when it came.
    /// - Parameter given: group of each id, instead of the source's own.
    init(of source: any RowSource, _ survey: Survey, given: [String: String]?, using generator: inout PlacementGenerator) throws {
        if let given { try take(given, source, survey) } else { (indices, names) = (survey.groups, survey.groupNames) }
        leaveOutNobody()
        var order = Array(names.indices)
        generator.shuffle(&order)
        let found = names
        for (old, new) in order.enumerated() { names[new] = found[old] }
        indices = indices.map { $0 < 0 ? $0 : Int32(order[Int($0)]) }
    }

    /// An empty name is nobody's: its rows have no group.
    private mutating func leaveOutNobody() {
        guard let nobody = names.firstIndex(of: "") else { return }
        names.remove(at: nobody)
        indices = names.isEmpty ? [] : indices.map { $0 == nobody ? -1 : $0 > nobody ? $0 - 1 : $0 }
    }

    var isEmpty: Bool { indices.isEmpty }

    func number(_ row: Int) -> Int? { indices.isEmpty || indices[row] < 0 ? nil : Int(indices[row]) }

    func name(_ row: Int) -> String? { number(row).map { names[$0] } }

    private mutating func take(_ given: [String: String], _ source: any RowSource, _ survey: Survey) throws {
        let groups = Dictionary(given.map { (IDList.canonical($0.key), $0.value) }) { first, _ in first }
        names = Set(groups.values).sorted()
        let index = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
        var found = [Int32](repeating: -1, count: survey.rows)
        var unknown = Set(groups.keys)
        func take(_ id: String, _ position: Int) {
            guard let name = groups[id] else { return }
            found[position] = index[name]!
            unknown.remove(id)
        }
        if survey.hasIDs {
            try source.forEachRow { position, id, _ in if let id { take(IDList.canonical(id), position) } }
        } else {
            for position in 0..<survey.rows { take(String(position), position) }
        }
        // A misspelt id would leave its row to nobody, which can't be mended later.
        if let id = unknown.min() {
            throw Failure(
                .input, "the list of groups names \(unknown.count == 1 ? "an id" : "\(unknown.count) ids") that no row has, '\(id.prefix(80))'"
                    + "\(unknown.count == 1 ? "" : " for one"); correct it: a row a line, id,group")
        }
        indices = found
    }
}
