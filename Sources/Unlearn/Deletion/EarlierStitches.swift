import Checkpoints
import Training

/// What stitches have left in a chain, and whose they are, as the reports of the requests tell it in their order.
///
/// A stitch behind block p puts blocks back on that were trained from another state than the one that stands behind p now: a seam.
/// It is gone as soon as block p or block p + 1 is retrained. Blocks that are trained behind a seam start from a state that training
/// does not reach, and bear a trace of the stitch until they are retrained themselves, from a state that it does reach.
struct StitchHistory {
    /// Whose stitch lies behind a block.
    private var seams: [Int: String] = [:]
    /// Whose stitches had shaped the state that a block was trained from.
    private var traces: [Int: Set<String>] = [:]
    private var length = 0
    private let shape: Lineage

    init(_ shape: Lineage) { self.shape = shape }

    /// Requests whose stitches lie in the chain or shaped blocks of it, in order.
    var requests: [String] {
        // R9 comes before R10.
        Set(seams.values).union(traces.values.joined()).sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
    }

    /// Whose stitches shape the state behind a block.
    private func shaping(_ block: Int) -> Set<String> {
        guard block >= 1 else { return [] }
        return Set(seams.filter { shape.stands(block, on: $0.key) }.values).union(traces.filter { shape.stands(block, on: $0.key) }.values.joined())
    }

    mutating func add(_ report: DeletionReport, by request: String) {
        // Blocks that were trained since the request before.
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
        for segment in report.segments where segment.first <= segment.last {
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
            if segment.damping != nil { seams[segment.last] = request }
        }
    }
}

extension Project {
    /// Requests to which an exact replay is owed: those that were stitched, or retrained with other numerics, since the model was exact
    /// last. None of them is settled by a later stitch, though it may go through theirs: what it puts back on was trained on their rows, too.
    /// Requests that retrained all that knew their rows are owed nothing, whatever state they began from.
    /// - Complexity: O(requests).
    func requestsOwed(_ lineage: StoredLineage) throws -> [String] {
        lineage.isExact ? [] : try store.owedAndSettled().owed.map(Store.requestName)
    }

    /// Requests done before `number` whose stitches lie in the chain behind a deletion with this report.
    /// - Complexity: O(requests · segments).
    func earlierStitches(behind report: DeletionReport, of number: Int) throws -> [String] {
        var history = StitchHistory(settings.recipe.plan.lineage)
        for request in try store.requests() where request.number < number && (request.state == .published || request.state == .closed) {
            history.add(try DeletionReport(json: request.report), by: Store.requestName(request.number))
        }
        let name = Store.requestName(number)
        history.add(report, by: name)
        return history.requests.filter { $0 != name }
    }
}

extension Store {
    /// The numbers of requests to which exactness is owed, in order; and of those that it was owed to, by number, the exact one that settled it.
    /// - Complexity: O(requests).
    func owedAndSettled() throws -> (owed: [Int], settlements: [Int: Int]) {
        var owed: [Int] = [], settlements: [Int: Int] = [:]
        for request in try requests() where request.state == .published || request.state == .closed {
            let report = try DeletionReport(json: request.report)
            if report.exact {
                for number in owed { settlements[number] = request.number }
                owed = []
            } else if report.isExactnessOwed {
                owed.append(request.number)
            }
        }
        return (owed, settlements)
    }
}
