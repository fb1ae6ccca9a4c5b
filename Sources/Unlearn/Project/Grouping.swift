import Files
import Training

/// The groups (providers) of a project's rows: those of its training rows and those of its test rows are the same ones, under one name.
struct Grouping {
    /// The groups of one source's rows.
    struct Rows {
        /// An index into the names for each row, -1 where it has no group; empty where no row has one.
        fileprivate(set) var indices: [Int32] = []

        var isEmpty: Bool { indices.isEmpty }

        func number(_ row: Int) -> Int? { indices.isEmpty || indices[row] < 0 ? nil : Int(indices[row]) }
    }

    /// A source of rows and what its first pass found.
    struct Surveyed {
        let source: any RowSource
        let survey: Survey
    }

    private(set) var names: [String] = []
    /// Of the source that training rows come from, those that are held out included.
    private(set) var rows = Rows()
    /// Of the source of test rows, where they have one of their own.
    private(set) var testRows = Rows()

    /// Groups are numbered in an order that tells nothing: between neighbours, the place of one that is gone would say how its
    /// name began or when it came.
    /// - Parameter given: group of each id, instead of the sources' own.
    init(of rows: Surveyed, test: Surveyed?, given: GroupsFile?, using generator: inout PlacementGenerator) throws {
        if let given { try take(given, rows, test) } else { takeOwn(rows.survey, test?.survey) }
        leaveOutNobody()
        var order = Array(names.indices)
        generator.shuffle(&order)
        let found = names
        for (old, new) in order.enumerated() { names[new] = found[old] }
        renumber { $0 < 0 ? $0 : Int32(order[Int($0)]) }
    }

    /// Where there are more groups, a block of each its own would hold a few rows, which teach nothing, and its files would take longer than
    /// the rows.
    private static let mostBlocks = 1000

    /// Blocks of a chain that groups are dealt out to, none of them cut apart, where nobody says how many.
    static func blocks(ofGroups count: Int) -> Int { min(count, mostBlocks) }

    static func remarks(onGroups count: Int) -> [String] {
        let blocks = blocks(ofGroups: count)
        guard count > blocks else { return [] }
        return ["\(count) groups share \(blocks) blocks, and none is cut apart; --blocks \(count) gives each a block, a file and a checkpoint of its own"]
    }

    /// How many groups there are, so that a column that names something else than providers is noticed.
    /// - Parameter kept: rows of the source that training rows come from.
    func remarks(kept: [Int]) -> [String] {
        var counts = [Int](repeating: 0, count: names.count)
        for row in kept { if let group = rows.number(row) { counts[group] += 1 } }
        for group in testRows.indices where group >= 0 { counts[Int(group)] += 1 }
        let sizes = counts.filter { $0 > 0 }
        guard let fewest = sizes.min(), let most = sizes.max() else { return [] }
        let each = fewest == most ? "\(most) row\(most == 1 ? "" : "s")" : "\(fewest) to \(most) rows"
        return ["the rows belong to \(sizes.count) group\(sizes.count == 1 ? "" : "s") of \(each)"]
    }

    func name(_ row: Int) -> String? { rows.number(row).map { names[$0] } }

    private mutating func renumber(_ number: (Int32) -> Int32) {
        func renumbered(_ rows: Rows) -> Rows {
            let indices = rows.indices.map(number)
            return Rows(indices: indices.contains { $0 >= 0 } ? indices : [])
        }
        (rows, testRows) = (renumbered(rows), renumbered(testRows))
    }

    /// An empty name is nobody's: its rows have no group.
    private mutating func leaveOutNobody() {
        guard let nobody = names.firstIndex(of: "") else { return }
        names.remove(at: nobody)
        renumber { $0 == nobody ? -1 : $0 > nobody ? $0 - 1 : $0 }
    }

    /// What stands with the rows themselves. A group that only test rows have is a group: who provided them may ask for them to be deleted.
    private mutating func takeOwn(_ survey: Survey, _ test: Survey?) {
        (rows.indices, names) = (survey.groups, survey.groupNames)
        guard let test else { return }
        var number = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
        let numbers = test.groupNames.map { name -> Int32 in
            if let known = number[name] { return known }
            number[name] = Int32(names.count)
            names.append(name)
            return Int32(names.count - 1)
        }
        testRows.indices = test.groups.map { $0 < 0 ? $0 : numbers[Int($0)] }
    }

    private mutating func take(_ given: GroupsFile, _ rows: Surveyed, _ test: Surveyed?) throws {
        names = Set(given.entries.values.map(\.group)).sorted()
        let index = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
        var unknown = Set(given.entries.keys)
        func indices(_ rows: Surveyed, idOfPosition: (Int) -> String) throws -> [Int32] {
            var found = [Int32](repeating: -1, count: rows.survey.rows)
            func take(_ id: String, _ position: Int) {
                guard let entry = given.entries[id] else { return }
                found[position] = index[entry.group]!
                unknown.remove(id)
            }
            if rows.survey.hasIDs {
                try rows.source.forEachRow { position, id, _ in if let id { take(IDList.canonical(id), position) } }
            } else {
                for position in found.indices { take(idOfPosition(position), position) }
            }
            return found
        }
        self.rows.indices = try indices(rows) { String($0) }
        if let test { testRows.indices = try indices(test) { "test:\($0)" } }
        // A misspelt id would leave its row to nobody, which can't be mended later.
        guard !unknown.isEmpty else { return }
        let wrong = unknown.map { (id: $0, line: given.entries[$0]!.line) }.sorted { $0.line < $1.line }
        throw Failure(.input, "\(given.path): \(IDList.named(wrong)) is no row's id; correct it: a row a line, id,group")
    }
}
