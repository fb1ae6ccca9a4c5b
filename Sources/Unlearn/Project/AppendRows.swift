import Checkpoints
import Files
import Training

/// What `append` did, or would have done.
public struct AppendReport: Sendable, Encodable {
    public let rows: Int
    /// Blocks for them, and all blocks with these.
    public let blocks: Int
    public let blocksTotal: Int
    /// Branches that were made of these blocks; 0 in a chain.
    public let branches: Int
    /// What reading the rows showed that its user may want to know.
    public let remarks: [String]
    /// Whether nothing was taken in.
    public let dryRun: Bool
}

/// Ends a transaction in which everything went well and nothing of it is to stay.
private struct Rehearsal: Error {}

extension Project {
    /// What the ledger says of rows that came later.
    private struct Appending: Encodable {
        let rows: Int
        let blocks: Int
        let source: String
    }

    /// Takes rows in: into new blocks behind the last of a chain, or into new branches. What is trained stays as it is; `train` goes on.
    /// The source reads them by the project's own encoding and classes. All of it happens, or nothing.
    /// - Parameters:
    ///   - blocks: nil: as many as keep the size that blocks have.
    ///   - assignmentSeed: see `ProjectPlan`.
    ///   - dryRun: rows are read, placed and written as if they were to stay, so that whatever would be refused is; then the transaction is
    ///     rolled back and the files of their blocks are destroyed.
    public func append(
        _ source: any RowSource, sourceName: String, blocks given: Int?, assignmentSeed: UInt64?, dryRun: Bool = false, progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws -> AppendReport {
        let survey = try source.survey(), rows = survey.rows
        try survey.expectFit(settings.survey, "new rows")
        let known = settings.knowsPersons == true, persons = Persons(of: survey)
        guard known || !persons.areKnown || !(source is TableSource) else {
            throw Failure(.input, "the rows of this project were imported without persons, so that new ones can have none; leave --person-column out, or make the project anew")
        }
        var settings = settings, generator = PlacementGenerator(seed: assignmentSeed)
        let before = settings.recipe.plan.blocks, policy = settings.blockPolicy, slots = try store.rowBlocks(.train).map(\.slots), slotsBefore = slots.reduce(0, +)
        let rowsOfBlock = max(1, slotsBefore / max(1, slots.count))
        let people = known ? RowBundles(persons: persons.rows)?.count : nil
        let ofPeople = known ? persons.rows : []
        var made = try newBlocks(rows: rows, ofBlock: rowsOfBlock, atMost: people ?? rows, survey: survey, given: given)
        let assignment: BlockAssignment, ofProviders: [String]
        if policy == .group, let length = settings.recipe.plan.branches?.length {
            var branches = try providerBranches(survey, persons: ofPeople, usual: made / length, isGiven: given != nil)
            branches.shuffle(using: &generator)
            made = branches.count * length
            assignment = try LineagePools(appending: branches, length: length, persons: ofPeople)
                .assignment(labels: survey.labels, classes: settings.classNames.count, using: &generator)
            ofProviders = branches.remarks { "--blocks \($0 * length)" }
            if branches.areShared { settings.sharesBranches = true }
        } else {
            assignment = try BlockAssignment(
                policy, labels: survey.labels, groups: policy == .group && !survey.groupNames.isEmpty ? survey.groups : [], persons: ofPeople, classes: settings.classNames.count, blocks: made, using: &generator)
            ofProviders = policy == .group && given == nil ? Grouping.remarks(onGroups: Self.groups(of: survey)) : []
        }
        if known { try persons.expectTogether(Array(0..<rows), blocks: assignment.blocks) }
        let remarks = try remarks(on: persons, rows: rows) + remarks(onGroups: survey.groupNames) + remarks(onBlocks: made, rows: rows, ofBlock: rowsOfBlock)
            + ofProviders
        if settings.recipe.plan.branches != nil {
            settings.recipe.plan.branches!.count += made / settings.recipe.plan.branches!.length
        } else {
            let plan = settings.recipe.plan
            settings.recipe.plan.appended = (plan.appended ?? []) + [made]
            // Imports of an earlier version go by blocks.
            settings.recipe.plan.appendedShares = (plan.appendedShares ?? plan.appended.map { $0.map { _ in 0 } } ?? []) + [Float(rows) / Float(slotsBefore + rows)]
        }
        settings.recipe.plan.blocks = before + made
        settings.source += ", " + sourceName
        guard settings.recipe.isAllowed else { throw Failure(.input, "\(before + made) blocks are more than a project may have; append fewer rows") }

        // Rows without ids go on counting where those before ended.
        let first = try slotsBefore + (settings.testSource == nil ? store.rowBlocks(.test).reduce(0) { $0 + $1.slots } : 0)
        let destinations = (0..<rows).map {
            RowDestinations.Destination(part: .train, block: assignment.blocks[$0] + Int32(before), slot: assignment.slots[$0])
        }
        var joining: [String: Int] = [:]
        for group in survey.groups where group >= 0 && !survey.groupNames[Int(group)].isEmpty { joining[survey.groupNames[Int(group)], default: 0] += 1 }
        var outcome = RowImport.Outcome(), done = 0
        do {
            try store.transaction { change in
                let numbers = try change.joinGroups(joining)
                let work = RowImport(
                    source: source, survey: survey, destinations: destinations, slots: [.train: assignment.sizes], blocksBefore: before,
                    group: { survey.groups.isEmpty || survey.groups[$0] < 0 ? nil : numbers[survey.groupNames[Int(survey.groups[$0])]] },
                    owner: { !known ? .notAsked : persons.areKnown ? try persons.owner($0) : .nobody }, idOfPosition: { position, _ in String(first + position) })
                outcome.liveOfGroups = [Int](repeating: 0, count: (numbers.values.max() ?? -1) + 1)
                try work.perform(in: change, of: store, &outcome) {
                    done += $0
                    try progress(done / 2, rows)
                }
                try settings.save(in: change)
                try change.append(LedgerEntry(.appended, details: try JSONValue(Appending(rows: rows, blocks: made, source: sourceName))))
                if dryRun { throw Rehearsal() }
            }
            self.settings = settings
        } catch is Rehearsal {
            try store.discard(outcome.staged)
        } catch {
            // The first error is the one to tell: what cannot be discarded now, the next command that writes clears away.
            try? store.discard(outcome.staged)
            guard let duplicate = error as? DuplicateRowID else { throw error }
            throw Failure(
                .input, "the id '\(duplicate.id.prefix(80))' is a row's already: of the project, deleted rows included, or twice in the new ones; ids must be unique: "
                    + "rename the row, or leave it out")
        }
        return AppendReport(
            rows: rows, blocks: made, blocksTotal: before + made, branches: settings.recipe.plan.branches.map { made / $0.length } ?? 0,
            remarks: source.remarks + remarks, dryRun: dryRun)
    }

    /// What the new rows' people have to do with the project already.
    private func remarks(on persons: Persons, rows count: Int) throws -> [String] {
        guard settings.knowsPersons == true else { return persons.areKnown ? ["the rows bring people, and this project knows none: they are left out"] : [] }
        guard persons.areKnown else { return ["none of these rows has a person: no deletion of a person's rows will find them"] }
        let found = try store.rows(of: persons.names.map(Persons.name)), rows = Array(found.own.values)
        func remark(_ count: Int, _ fact: String) -> [String] { count == 0 ? [] : ["\(count) \(count == 1 ? "person of these rows has" : "people of these rows have") \(fact)"] }
        func people(_ part: Part) -> Int { rows.count { $0.contains { $0.part == part && !$0.isDeleted } } }
        return persons.remarks(kept: Array(0..<count), training: [])
            + remark(people(.train), "rows in earlier blocks, too: a deletion of all of them touches both")
            + remark(people(.test), "test rows in the project: measured on people that the model knows, it will look better than it is")
            + remark(rows.count { $0.contains { $0.request ?? 0 > 0 } }, "rows that requests deleted before: now the model learns of them again")
            + remark(found.alike.count, "a name that others of the project have but for case, blanks, zeros in front or a final .0: a deletion takes each apart")
    }

    /// Groups whose names others of the project nearly have.
    private func remarks(onGroups names: [String]) throws -> [String] {
        let known = try store.groupNames(), new = names.filter { !$0.isEmpty && !known.contains($0) }
        return new.isEmpty ? [] : Persons.spelling(of: known.filter { !$0.isEmpty } + new, what: "groups")
    }

    /// New branches of few rows, which count in the merge as much as those of many.
    private func remarks(onBlocks made: Int, rows: Int, ofBlock rowsOfBlock: Int) -> [String] {
        guard let length = settings.recipe.plan.branches?.length else { return [] }
        let usual = rowsOfBlock * length, each = rows / max(1, made / length)
        return each * 2 >= usual ? [] : ["\(made == length ? "the new branch has \(rows) rows" : "each new branch has about \(each) rows") where others have about \(usual), and counts as much in the model: better collect rows, and append them together"]
    }

    /// Those of nobody are one.
    private static func groups(of survey: Survey) -> Int { Set(survey.groups.map { max($0, -1) }).count }

    /// How many blocks new rows get.
    /// - Parameters:
    ///   - rowsOfBlock: in blocks that are there, on average.
    ///   - most: as many as there are rows that may lie apart.
    private func newBlocks(rows: Int, ofBlock rowsOfBlock: Int, atMost most: Int, survey: Survey, given: Int?) throws -> Int {
        guard let branches = settings.recipe.plan.branches else {
            if settings.blockPolicy == .group, given == nil, !survey.groups.isEmpty { return max(1, Grouping.blocks(ofGroups: Self.groups(of: survey))) }
            return given ?? min(most, max(1, (rows + rowsOfBlock / 2) / rowsOfBlock))
        }
        let length = branches.length
        guard given.map({ $0 % length == 0 }) ?? true else {
            throw Failure(.input, "new rows become branches of \(length) blocks each in this project; choose --blocks \(length), \(2 * length), …")
        }
        guard most >= length else {
            let what = most == rows ? "\(rows) rows" : "rows of \(most) people"
            throw Failure(.input, "\(what) do not fill a branch of \(length) blocks, and a block takes one row at least; collect more")
        }
        return given ?? max(1, min(most / length, (rows + rowsOfBlock * length / 2) / (rowsOfBlock * length))) * length
    }

    /// The branches of new rows' providers: one each, unless providers share branches here, and fewer where one of them has too few rows for
    /// that.
    /// - Parameter usual: as many branches as so many rows have here; as many as were asked for, where that `isGiven`.
    private func providerBranches(_ survey: Survey, persons: [Int32], usual: Int, isGiven: Bool) throws -> ProviderBranches {
        guard !survey.groups.isEmpty, !survey.groups.contains(where: { $0 < 0 || survey.groupNames[Int($0)].isEmpty }) else {
            throw Failure(.input, "branches are providers' in this project; name the provider of every new row in the column of groups")
        }
        let providers = Set(survey.groups).count, length = settings.recipe.plan.lineage.length
        var count = isGiven || settings.sharesBranches == true ? usual : max(usual, providers)
        var branches = ProviderBranches(survey.groups, names: survey.groupNames, branches: count)
        while !isGiven, count > 1, branches.longest(persons: persons) < length {
            count = count > providers ? providers : count / 2
            branches = ProviderBranches(survey.groups, names: survey.groupNames, branches: count)
        }
        return branches
    }
}
