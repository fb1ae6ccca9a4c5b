import Checkpoints
import Files
import Training

/// The people whom a project's rows belong to. One person's rows lie in one block, so that one block forgets them, and on one side of the
/// split, so that nobody is tested on whom the model was trained on.
struct Persons {
    /// Whether the rows were imported with persons at all.
    let areKnown: Bool
    /// Of everybody who has a row.
    private(set) var names: [String] = []
    /// An index into the names for each row of the source that training rows come from, -1 for nobody; empty where nobody is known.
    private(set) var rows: [Int32] = []
    private(set) var testRows: [Int32] = []

    init(of survey: Survey, test: Survey? = nil) {
        areKnown = !survey.personNames.isEmpty || test?.personNames.isEmpty == false
        guard areKnown else { return }
        var index: [String: Int32] = [:]
        rows = number(survey, &index)
        if let test { testRows = number(test, &index) }
    }

    private mutating func number(_ survey: Survey, _ index: inout [String: Int32]) -> [Int32] {
        guard !survey.personNames.isEmpty else { return [Int32](repeating: -1, count: survey.rows) }
        var numbers: [Int32] = []
        for spelt in survey.personNames {
            let name = IDList.canonical(spelt)
            if index[name] == nil, !name.isEmpty {
                index[name] = Int32(names.count)
                names.append(name)
            }
            numbers.append(index[name] ?? -1)
        }
        return survey.persons.map { numbers[Int($0)] }
    }

    /// - Throws: `Failure` of kind `input` where the row's person is called as no list can name anybody.
    func owner(_ row: Int) throws -> RowOwner { try owner(rows, row) }
    func ownerOfTestRow(_ row: Int) throws -> RowOwner { try owner(testRows, row) }

    private func owner(_ indices: [Int32], _ row: Int) throws -> RowOwner {
        guard areKnown else { return .notAsked }
        guard !indices.isEmpty, indices[row] >= 0 else { return .nobody }
        let name = names[Int(indices[row])]
        guard IDList.canName(name) else {
            throw Failure(
                .input, "row \(row + 1) belongs to '\(name.prefix(80))', whom no list can name: names neither begin with '#', nor begin or end with spaces, nor hold line ends")
        }
        return .person(Self.name(name))
    }

    /// Of some rows of the source; empty where nobody is known.
    func of(_ rows: [Int]) -> [Int32] { self.rows.isEmpty ? [] : rows.map { self.rows[$0] } }

    /// Throws where a person's rows lie in several blocks, which groups that have blocks of their own bring about.
    /// - Parameter blocks: of each of some rows of the source.
    func expectTogether(_ rows: [Int], blocks: [Int32]) throws {
        guard !self.rows.isEmpty else { return }
        var blockOf: [Int32: Int32] = [:]
        for (row, block) in zip(rows, blocks) where self.rows[row] >= 0 {
            guard blockOf.updateValue(block, forKey: self.rows[row]).map({ $0 == block }) ?? true else {
                throw Failure(
                    .input, "the rows of '\(names[Int(self.rows[row])].prefix(80))' are of several groups, or some of none, and --blocks-by group gives groups blocks of their own: "
                        + "choose another --blocks-by, or name people apart, one for each group")
            }
        }
    }
}

/// What about people their user may want to know.
extension Persons {
    /// - Parameter training: rows of the source that are trained on.
    func remarks(kept: [Int], training: [Int]) -> [String] {
        guard areKnown else { return [] }
        let owners = of(kept) + testRows, nobody = owners.count { $0 < 0 }, people = Set(owners).subtracting([-1]).count
        let belonging = "the rows belong to \(people) \(people == 1 ? "person" : "people")"
        return (people == 0 ? [] : [belonging]) + (nobody == 0 ? [] : ["\(nobody) row\(nobody == 1 ? " has" : "s have") no person"]) + spelling + bothSides(training)
    }

    /// People whose names differ as one person's do who is written in two ways: a deletion by one leaves the other.
    private var spelling: [String] { Self.spelling(of: names, what: "people") }

    static func spelling(of names: [String], what: String) -> [String] {
        var first: [String: String] = [:], alike: [(String, String)] = []
        for name in names { if let other = first.updateValue(name, forKey: folded(name)) { alike.append((other, name)) } }
        guard let pair = alike.first else { return [] }
        let others = alike.count == 1 ? "" : alike.count == 2 ? ", and one more pair," : ", and \(alike.count - 1) more pairs,"
        return ["the \(what) '\(pair.0.prefix(80))' and '\(pair.1.prefix(80))'\(others) may be one that is written in several ways: a deletion takes each apart"]
    }

    /// Without what people leave out, or write one way or the other: case, blanks, and what programs that take numbers for numbers do to
    /// them, a fraction appended or zeros in front taken away. A digest of it is stored: another rule would be another format.
    static func folded(_ name: String) -> String {
        let name = name.lowercased().filter { !$0.isWhitespace }, whole = name.hasSuffix(".0") ? name.dropLast(2) : name[...]
        guard !whole.isEmpty, whole.allSatisfy(\.isNumber) else { return name }
        return String(whole.drop { $0 == "0" })
    }

    static func name(_ name: String) -> PersonName { PersonName(name, folded: folded(name)) }

    /// Test rows that were given, of people who are trained on.
    private func bothSides(_ training: [Int]) -> [String] {
        guard !testRows.isEmpty else { return [] }
        let trained = Set(of(training)), shared = Set(testRows).intersection(trained).subtracting([-1]).count
        return shared == 0 ? [] : ["\(shared) \(shared == 1 ? "person has" : "people have") training rows and test rows: measured on people that the model knows, it looks better than it is"]
    }
}
