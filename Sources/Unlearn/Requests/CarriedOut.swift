import Checkpoints
import Files

/// A request that was carried out, and in which run.
struct CarriedOut {
    let number: Int
    /// The run's place among all runs; requests of one run have the same.
    let run: Int
    let report: DeletionReport

    var name: String { Store.requestName(number) }
}

extension Store {
    /// Requests that were carried out, in the order of their runs, which need not be that in which they came in; those of one run in that of
    /// their numbers.
    /// - Complexity: one reading of a report each.
    func carriedOut() throws -> [CarriedOut] {
        try requests().filter(\.state.isCarriedOut).map { request in
            let report = try report(of: request)
            // Before requests could wait, each had a run of its own, in their order.
            return CarriedOut(number: request.number, run: report.run ?? request.number, report: report)
        }.sorted { ($0.run, $0.number) < ($1.run, $1.number) }
    }

    func report(of request: StoredRequest) throws -> DeletionReport {
        guard let report = try? DeletionReport(json: request.report) else {
            throw Failure(.damaged, "what the catalogue keeps of \(Self.requestName(request.number)) is not readable; restore the project from a backup")
        }
        return report
    }
}
