import Checkpoints
import Files

/// What a deletion is asked for.
public enum DeletionTarget: Sendable {
    /// The rows that a list names.
    case list(IDList)
    /// All rows of the people whom a list names.
    case persons(IDList)
    /// All live rows of a provider.
    case group(String)
    /// No rows: what earlier stitches left is replayed exactly.
    case chain

    var namesNoRows: Bool { if case .chain = self { true } else { false } }

    /// People, or a provider, whose live rows it means.
    func names(among selection: RowSelection) -> [String] {
        switch self {
        case .persons(let people): people.entries.filter { selection.linesWithLiveRows.contains($0.line) }.map(\.id)
        case .group(let name): [IDList.canonical(name)]
        case .list, .chain: []
        }
    }

    /// Whose rows it means; nil where it names rows.
    var owners: RequestOwners? {
        switch self {
        case .persons(let people): .people(people.entries.map { Persons.name($0.id) })
        case .group(let name): .group(name)
        case .list, .chain: nil
        }
    }

    var noun: ListNoun { if case .persons = self { .person } else { .row } }

    /// What rows are named by, one by one or by the people whom they belong to.
    var list: IDList? {
        switch self {
        case .list(let ids), .persons(let ids): ids
        case .group, .chain: nil
        }
    }
}

/// A row of a list that is gone already.
public struct RowDeletedBefore: Encodable, Sendable, Equatable {
    /// The row's, or the person's where people were named: of rows that are gone, only digests of ids stay.
    public let id: String
    /// R1, R2, …; nil where the row was left out when the project was made.
    public let request: String?
    /// When that request was carried out: ISO 8601, UTC.
    public let time: String?

    public func encode(to encoder: any Encoder) throws {
        enum Key: CodingKey { case id, request, time }
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(id, forKey: .id)
        try container.encode(request, forKey: .request)
        try container.encode(time, forKey: .time)
    }
}

/// What of a list names no live row, and what it names twice. Told to the caller, never stored: these are ids of people.
public struct ListFindings: Encodable, Sendable {
    public var notFound: [String] = []
    public var deletedBefore: [RowDeletedBefore] = []
    public var repeated: [String] = []
    /// Names that others nearly have, who may be the same people: case, blanks, zeros in front or a fraction `.0` alone differ.
    public var alike: [AlikePerson]?
    /// What the list names.
    public var noun = ListNoun.row

    public init() {}

    private enum CodingKeys: CodingKey { case notFound, deletedBefore, repeated, alike }
}

/// A person with whose name another's nearly agrees.
public struct AlikePerson: Encodable, Sendable {
    public let id: String
    /// Live rows of these others.
    public let rows: Int

    /// What whoever asked for the person can do.
    public static func remark(_ all: [AlikePerson]?) -> String? {
        guard let all, let first = all.first else { return nil }
        let names = all.count == 1 ? "" : " (and so \(all.count - 1) more of the list)"
        let rows = all.reduce(0) { $0 + $1.rows }, belong = rows == 1 ? "1 more row belongs" : "\(rows) more rows belong"
        return "\(belong) to people whose names differ from '\(first.id.prefix(80))'\(names) in case, blanks, zeros in front or a final .0 alone: "
            + "if they are the same people, name them as the data write them, too"
    }
}

/// What `delete` tells its caller.
@dynamicMemberLookup
public struct DeletionResult: Encodable, Sendable {
    public internal(set) var report: DeletionReport
    public let list: ListFindings
    /// Requests that were interrupted before and finished when this command opened the project.
    public let finished: [String]

    /// Requests to which exactness was owed until this one, and is no longer.
    public var requestsSettled: [String] = []

    /// Of rows that only the trainer holds.
    public var erasureOrders = ErasureOrders()

    /// Folders of copies that work elsewhere, in which deleted rows stay (`jobs`).
    public var workingCopies: [String] = []

    /// Whether there was anything to do: a request was made, or one was finished for these very rows.
    public var didNothing: Bool { report.request == nil }

    public subscript<Value>(dynamicMember path: KeyPath<DeletionReport, Value>) -> Value { report[keyPath: path] }

    /// How the command ended, in one word.
    public var outcome: RunOutcome { !erasureOrders.pending.isEmpty ? .owed : didNothing ? .nothingToDo : RunOutcome(report) }

    private enum Key: CodingKey { case outcome, finished, exactnessOwed, requestsSettled, erasureOrders, workingCopies, residual, rho, fit, damping, tailBound, extrapolatedDistance }

    public func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        try list.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(finished, forKey: .finished)
        try container.encode(report.isExactnessOwed, forKey: .exactnessOwed)
        try container.encode(requestsSettled, forKey: .requestsSettled)
        if !workingCopies.isEmpty { try container.encode(workingCopies, forKey: .workingCopies) }
        if !erasureOrders.isEmpty { try container.encode(erasureOrders, forKey: .erasureOrders) }
        guard report.branchesTouched?.isEmpty == false, report.residual.isEmpty, report.damping == nil else { return }
        // Nothing was measured or extrapolated: there was nothing to.
        for key in [Key.residual, .rho, .fit, .damping, .tailBound, .extrapolatedDistance] { try container.encodeNil(forKey: key) }
    }
}

/// The rows that a target means.
struct RowSelection {
    /// One that is gone already.
    struct Deleted {
        let row: RowDeletedBefore
        /// The keyed digest of its id.
        let digest: String
        let part: Part
        let block: Int
        /// The request that deleted it; 0: left out when the project was made.
        let number: Int
        /// Of the list that names it, or its person.
        let line: Int
    }

    var live: [RowPlace] = []
    var deleted: [Deleted] = []
    var unknown: [(id: String, line: Int)] = []
    var findings = ListFindings()
    /// Lines of a list of people that name somebody with a live row: that others of theirs are gone is no fault.
    var linesWithLiveRows: Set<Int> = []
}

extension Project {
    /// The rows that a target means, those that are live compared with the ids that are stored with them.
    /// - Throws: kind `input` where a group has no live row.
    func selection(_ target: DeletionTarget, ignoringUnknown: Bool) throws -> RowSelection {
        var selection = RowSelection()
        switch target {
        case .chain: break
        case .group(let name):
            // A row that is missing there would be left behind without a word.
            try store.expectVerifiedRows()
            do {
                selection.live = try livePlaces(ofGroup: name)
            } catch let error as UnknownGroup {
                guard ignoringUnknown else { throw Failure(.input, "\(error); correct the name or use --ignore-unknown") }
                selection.unknown = [(IDList.canonical(name), 0)]
            }
            selection.findings.noun = .provider
        case .list(let ids):
            let (found, unknown) = try store.look(up: ids)
            let times = try store.requestTimes()
            selection.unknown = unknown
            selection.live = try verified(found.map(\.place).filter { !$0.isDeleted })
            selection.deleted = found.compactMap { place, line in
                place.request.map {
                    .init(row: RowDeletedBefore(place.id, $0, times), digest: store.rowDigest(place.id), part: place.part, block: place.block, number: $0, line: line)
                }
            }
            selection.findings.repeated = ids.repeated.map(IDList.shown)
        case .persons(let people):
            guard settings.knowsPersons == true else { throw Failure(.input, "the rows of this project were imported without persons (init --person-column); name rows with --ids") }
            try store.expectVerifiedRows()
            let found = try store.rows(of: people.entries.map { Persons.name($0.id) }), rows = found.own, times = try store.requestTimes()
            let alike = people.entries.compactMap { entry in found.alike[entry.id].map { AlikePerson(id: IDList.shown(entry.id, line: entry.line), rows: $0) } }
            if !alike.isEmpty { selection.findings.alike = alike }
            selection.unknown = people.entries.filter { rows[$0.id] == nil }
            for (name, line) in people.entries {
                let all = rows[name] ?? []
                selection.deleted += all.compactMap { row in
                    row.request.map { .init(row: RowDeletedBefore(name, $0, times), digest: row.digest, part: row.part, block: row.block, number: $0, line: line) }
                }
                if all.contains(where: { !$0.isDeleted }) { selection.linesWithLiveRows.insert(line) }
            }
            selection.live = try named(rows.values.joined().filter { !$0.isDeleted }.map { ($0.part, $0.block, $0.slot) })
            selection.findings.noun = .person
            selection.findings.repeated = people.repeated.map(IDList.shown)
        }
        selection.findings.notFound = selection.unknown.map(IDList.shown)
        selection.findings.deletedBefore = selection.deleted.map(\.row)
        return selection
    }

    /// All live rows of a provider, by part, block and slot.
    /// - Throws: `UnknownGroup`.
    /// - Complexity: reads every block that holds one.
    public func livePlaces(ofGroup name: String) throws -> [RowPlace] {
        let names = try store.groupNames()
        guard !name.isEmpty, let number = names.firstIndex(of: name) else {
            throw UnknownGroup(name: name, nearest: nearestGroup(to: name, among: names), hasGroups: names.contains { !$0.isEmpty })
        }
        return try named(Part.allCases.flatMap { part in try store.livePlaces(part).filter { $0.group == number }.map { (part, $0.block, $0.slot) } })
    }

    /// A group that was probably meant. Any other may be a provider of its own, whose rows nobody asked for: one of another number surely is,
    /// and short names are alike by chance.
    private func nearestGroup(to name: String, among names: [String]) -> String? {
        let names = names.filter { !$0.isEmpty }, digits = name.filter(\.isNumber)
        if let same = names.first(where: { Persons.folded($0) == Persons.folded(name) }) { return same }
        guard name.count >= 4 else { return nil }
        return nearestWord(to: name, among: names.filter { $0.filter(\.isNumber) == digits }).flatMap { editDistance(name, $0) == 1 ? $0 : nil }
    }

    /// All live rows of the people whom a list names, by part, block and slot.
    /// - Complexity: opens the entry of every row, and reads every block that holds one of them.
    public func livePlaces(ofPersons people: IDList) throws -> [RowPlace] { try selection(.persons(people), ignoringUnknown: true).live }

    /// Live rows with their ids, which the catalogue knows digests of alone; the ids are with the rows.
    /// - Complexity: reads every block that holds one.
    func named(_ places: [(part: Part, block: Int, slot: Int)]) throws -> [RowPlace] {
        try Part.allCases.flatMap { part -> [RowPlace] in
            let members = Dictionary(grouping: places.filter { $0.part == part }, by: \.block).mapValues { $0.map(\.slot).sorted() }
            return try store.rowBlocks(part).flatMap { block -> [RowPlace] in
                guard let slots = members[block.block] else { return [] }
                let record = try storedRows(block)
                let places = try store.places(ofRows: slots.map { record.ids.indices.contains($0) ? record.ids[$0] : "" })
                guard places.map({ $0?.slot }) == slots, places.allSatisfy({ $0?.part == part && $0?.block == block.block && $0?.isDeleted == false }) else {
                    throw Failure(.damaged, "the catalogue and the rows of block \(block.block) name different ids; run 'unlearn check' and restore the project from a backup")
                }
                return places.compactMap { $0 }
            }
        }
    }
}

/// What a list names.
public enum ListNoun: Sendable {
    case row
    case person
    case provider
}

/// A name that no live row's group has.
public struct UnknownGroup: DescribedError {
    public let name: String
    public let nearest: String?
    public let hasGroups: Bool
    public var kind: FailureKind { .input }
    public var description: String {
        guard hasGroups else { return "no live row has a group" }
        return "no live row has the group '\(name.prefix(80))'" + (nearest.map { "; did you mean '\($0.prefix(80))'?" } ?? "")
            + " (a provider whose rows are all deleted is named nowhere any more)"
    }
}

extension RowDeletedBefore {
    init(_ id: String, _ number: Int, _ times: [Int: String]) {
        self.id = id
        request = number == 0 ? nil : Store.requestName(number)
        time = times[number]
    }

    /// "R1, 2026-11-28T00:09:58Z", or that it was never there.
    public var when: String { request.map { [$0, time].compactMap { $0 }.joined(separator: ", ") } ?? "left out when the project was made" }
}

extension Store {
    /// When requests were carried out, by number, as their reports say.
    func requestTimes() throws -> [Int: String] {
        Dictionary(uniqueKeysWithValues: try carriedOut().map { ($0.number, $0.report.time) })
    }
}

extension RowSelection {
    /// Throws, with the first ten of each kind and the option that forgives it, where the list names rows that are not live.
    /// - Parameter noun: what the list names: a row, or a person.
    func expectAllowed(_ ids: IDList, naming noun: ListNoun, ignoringUnknown: Bool, ignoringDeleted: Bool, finished: Set<Int>) throws {
        let unknown = ignoringUnknown ? [] : unknown
        // What this very command finished is done, not done before; and that others of a person's rows are gone is no fault of who asks for the rest.
        let done = linesWithLiveRows.union(deleted.filter { finished.contains($0.number) }.map(\.line))
        let deleted = ignoringDeleted ? [] : deleted.filter { !done.contains($0.line) }
        var faults: [String] = [], options: [String] = []
        if !unknown.isEmpty {
            faults.append("\(ids.named(unknown)) \(noun == .row ? "is not in the project" : "has no row in the project")" + (AlikePerson.remark(findings.alike).map { " (\($0))" } ?? ""))
            options.append("--ignore-unknown")
        }
        if !deleted.isEmpty {
            var lines: Set<Int> = []
            let named = deleted.filter { lines.insert($0.line).inserted }.map { (id: $0.row.id, line: $0.line) }
            faults.append("\(ids.named(named)) is deleted already (\(Self.requests(deleted.map(\.row))))")
            options.append("--ignore-missing")
        }
        guard !faults.isEmpty else { return }
        // People are called "Meier, Anna".
        let isTable = noun == .row && ids.looksLikeTable(unknown)
        throw Failure(
            .input, "\(ids.path): \(faults.joined(separator: ", and ")); "
                + (isTable ? IDList.tableAdvice : "correct the list or use \(options.joined(separator: " and "))"))
    }

    /// "R1", "R1, R3 and left out when the project was made".
    private static func requests(_ rows: [RowDeletedBefore]) -> String {
        let names = Set(rows.compactMap(\.request)).inOrderOfRequests
        let leftOut = rows.contains { $0.request == nil } ? ["left out when the project was made"] : []
        return ([names.joined(separator: ", ")].filter { !$0.isEmpty } + leftOut).joined(separator: " and ")
    }
}
