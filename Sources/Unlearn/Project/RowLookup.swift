import Checkpoints
import Files
import Training

/// Where rows stand, or stood.
public struct RowPlaces: Encodable, Sendable {
    public struct Row: Encodable, Sendable {
        public let id: String
        /// `train` or `test`.
        public let part: String
        public let block: Int
        public let slot: Int
        /// `stem` or `branch s`; nil in a chain and for test rows.
        public let place: String?
        public let group: String?
        public let deleted: Bool
        /// Who deleted it: R1, R2, …; nil where it is live or was left out when the project was made.
        public let request: String?
        /// When that was carried out: ISO 8601, UTC.
        public let time: String?

        init(_ place: RowPlace, _ times: [Int: String], _ lineage: Lineage) {
            self.place = place.part != .train || lineage.isChain ? nil : lineage.branch(of: place.block).map { "branch \($0)" } ?? "stem"
            let gone = place.request.map { RowDeletedBefore(place.id, $0, times) }
            (id, part, block, slot, group) = (place.id, place.part == .train ? "train" : "test", place.block, place.slot, place.group)
            (deleted, request, time) = (place.isDeleted, gone?.request, gone?.time)
            when = gone?.when
        }

        /// What a table shows under "branch": its number, or `stem`. One word, so that tools that split lines at blanks find the next one.
        public var branchCell: String { place.map { $0.split(separator: " ").last.map(String.init) ?? $0 } ?? "-" }

        /// When it was deleted, in words; nil where it is live.
        public let when: String?

        private enum CodingKeys: CodingKey { case id, part, block, slot, place, group, deleted, request, time }
    }

    public let rows: [Row]
    public let notFound: [String]
    /// Rows of named people that are gone: of these no id is known any more.
    public let deletedBefore: [RowDeletedBefore]?
    public let repeated: [String]
    /// People of others' names that are nearly those of the list.
    public private(set) var alike: [AlikePerson]?
    /// The unknown ids with their lines, in words; nil where there are none.
    public let notFoundWords: String?

    /// Whether rows stand in a stem or in branches.
    public let hasPlaces: Bool

    private enum CodingKeys: CodingKey { case rows, notFound, deletedBefore, repeated, alike }

    /// Unknown ids are an error where all are, and so is a table of rows that is not the one this program left.
    /// - Complexity: O(ids).
    public init(of ids: IDList, in store: Store) throws {
        let (found, unknown, times, lineage) = try store.snapshot {
            let lineage = try ProjectSettings.load(from: store).recipe.plan.lineage
            let (found, unknown) = try store.look(up: ids)
            return (found, unknown, try store.requestTimes(), lineage)
        }
        if found.isEmpty { try ids.expectNone(unknown, "is not in the project", "correct the list") }
        rows = found.map { Row($0.place, times, lineage) }
        hasPlaces = !lineage.isChain
        deletedBefore = nil
        notFound = unknown.map(IDList.shown)
        notFoundWords = unknown.isEmpty ? nil : "\(ids.path): \(ids.named(unknown)) is not in the project"
        repeated = ids.repeated.map(IDList.shown)
    }

    /// All live rows of the people whom a list names. People without one are an error where all are.
    public init(ofPersons people: IDList, in project: Project) throws {
        let (selection, lineage) = try project.store.snapshot {
            // It verifies the table of rows, which decides what it finds.
            return (try project.selection(.persons(people), ignoringUnknown: true), project.settings.recipe.plan.lineage)
        }
        let alike = AlikePerson.remark(selection.findings.alike)
        if selection.live.isEmpty, selection.deleted.isEmpty {
            try people.expectNone(selection.unknown, "has no row in the project" + (alike.map { " (\($0))" } ?? ""), "correct the list")
        }
        rows = selection.live.map { Row($0, [:], lineage) }
        hasPlaces = !lineage.isChain
        notFound = selection.unknown.map(IDList.shown)
        notFoundWords = selection.unknown.isEmpty ? nil : "\(people.path): \(people.named(selection.unknown)) has no row in the project"
        self.alike = selection.findings.alike
        repeated = people.repeated.map(IDList.shown)
        deletedBefore = selection.findings.deletedBefore
    }

    /// All live rows of a provider.
    public init(ofGroup name: String, in project: Project) throws {
        rows = try project.store.snapshot {
            try project.store.verifyRows()
            return try project.livePlaces(ofGroup: name).map { Row($0, [:], project.settings.recipe.plan.lineage) }
        }
        (notFound, repeated, notFoundWords, deletedBefore) = ([], [], nil, nil)
        hasPlaces = !project.settings.recipe.plan.lineage.isChain
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

    func look(up ids: IDList) throws -> (found: [(place: RowPlace, line: Int)], unknown: [(id: String, line: Int)]) {
        var found: [(place: RowPlace, line: Int)] = []
        var unknown: [(id: String, line: Int)] = []
        let places = try verifiedPlaces(ofRows: ids.entries.map(\.id))
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
        try verified(try store.livePlaces(ids, ignoring: ignored, advice: advice))
    }

    /// The same places, where the rows that are stored there have these ids.
    func verified(_ places: [RowPlace]) throws -> [RowPlace] {
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
