import Checkpoints
import Files
import Training

/// The people whom a project's rows belong to. One person's rows lie in one block, so that one block forgets them, and on one side of the
/// split, so that nobody is tested on whom the model was trained on.
struct Persons {
    /// Whether the rows were imported with persons at all.
    let areKnown: Bool
    private var names: [String] = []
    /// An index into the names for each row of the source that training rows come from, -1 for nobody; empty where nobody is known.
    private(set) var rows: [Int32] = []
    private(set) var testRows: [Int32] = []

    /// - Throws: `Failure` of kind `input` where a name is one that no list can name.
    init(of survey: Survey, test: Survey? = nil) throws {
        areKnown = !survey.personNames.isEmpty || test?.personNames.isEmpty == false
        guard areKnown else { return }
        var index: [String: Int32] = [:]
        rows = try number(survey, &index)
        if let test { testRows = try number(test, &index) }
    }

    private mutating func number(_ survey: Survey, _ index: inout [String: Int32]) throws -> [Int32] {
        guard !survey.personNames.isEmpty else { return [Int32](repeating: -1, count: survey.rows) }
        var numbers: [Int32] = []
        for spelt in survey.personNames {
            let name = IDList.canonical(spelt)
            guard name.isEmpty || IDList.canName(name) else {
                throw Failure(
                    .input, "a person is called '\(name.prefix(80))', which no list can name: names neither begin with '#', nor begin or end with spaces, nor hold line ends")
            }
            if index[name] == nil, !name.isEmpty {
                index[name] = Int32(names.count)
                names.append(name)
            }
            numbers.append(index[name] ?? -1)
        }
        return survey.persons.map { numbers[Int($0)] }
    }

    func owner(_ row: Int) -> RowOwner { owner(rows, row) }
    func ownerOfTestRow(_ row: Int) -> RowOwner { owner(testRows, row) }

    private func owner(_ indices: [Int32], _ row: Int) -> RowOwner {
        guard areKnown else { return .notAsked }
        return indices.isEmpty || indices[row] < 0 ? .nobody : .person(names[Int(indices[row])])
    }

    /// Of some rows of the source; empty where nobody is known.
    func of(_ rows: [Int]) -> [Int32] { self.rows.isEmpty ? [] : rows.map { self.rows[$0] } }

    /// Names that occur.
    var all: [String] { names }

    /// Throws where providers who have blocks of their own share a person.
    /// - Parameter blocks: of each of some rows of the source.
    func expectTogether(_ rows: [Int], blocks: [Int32]) throws {
        guard !self.rows.isEmpty else { return }
        var blockOf: [Int32: Int32] = [:]
        for (row, block) in zip(rows, blocks) where self.rows[row] >= 0 {
            guard blockOf.updateValue(block, forKey: self.rows[row]).map({ $0 == block }) ?? true else {
                throw Failure(
                    .input, "the person '\(names[Int(self.rows[row])].prefix(80))' has rows of several groups, and --blocks-by group gives each group blocks of its own: "
                        + "choose another --blocks-by, or name persons apart, one for each group")
            }
        }
    }

    /// What test rows that were given tell of persons that their user may want to know.
    func remarks(training: [Int]) -> [String] {
        guard !rows.isEmpty, !testRows.isEmpty else { return [] }
        let trained = Set(training.map { rows[$0] }), shared = Set(testRows).intersection(trained).subtracting([-1]).count
        return shared == 0 ? [] : ["\(shared) \(shared == 1 ? "person has" : "people have") training rows and test rows: measured on people that the model knows, it looks better than it is"]
    }
}
