import Checkpoints
import Training

/// What stitches have left in a chain, and whose they are, as the reports of the runs tell it in their order.
///
/// A stitch behind block p puts blocks back on that were trained from another state than the one that stands behind p now: a seam.
/// It is gone as soon as block p or block p + 1 is retrained. Blocks that are trained behind a seam start from a state that training
/// does not reach, and bear a trace of the stitch until they are retrained themselves, from a state that it does reach.
struct StitchHistory {
    /// Which run's stitch lies behind a block.
    private var seams: [Int: Int] = [:]
    /// Which runs' stitches had shaped the state that a block was trained from.
    private var traces: [Int: Set<Int>] = [:]
    private var length = 0
    private let shape: Lineage

    init(_ shape: Lineage) { self.shape = shape }

    /// Runs whose stitches lie in the chain or shaped blocks of it.
    var runs: Set<Int> { Set(seams.values).union(traces.values.joined()) }

    /// Whose stitches shape the state behind a block.
    private func shaping(_ block: Int) -> Set<Int> {
        guard block >= 1 else { return [] }
        return Set(seams.filter { shape.stands(block, on: $0.key) }.values).union(traces.filter { shape.stands(block, on: $0.key) }.values.joined())
    }

    /// - Parameter reports: of the run's requests. Each has the walks that passed through its own rows, from the first of them on.
    mutating func add(_ reports: [DeletionReport], by run: Int) {
        let report = reports[0]
        let walks = Dictionary(reports.flatMap(\.segments).map { ($0.last, $0) }) { $0.first < $1.first ? $0 : $1 }.values.sorted { $0.last < $1.last }
        // Blocks that were trained since the run before.
        for block in length + 1..<max(length, report.blocksTotal) + 1 {
            let shaping = shaping(shape.parent(of: block))
            if !shaping.isEmpty { traces[block] = shaping }
        }
        length = max(length, report.blocksTotal)
        guard !report.exact else {
            // Whatever was left is gone: the model is one that training reaches.
            (seams, traces) = ([:], [:])
            return
        }
        for segment in walks where segment.first <= segment.last {
            guard shape.branch(of: segment.first) == nil else {
                // A branch trained anew stands on the stem as it is: on whatever stitches have left there.
                let shaping = shaping(shape.stem)
                for block in segment.first...segment.last { traces[block] = shaping.isEmpty ? nil : shaping }
                continue
            }
            let before = segment.first - 1
            // Up to the first seam the state is the one that training reached there: what a damped stitch left is taken off it.
            let isFirstSeam = shaping(before - 1).isEmpty && traces[before] == nil
            if isFirstSeam { seams[before] = nil }
            let shaping = shaping(before)
            seams = seams.filter { block, _ in !(before...segment.last).contains(block) }
            for block in segment.first...segment.last { traces[block] = shaping.isEmpty ? nil : shaping }
            if segment.damping != nil { seams[segment.last] = run }
        }
    }
}

extension Project {
    /// Requests to which an exact replay is owed: those that were stitched, or retrained with other numerics, since the model was exact
    /// last. None of them is settled by a later stitch, though it may go through theirs: what it puts back on was trained on their rows, too.
    /// Requests that retrained all that knew their rows are owed nothing, whatever state they began from.
    /// - Complexity: O(requests).
    public func requestsOwed(_ lineage: StoredLineage) throws -> [String] {
        lineage.isExact ? [] : try store.owedAndSettled().owed.map(Store.requestName)
    }

    /// Requests carried out so far whose stitches lie in the chain behind a run with this report, which is the next one. In order.
    /// - Complexity: O(requests + runs · segments).
    func earlierStitches(behind report: DeletionReport) throws -> [String] {
        var history = StitchHistory(settings.recipe.plan.lineage)
        let all = try store.carriedOut()
        for run in all.byRun {
            history.add(run.map(\.report), by: run[0].run)
        }
        history.add([report], by: try store.nextRun())
        let runs = history.runs
        return all.filter { runs.contains($0.run) && ($0.report.stitches ?? $0.report.segments.count { $0.damping != nil }) > 0 }.map(\.number).sorted().map(Store.requestName)
    }
}

extension [CarriedOut] {
    /// The same in order, by run.
    var byRun: [[CarriedOut]] {
        reduce(into: []) { runs, request in
            if runs.last?.last?.run == request.run { runs[runs.count - 1].append(request) } else { runs.append([request]) }
        }
    }
}

extension Store {
    /// The place that the next run gets.
    func nextRun() throws -> Int { 1 + (try carriedOut().last?.run ?? 0) }

    /// The numbers of requests to which exactness is owed, in order; and of those that it was owed to, by number, the exact one that settled it.
    /// - Complexity: O(requests).
    func owedAndSettled() throws -> (owed: [Int], settlements: [Int: Int]) {
        var owed: [Int] = [], settlements: [Int: Int] = [:]
        for run in try carriedOut().byRun {
            if let exact = run.first(where: { $0.report.exact && $0.report.blocksRetrained > 0 }) ?? run.first(where: \.report.exact) {
                for number in owed { settlements[number] = exact.number }
                owed = []
            } else {
                owed += run.filter(\.report.isExactnessOwed).map(\.number)
            }
        }
        return (owed.sorted(), settlements)
    }
}
