import Files
import Foundation
import Training

/// The lineage that `init` is asked for, before the number of rows is known.
public struct BranchPlan {
    /// Branches.
    public var count: Int
    /// The stem's share of the blocks; nil: what the model and the rows call for.
    public var stem: Double?
    /// Ids or groups whose rows go into the stem.
    public var stemRows: IDList?
    /// How likely rows are to be deleted.
    public var risk: DeletionRisk?
    /// Of the branches' blocks; nil: the recipe's.
    public var epochs: Int?
    public var learningRate: Float?
    public var mergeStep: Float?

    public init(count: Int) { self.count = count }

    /// The lineage of so many blocks whose stem has about this share of them: all branches are of one length.
    static func lineage(blocks: Int, branches: Int, stem share: Double) throws -> Lineage {
        guard branches <= blocks else {
            throw Failure(.input, "\(branches) branches do not fit \(blocks) blocks; choose --branches \(blocks) or fewer, or more --blocks")
        }
        // No stem was asked for: none of the blocks that do not divide.
        if share == 0 { return Lineage(stem: 0, branches: branches, length: blocks / branches) }
        let length = Int((Double(blocks) * (1 - share) / Double(branches)).rounded())
        guard length >= 1 else {
            throw Failure(
                .input, "a stem of \(share) of \(blocks) blocks leaves less than a block for each of \(branches) branches; choose a smaller --stem, fewer --branches, or more --blocks")
        }
        // Rounded up, branches of this length may take more blocks than there are.
        let most = min(length, blocks / branches)
        return Lineage(stem: blocks - branches * most, branches: branches, length: most)
    }
}

/// How likely rows are to be deleted, by id or by group: a comma-separated file, `id-or-group,probability` a line.
public struct DeletionRisk: Sendable {
    public let path: String
    /// The probability and the line of each name.
    let entries: [String: (probability: Double, line: Int)]
    /// The first line where its second field is no number: the names of columns, unless it names a row.
    let heading: (name: String, probability: String)?

    /// - Throws: `Failure` of kind `input` where a line is no pair or names a name again, or a probability is not from 0 to 1.
    public init(reading path: String) throws {
        self.path = path
        var entries: [String: (probability: Double, line: Int)] = [:], isFirst = true, heading: (name: String, probability: String)?
        try CSVFile.forEachRecord(in: path) { line, fields in
            defer { isFirst = false }
            guard fields.count == 2 else { throw Failure(.input, "\(path) line \(line) has \(fields.count) fields; write id-or-group,probability") }
            guard let probability = Self.number(fields[1]), (0...1).contains(probability) else {
                if isFirst, Self.number(fields[1]) == nil {
                    heading = (IDList.canonical(fields[0]), fields[1])
                    return
                }
                throw Self.noProbability(fields[1], path, line: line)
            }
            guard entries.updateValue((probability, line), forKey: IDList.canonical(fields[0])) == nil else {
                throw Failure(.input, "\(path) line \(line) names '\(fields[0].prefix(80))' again; give each id or group one probability")
            }
        }
        guard !entries.isEmpty else { throw Failure(.input, "\(path) names no probabilities; write one id-or-group,probability a line") }
        (self.entries, self.heading) = (entries, heading)
    }

    private static func number(_ text: String) -> Double? { Double(text.trimmingCharacters(in: .whitespaces)) }

    static func noProbability(_ text: String, _ path: String, line: Int) -> Failure {
        Failure(.input, "\(path) line \(line): '\(text.prefix(80))' is no probability; write a number from 0 to 1")
    }
}

/// Training rows by the names that lists may give them: their ids and their groups.
struct RowNames {
    /// Indices into the training rows.
    private var ofID: [String: Int] = [:]
    private var ofGroup: [String: [Int]] = [:]
    /// Ids of rows that are held out: they are in the source, and in no block.
    private var heldOut: Set<String> = []

    /// - Parameter training: positions in the source.
    init(_ source: any RowSource, _ survey: Survey, training: [Int], groups: Grouping) throws {
        var index = [Int](repeating: -1, count: survey.rows)
        for (place, row) in training.enumerated() { index[row] = place }
        if survey.hasIDs {
            var ids: [String: Int] = [:]
            var others: Set<String> = []
            try source.forEachRow { position, id, _ in
                guard let id = id.map(IDList.canonical) else { return }
                if index[position] >= 0 { ids[id] = index[position] } else { others.insert(id) }
            }
            (ofID, heldOut) = (ids, others)
        } else {
            for (place, row) in training.enumerated() { ofID[String(row)] = place }
            for row in 0..<survey.rows where index[row] < 0 { heldOut.insert(String(row)) }
        }
        // A group whose rows were all drawn as test rows is a group that has none here.
        for name in groups.names { ofGroup[IDList.canonical(name)] = [] }
        for (place, row) in training.enumerated() { if let name = groups.name(row) { ofGroup[IDList.canonical(name), default: []].append(place) } }
    }

    func isGroup(_ name: String) -> Bool { ofGroup[name] != nil }

    /// The rows that a name means, none for one that is held out; nil where it is no row's and no group's. Which rows are held out is drawn,
    /// and no list can know it.
    /// - Parameter place: where the name stands, for the message where it is both.
    func rows(_ name: String, _ place: String) throws -> [Int]? {
        guard ofID[name] == nil || ofGroup[name] == nil else {
            throw Failure(.input, "\(place): '\(name.prefix(80))' is a row's id and a group's name; name the group's rows one by one")
        }
        return ofID[name].map { [$0] } ?? ofGroup[name] ?? (heldOut.contains(name) ? [] : nil)
    }
}

/// Which training rows go into which blocks of a lineage: pools of rows, each with blocks of its own.
struct LineagePools {
    struct Pool {
        /// Indices into the training rows; in the order of their risk where the policy is `order`.
        var rows: [Int]
        let blocks: ClosedRange<Int>
        let policy: BlockPolicy
    }

    /// A number of blocks, and whether somebody asked for it: one that is only usual gives way to what the rows call for.
    struct BlockCount {
        let count: Int
        let isGiven: Bool
    }

    let lineage: Lineage
    private(set) var pools: [Pool]
    /// What the cut means that its user may want to know.
    private(set) var remarks: [String] = []
    /// Whether providers are more than their branches.
    private(set) var sharesBranches = false
    private let persons: [Int32]

    /// - Parameters:
    ///   - blocks: of the lineage, as asked for or as the recipe has them.
    ///   - policy: of rows whose place nothing else decides.
    ///   - groups: of each training row, -1 for none; empty where no row has one.
    ///   - persons: of each training row, -1 for nobody; empty where nobody is known. One person's rows go into one pool: where a list names one
    ///     of them, it names them all, and they are as likely to be deleted as the likeliest of them.
    init(
        _ plan: BranchPlan, blocks: BlockCount, policy: BlockPolicy, defaultStem: Double, rows count: Int, groups: [Int32], groupNames: [String],
        persons: [Int32], names: () throws -> RowNames,
        using generator: inout PlacementGenerator
    ) throws {
        let needsNames = plan.stemRows != nil || plan.risk != nil, names = needsNames ? try names() : nil
        self.persons = persons
        let bundles = RowBundles(persons: persons)
        let chosen = try plan.stemRows.map { try Self.chosen($0, names!, count, bundles) }
        if policy == .group {
            let branches: ProviderBranches
            (lineage, pools, branches) = try Self.ofProviders(plan, blocks, chosen ?? [], groups, groupNames, persons, using: &generator)
            (remarks, sharesBranches) = (branches.remarks { "--branches \($0)" }, branches.areShared)
            return
        }
        let share = plan.stem ?? (chosen.map { Double($0.count) / Double(count) } ?? defaultStem)
        lineage = try BranchPlan.lineage(blocks: blocks.count, branches: plan.count, stem: share)
        guard chosen != nil || plan.risk != nil else {
            pools = [Pool(rows: Array(0..<count), blocks: 1...lineage.blocks, policy: policy)]
            return
        }
        let isChosen = Set(chosen ?? [])
        var others = (0..<count).filter { !isChosen.contains($0) }, stem = chosen ?? []
        guard lineage.stem > 0 || stem.isEmpty else {
            throw Failure(
                .input, plan.stem != nil ? "--stem-rows names rows for a stem, and there is none; choose a larger --stem, or leave it out"
                    : "\(plan.stemRows!.path) names \(stem.count) of \(count) training rows, less than a block's share, so that there is no stem for them; name more, or give --stem or more --blocks")
        }
        guard let risk = plan.risk else {
            pools = lineage.stem > 0 ? [Pool(rows: stem, blocks: 1...lineage.stem, policy: policy)] : []
            pools.append(Pool(rows: others, blocks: lineage.stem + 1...lineage.blocks, policy: policy))
            return
        }
        var probabilities = try Self.probabilities(risk, names!, count)
        bundles?.raise(&probabilities)
        generator.shuffle(&others)
        bundles?.gather(&others)
        // Equal ones stay as they were shuffled.
        others = others.enumerated().sorted { (probabilities[$0.element], $0.offset) < (probabilities[$1.element], $1.offset) }.map(\.element)
        let capacity = Int((Double(count) * Double(lineage.stem) / Double(lineage.blocks)).rounded())
        var filled = min(others.count, max(0, capacity - stem.count))
        // A person whose rows would be cut apart goes into the branches.
        if !persons.isEmpty, filled < others.count { while filled > 0, persons[others[filled]] >= 0, persons[others[filled]] == persons[others[filled - 1]] { filled -= 1 } }
        stem += others.prefix(filled)
        others = Array(others.dropFirst(filled))
        pools = lineage.stem > 0 ? [Pool(rows: stem, blocks: 1...lineage.stem, policy: policy == .order ? .random : policy)] : []
        // From branch to branch, and within each from block to block, the rows are ever likelier to be deleted: most requests meet the last
        // branches, and of these the last blocks.
        pools.append(Pool(rows: others, blocks: lineage.stem + 1...lineage.blocks, policy: .order))
    }

    /// Branches for providers; rows of nobody, and those that were named, into the stem.
    private static func ofProviders(
        _ plan: BranchPlan, _ blocks: BlockCount, _ chosen: [Int], _ groups: [Int32], _ groupNames: [String], _ persons: [Int32],
        using generator: inout PlacementGenerator
    ) throws -> (Lineage, [Pool], ProviderBranches) {
        guard !groups.isEmpty else { throw Failure(.input, "--blocks-by group needs groups; give --group-column or --groups FILE") }
        var groups = groups
        for row in chosen { groups[row] = -1 }
        let ofStem = groups.indices.filter { groups[$0] < 0 }
        guard ofStem.count < groups.count else { throw Failure(.input, "every row is in the stem, and --blocks-by group gives branches to providers; leave rows for them") }
        if ofStem.isEmpty, let stem = plan.stem, stem > 0 {
            throw Failure(.input, "--stem \(stem), and no row for it: every row has a group; name rows with --stem-rows, or leave --stem out")
        }
        let places = blocks.isGiven ? blocks.count : groups.count - ofStem.count
        guard plan.count <= places else {
            throw Failure(
                .input, "\(plan.count) branches do not fit \(places) \(blocks.isGiven ? "blocks" : "rows of providers"); choose --branches \(places) or fewer\(blocks.isGiven ? ", or more --blocks" : "")")
        }
        var branches = ProviderBranches(groups, names: groupNames, branches: plan.count)
        // Where each has its own, they stand in the order of the groups' numbers, which is drawn.
        if branches.areShared { branches.shuffle(using: &generator) }
        let stem = ofStem.isEmpty ? nil : RowBundles(persons: persons.isEmpty ? [] : ofStem.map { persons[$0] })?.count ?? ofStem.count
        let lineage = try lineage(plan, blocks, longest: branches.longest(persons: persons), stem: stem, share: Double(ofStem.count) / Double(groups.count))
        guard ofStem.isEmpty || lineage.stem > 0 else { throw Failure(.input, "\(ofStem.count) rows belong to no provider, and there is no stem for them; choose a larger --stem") }
        let ofNobody = ofStem.isEmpty ? [] : [Pool(rows: ofStem, blocks: 1...lineage.stem, policy: .stratified)]
        return (lineage, ofNobody + (try branches.pools(in: lineage)), branches)
    }

    /// The lineage of providers' branches. Blocks that nobody asked for are as many as the branches need and their rows can fill.
    /// - Parameters:
    ///   - longest: the most blocks that each branch can fill.
    ///   - stem: the most that the stem's rows can fill; nil where it has none.
    ///   - share: the stem's share of the rows.
    private static func lineage(_ plan: BranchPlan, _ blocks: BlockCount, longest: Int, stem: Int?, share: Double) throws -> Lineage {
        let share = stem == nil ? 0 : plan.stem ?? share
        if !blocks.isGiven, share < 1 {
            let length = max(1, min(longest, Int((Double(blocks.count) * (1 - share) / Double(plan.count)).rounded())))
            let usual = (share / (1 - share) * Double(plan.count) * Double(length)).rounded()
            return Lineage(stem: stem.map { Int(min(Double($0), max(1, usual))) } ?? 0, branches: plan.count, length: length)
        }
        let lineage = try BranchPlan.lineage(blocks: blocks.count, branches: plan.count, stem: share)
        guard stem != nil, lineage.stem == 0, plan.stem == nil else { return lineage }
        // Few rows are nobody's, and a block is the least that they need.
        guard plan.count < blocks.count else {
            throw Failure(.input, "\(plan.count) branches, and a stem for rows of no provider, do not fit \(blocks.count) blocks; choose fewer --branches, or more --blocks")
        }
        return Lineage(stem: 1, branches: plan.count, length: (blocks.count - 1) / plan.count)
    }

    /// New rows of providers, for new branches behind those that are there.
    /// - Parameter persons: as for all rows.
    init(appending branches: ProviderBranches, length: Int, persons: [Int32]) throws {
        lineage = Lineage(stem: 0, branches: branches.count, length: length)
        (pools, self.persons) = (try branches.pools(in: lineage), persons)
    }

    /// The rows that a list of ids and groups names.
    private static func chosen(_ list: IDList, _ names: RowNames, _ count: Int, _ bundles: RowBundles?) throws -> [Int] {
        var chosen: Set<Int> = [], unknown: [(id: String, line: Int)] = []
        for (name, line) in list.entries {
            if let rows = try names.rows(name, "\(list.path) line \(line)") { chosen.formUnion(rows) } else { unknown.append((name, line)) }
        }
        try list.expectNone(unknown, "is neither a row's id nor a group", "correct the list")
        bundles?.complete(&chosen)
        guard !chosen.isEmpty else { throw Failure(.input, "\(list.path) names none but rows that were drawn as test rows; name others, or give the test rows with --test") }
        guard chosen.count < count else { throw Failure(.input, "\(list.path) puts every row into the stem, and branches need rows; take some out") }
        return chosen.sorted()
    }

    /// Of each training row; 0 where nothing is said of it. A row's own goes before its group's.
    private static func probabilities(_ risk: DeletionRisk, _ names: RowNames, _ count: Int) throws -> [Double] {
        var probabilities = [Double](repeating: 0, count: count), own: Set<Int> = [], ofGroups: [(rows: [Int], probability: Double)] = []
        if let heading = risk.heading, try names.rows(heading.name, "\(risk.path) line 1") != nil { throw DeletionRisk.noProbability(heading.probability, risk.path, line: 1) }
        for (name, entry) in risk.entries.sorted(by: { $0.value.line < $1.value.line }) {
            guard let rows = try names.rows(name, "\(risk.path) line \(entry.line)") else {
                throw Failure(.input, "\(risk.path) line \(entry.line): '\(name.prefix(80))' is neither a row's id nor a group; correct the file")
            }
            guard !names.isGroup(name) else {
                ofGroups.append((rows, entry.probability))
                continue
            }
            for row in rows { probabilities[row] = entry.probability }
            own.formUnion(rows)
        }
        for (rows, probability) in ofGroups { for row in rows where !own.contains(row) { probabilities[row] = probability } }
        return probabilities
    }

    /// Draws blocks and slots, each pool for itself.
    func assignment(labels: [Int32], classes: Int, using generator: inout PlacementGenerator) throws -> BlockAssignment {
        let parts = try pools.map { pool in
            let persons = persons.isEmpty ? [] : pool.rows.map { self.persons[$0] }, people = RowBundles(persons: persons)?.count
            guard pool.blocks.count <= people ?? pool.rows.count else {
                let isStem = lineage.branch(of: pool.blocks.lowerBound) == nil && pool.blocks.upperBound <= lineage.stem
                let rows = people.map { "rows of only \($0) people" } ?? "only \(pool.rows.count) rows"
                throw Failure(
                    .input, "\(isStem ? "the stem has" : "the branches have") \(pool.blocks.count) blocks and \(rows) go there; choose fewer --blocks, or another --stem")
            }
            return (
                rows: pool.rows, first: pool.blocks.lowerBound,
                assignment: try BlockAssignment(
                    pool.policy, labels: pool.rows.map { labels[$0] }, groups: [], persons: persons, classes: classes, blocks: pool.blocks.count, using: &generator)
            )
        }
        return BlockAssignment(parts, rows: labels.count, blocks: lineage.blocks)
    }
}
