import Checkpoints
import Files
import Training

/// Makes a project: imports the rows into its own store, block by block, so that they can be erased there.
public struct ProjectBuilder {
    private let plan: ProjectPlan
    private let folder: String

    public init(_ plan: ProjectPlan, in folder: String) {
        self.plan = plan
        self.folder = folder
    }

    public struct Summary: Sendable {
        public let rows: Int
        public let testRows: Int
        public let excluded: Int
        public let settings: ProjectSettings
        public let parameters: Int
        /// Rows of each class, test rows that were set aside included.
        public let classCounts: [Int]
        /// What reading the rows showed that its user may want to know.
        public let remarks: [String]
        /// What an exact deletion will cost.
        public let deletion: DeletionOutlook
    }

    /// What the ledger says of a new project.
    private struct Creation: Encodable {
        let model: String
        let seed: String
        let blocks: Int
        let rows: Int
        let testRows: Int
        let excluded: Int
        let source: String
        let testSource: String?
        let fingerprint: NumericsFingerprint
        let publicKey: String

        init(settings: ProjectSettings, rows: Int, testRows: Int, excluded: Int, publicKey: String) {
            model = settings.recipe.trainer.name
            seed = String(settings.recipe.trainer.seed)
            blocks = settings.recipe.plan.blocks
            self.rows = rows
            self.testRows = testRows
            self.excluded = excluded
            source = settings.source
            testSource = settings.testSource
            fingerprint = settings.fingerprint
            self.publicKey = publicKey
        }
    }

    /// A project as it is going to be: everything that is decided before anything is written.
    private struct Draft {
        let survey: Survey
        let kept: [Int]
        let groups: Grouping
        let persons: Persons
        let testSource: (any RowSource)?
        let testSurvey: Survey?
        let destinations: RowDestinations
        let settings: ProjectSettings
        let parameters: Int
        let remarks: [String]
    }

    /// What `build` would make, without making it. Rows that `exclude` names are not looked for.
    /// - Complexity: one pass over the source.
    public func survey() throws -> Summary {
        let draft = try draft()
        let testRows = draft.testSurvey?.rows ?? draft.destinations.testSlots.reduce(0, +)
        return Summary(
            rows: draft.destinations.trainingSlots.reduce(0, +), testRows: testRows, excluded: 0, settings: draft.settings, parameters: draft.parameters,
            classCounts: Self.counts(draft.survey, draft.kept), remarks: plan.source.remarks + (draft.testSource?.remarks ?? []) + draft.remarks,
            deletion: DeletionOutlook(draft.settings.recipe.plan, rows: draft.destinations.trainingSlots))
    }

    private static func counts(_ survey: Survey, _ kept: [Int]) -> [Int] {
        var counts = [Int](repeating: 0, count: survey.classNames.count)
        for position in kept where survey.labels[position] >= 0 { counts[Int(survey.labels[position])] += 1 }
        return counts
    }

    private func draft() throws -> Draft {
        guard !Store.exists(in: folder) else {
            throw Failure(.input, "\(folder) already holds a project; choose another folder with -C DIR")
        }
        let survey = try plan.source.survey()
        var generator = PlacementGenerator(seed: plan.assignmentSeed)
        if plan.twin == nil { (plan.source as? TableSource)?.shuffleCategories(using: &generator) }
        let kept = try keptRows(survey)
        var training = kept
        var heldOut: [Int] = []
        if let twin = plan.twin { guard twin.fits(survey) else { throw twin.misfit } }
        let testSource = try plan.testSource?(survey)
        let testSurvey = try testSource?.survey()
        try testSurvey?.expectFit(survey, "test rows")
        let test = testSource.flatMap { source in testSurvey.map { Grouping.Surveyed(source: source, survey: $0) } }
        let persons = Persons(of: survey, test: testSurvey)
        if let twin = plan.twin, persons.areKnown, twin.settings.knowsPersons != true {
            throw Failure(.input, "the project in \(twin.folder) knows no people, whose rows stay together; --like takes its places: leave --person-column out")
        }
        if plan.twin == nil, plan.testSource == nil { (training, heldOut) = try holdOut(kept, survey, persons, &generator) }
        let groups = try Grouping(of: .init(source: plan.source, survey: survey), test: test, given: plan.groups, using: &generator)

        var ofPlaces: [String] = [], sharesBranches = plan.twin?.settings.sharesBranches ?? false
        var recipe = try plan.recipe(plan.twin?.trainingSlots.reduce(0, +) ?? training.count, survey)
        if let twin = plan.twin {
            guard plan.blocks.map({ $0 == twin.trainingSlots.count }) ?? true else {
                throw Failure(.input, "--blocks \(plan.blocks!) does not go with --like: that project has \(twin.trainingSlots.count) blocks; leave it out")
            }
            recipe.plan.blocks = twin.trainingSlots.count
            recipe.plan.branches = twin.settings.recipe.plan.branches
            recipe.plan.appended = twin.settings.recipe.plan.appended
            recipe.plan.appendedShares = twin.settings.recipe.plan.appendedShares
            recipe.network?.classWeights = try twin.classWeights(asked: plan.classWeighting)
        } else if let blocks = plan.blocks {
            recipe.plan.blocks = blocks
        } else if plan.blockPolicy == .group, plan.branches == nil {
            let present = Set(training.lazy.map { groups.rows.number($0) }).count
            recipe.plan.blocks = Grouping.blocks(ofGroups: present)
            ofPlaces = Grouping.remarks(onGroups: present)
        } else if recipe.plan.blocks > training.count {
            recipe.plan.blocks = max(1, training.count / 10)
        }
        // A person's rows are all of one group, which stays in one block anyhow.
        let keepsGroups = plan.blockPolicy == .group && plan.branches == nil
        if plan.twin == nil, plan.blocks == nil, !keepsGroups, let bundles = RowBundles(persons: persons.of(training)) {
            // Few people make blocks of very different sizes.
            recipe.plan.blocks = min(recipe.plan.blocks, max(1, bundles.count / 5))
        }
        if plan.twin == nil {
            recipe.network?.classWeights = plan.classWeighting?.weights(labels: training.lazy.map { survey.labels[$0] }, classes: survey.classNames.count)
        }
        let destinations: RowDestinations
        if let twin = plan.twin {
            destinations = try RowDestinations(like: twin, kept: kept, plan.source, survey, testSource: testSource, testSurvey)
        } else {
            let labels = training.map { survey.labels[$0] }, ofGroups = groups.rows.isEmpty ? [] : training.map { groups.rows.indices[$0] }
            let assignment: BlockAssignment
            if let branches = plan.branches {
                let pools = try LineagePools(
                    branches, blocks: .init(count: recipe.plan.blocks, isGiven: plan.blocks != nil), policy: plan.blockPolicy, defaultStem: recipe.stemShare, rows: training.count, groups: ofGroups, groupNames: groups.names,
                    persons: persons.of(training), names: { try RowNames(plan.source, survey, training: training, groups: groups) }, using: &generator)
                ofPlaces = pools.remarks
                sharesBranches = pools.sharesBranches
                recipe.plan.blocks = pools.lineage.blocks
                recipe.plan.branches = recipe.branches(
                    count: pools.lineage.branches, length: pools.lineage.length, epochs: branches.epochs, learningRate: branches.learningRate,
                    mergeStep: branches.mergeStep)
                assignment = try pools.assignment(labels: labels, classes: survey.classNames.count, using: &generator)
            } else {
                assignment = try BlockAssignment(
                    plan.blockPolicy, labels: labels, groups: ofGroups, persons: persons.of(training), classes: survey.classNames.count,
                    blocks: recipe.plan.blocks, using: &generator)
            }
            try persons.expectTogether(training, blocks: assignment.blocks)
            destinations = RowDestinations(
                rows: survey.rows, training: training, assignment, heldOut: heldOut, testRows: testSurvey?.rows, using: &generator)
        }
        guard recipe.isAllowed else { throw Failure(.input, "the branches' rate or epochs are out of range; give --branch-learning-rate and --branch-epochs") }
        let trainer = try recipe.makeTrainer(input: survey.shape, classNames: survey.classNames, threads: plan.threads)
        let table = plan.source as? TableSource
        let settings = ProjectSettings(
            recipe: recipe, shape: survey.shape, encoding: survey.encoding, classNames: survey.classNames,
            blockPolicy: plan.twin?.settings.blockPolicy ?? plan.blockPolicy,
            table: table?.encoding, tableNames: table.map { TableNames($0.options) }, knowsPersons: persons.areKnown ? true : nil, sharesBranches: sharesBranches ? true : nil, source: plan.sourceName, testSource: plan.testSourceName,
            fingerprint: try trainer.fingerprint, programVersion: programVersion)
        return Draft(
            survey: survey, kept: kept, groups: groups, persons: persons, testSource: testSource, testSurvey: testSurvey, destinations: destinations, settings: settings,
            parameters: trainer.layout.count,
            remarks: overruled(survey, testSurvey) + groups.remarks(kept: kept) + ungrouped(groups, kept: kept, testRows: testSurvey?.rows ?? 0)
                + Persons.spelling(of: groups.names, what: "groups") + ofPlaces + persons.remarks(kept: kept, training: training))
    }

    /// What a list of groups has left to nobody: rows that no deletion of a provider will find.
    private func ungrouped(_ groups: Grouping, kept: [Int], testRows: Int) -> [String] {
        guard let path = plan.groups?.path else { return [] }
        let training = kept.count { groups.rows.number($0) == nil }, test = (0..<testRows).count { groups.testRows.number($0) == nil }
        let parts = (training > 0 ? [counted(training)] : []) + (test > 0 ? ["\(test) test row\(test == 1 ? "" : "s")"] : [])
        return parts.isEmpty ? [] : ["\(parts.joined(separator: " and ")) \(training + test == 1 ? "has" : "have") no group in \(path)"]
    }

    /// Groups that come with the rows and that a list of groups takes the place of.
    private func overruled(_ survey: Survey, _ test: Survey?) -> [String] {
        let own = [survey, test].contains { $0?.groupNames.contains { !$0.isEmpty } == true }
        return plan.groups != nil && own ? ["the rows bring groups of their own, and \(plan.groups!.path) takes their place"] : []
    }

    /// - Complexity: two passes over the source; memory for one block and about 80 bytes a row.
    public func build(progress: (_ done: Int, _ total: Int) throws -> Void) throws -> Summary {
        let draft = try draft(), settings = draft.settings, destinations = draft.destinations, testSource = draft.testSource
        let store = try Store(creating: folder, encryption: plan.encryption)
        do {
            let total = draft.kept.count + (draft.testSurvey?.rows ?? 0)
            var done = 0
            // Each row counts when it is read, and again when it is sealed.
            func advance(_ rows: Int) throws {
                done += rows
                try progress(done / 2, total)
            }
            try store.transaction { change in try settings.save(in: change) }
            var outcome = RowImport.Outcome(
                excluded: plan.exclude?.pending ?? [:], orphans: Set(settings.table?.categoryPlaces ?? []),
                liveOfGroups: [Int](repeating: 0, count: draft.groups.names.count))
            let work = RowImport(
                source: plan.source, survey: draft.survey, destinations: destinations.source,
                slots: [.train: destinations.trainingSlots, .test: testSource == nil ? destinations.testSlots : []], group: draft.groups.rows.number, owner: draft.persons.owner)
            try store.transaction { change in try work.perform(in: change, of: store, &outcome, advance: advance) }
            if let testSource, let testSurvey = draft.testSurvey {
                let work = RowImport(
                    source: testSource, survey: testSurvey, destinations: destinations.testSource, slots: [.test: destinations.testSlots], group: draft.groups.testRows.number,
                    owner: draft.persons.ownerOfTestRow)
                try store.transaction { change in try work.perform(in: change, of: store, &outcome, advance: advance) }
            }
            try plan.exclude?.expectNothingPending(outcome.excluded, "is in no row that is imported")
            let rows = try store.rowCount(.train, deleted: false), testRows = try store.rowCount(.test, deleted: false)
            let left = try store.rowCount(.train, deleted: true)
            try store.transaction { change in
                // What only rows that were left out had is named nowhere.
                try change.setGroups(draft.groups.names, live: outcome.liveOfGroups)
                if !outcome.orphans.isEmpty { try settings.forgetting(outcome.orphans).save(in: change) }
                try change.append(
                    LedgerEntry(.created, details: try JSONValue(Creation(settings: settings, rows: rows, testRows: testRows, excluded: left, publicKey: store.publicKey.description))))
            }
            try store.publishCreation()
            return Summary(
                rows: rows, testRows: testRows, excluded: left, settings: settings, parameters: draft.parameters,
                classCounts: Self.counts(draft.survey, draft.kept), remarks: plan.source.remarks + (testSource?.remarks ?? []) + draft.remarks,
                deletion: DeletionOutlook(settings.recipe.plan, rows: destinations.trainingSlots))
        } catch {
            // What cannot be cleared now, the next attempt clears; the first error is the one to hear of.
            try? store.abandonCreation()
            throw (error as? DuplicateRowID).flatMap { try? explained($0, kept: Set(draft.kept), testSource) } ?? error
        }
    }

    /// Where the rows are that have one id.
    private func explained(_ duplicate: DuplicateRowID, kept: Set<Int>, _ testSource: (any RowSource)?) throws -> Failure {
        func places(_ source: any RowSource, _ isWanted: (Int) -> Bool) throws -> [String] {
            var positions: [Int] = []
            try source.forEachRow { position, id, _ in
                if positions.count < 2, let id, IDList.canonical(id) == duplicate.id, isWanted(position) { positions.append(position) }
            }
            return try positions.map(source.place)
        }
        let training = try places(plan.source, kept.contains), test = try testSource.map { try places($0) { _ in true } } ?? []
        let both = (training + test).prefix(2).joined(separator: " and in ")
        let advice = training.count == 1 && test.count > 0
            ? "a test row must be none that the model is trained on: take it out of one of the two"
            : "ids must be unique: rename one of the rows, or leave it out"
        return Failure(.input, "the id '\(duplicate.id.prefix(80))' occurs twice, in \(both); \(advice)")
    }

    /// Positions of the rows to import: the first `limit`, or those in `only`.
    private func keptRows(_ survey: Survey) throws -> [Int] {
        let limit = plan.limit.map { min($0, survey.rows) } ?? survey.rows
        guard let only = plan.only else { return Array(0..<limit) }
        var pending = only.pending
        var kept: [Int] = []
        if survey.hasIDs {
            try plan.source.forEachRow { position, id, _ in
                if position < limit, let id, pending.removeValue(forKey: IDList.canonical(id)) != nil { kept.append(position) }
            }
        } else {
            for position in 0..<limit where pending.removeValue(forKey: String(position)) != nil { kept.append(position) }
        }
        try only.expectNothingPending(pending, "is in no row of the data")
        return kept
    }

    /// A share of the rows, drawn whatever their classes: were each class to give a share of its own, its training rows would
    /// tell how many test rows it had, and a missing one which class it was of. One row of each class stays to be trained on.
    private func holdOut(
        _ rows: [Int], _ survey: Survey, _ persons: Persons, _ generator: inout PlacementGenerator
    ) throws -> (training: [Int], heldOut: [Int]) {
        let wanted = Int((Double(rows.count) * plan.holdout).rounded())
        var seen: Set<Int32> = [], heldOut: [Int] = []
        if var bundles = RowBundles(persons: persons.of(rows)) {
            bundles.shuffle(using: &generator)
            for bundle in bundles.all {
                let members = bundle.map { rows[$0] }, isFirst = members.reduce(false) { seen.insert(survey.labels[$1]).inserted || $0 }
                // A person with so many rows that the share would be missed by more than without them is trained on.
                if !isFirst, heldOut.count + members.count / 2 < wanted { heldOut += members }
            }
        } else {
            var order = rows
            generator.shuffle(&order)
            heldOut = Array(order.filter { !seen.insert(survey.labels[$0]).inserted }.prefix(wanted))
        }
        let classes = seen.count
        guard !heldOut.isEmpty, heldOut.count < rows.count, classes * 2 <= rows.count else {
            let cause = classes * 2 > rows.count
                ? "the labels are \(classes) different ones in \(counted(rows.count)), where a class needs several; name what tells classes, or"
                : "\(counted(rows.count))\(RowBundles(persons: persons.of(rows)).map { " of \($0.count) people, whose rows stay together," } ?? "") are too few to set \(plan.holdout) of them aside;"
            throw Failure(.input, "\(cause) give test rows with --test")
        }
        let set = Set(heldOut)
        return (rows.filter { !set.contains($0) }, heldOut.sorted())
    }

    private func counted(_ rows: Int) -> String { "\(rows) row\(rows == 1 ? "" : "s")" }
}
