import Unlearn

/// What `request run` says, in lines.
enum RunText {
    static func describe(_ plan: RunPlan) -> String { (describeWork(plan) + later(plan)).joined(separator: "\n") }

    /// Rows that stay, because they came when the request had been recorded.
    private static func later(_ plan: RunPlan) -> [String] {
        plan.cameLater.inOrderOfRequests.map { request, rows in
            "\(request): \(counted(rows, "row")) of whom it names came later and \(rows == 1 ? "stays" : "stay"); another 'unlearn request add' asks for \(rows == 1 ? "it" : "them")"
        }
    }

    private static func describeWork(_ plan: RunPlan) -> [String] {
        guard !plan.requests.isEmpty || !plan.superseded.isEmpty else { return ["no request waits; nothing would be done"] }
        var lines: [String] = []
        if !plan.requests.isEmpty {
            let time = plan.seconds.map { $0 < 1 ? ", in less than a second" : ", in about \(duration($0))" } ?? ""
            lines.append("\(named(plan.requests)): \(counted(plan.rows, "row")) would be erased\(plan.requests.count > 1 ? " in one run" : "")")
            lines.append(
                plan.blocksTouched.isEmpty ? "no trained block holds them: the model would stay as it is"
                    : plan.method == .exact ? "replayed exactly: \(plan.blocksRetrained) of \(plan.blocksTotal) blocks\(time)"
                    : "stitched: as many blocks as memory takes to decay, of \(plan.blocksRetrained) that an exact replay would train\(time); exactness would be owed")
            if plan.blocksSaved > 0 { lines.append("one run for all saves \(counted(plan.blocksSaved, "block")) beside an exact replay of each by itself") }
        }
        if !plan.superseded.isEmpty { lines.append("\(named(plan.superseded)): nothing is left to erase; \(plan.superseded.count == 1 ? "it" : "they") would be closed as superseded") }
        return lines
    }

    static func describe(_ result: RunResult, folder: String) -> String {
        let copies = result.reports.isEmpty ? [] : DeletionText.copies(result.workingCopies, of: folder), orders = result.run == nil ? DeletionText.orders(result.erasureOrders) : []
        guard !result.reports.isEmpty || !result.plan.superseded.isEmpty else { return (["no request waits; nothing was changed"] + orders).joined(separator: "\n") }
        var lines = result.reports.map(line)
        if let run = result.run {
            lines += DeletionText.workBehindRows(run, settled: result.requestsSettled, result.erasureOrders, folder)
        }
        if !result.plan.superseded.isEmpty {
            lines.append("\(named(result.plan.superseded)): no row is left to erase, as other requests erased it or none was found; closed as superseded, nothing was changed for \(result.plan.superseded.count == 1 ? "it" : "them")")
        }
        return (lines + later(result.plan) + orders + copies).joined(separator: "\n")
    }

    /// One request's share of a run.
    private static func line(_ report: DeletionReport) -> String {
        let before = report.erasedMeanwhile.map { gone in
            "; " + gone.inOrderOfRequests.map { "\(counted($0.count, "row")) more by \($0.request), while it waited" }.joined(separator: ", ")
        } ?? ""
        return "\(report.request ?? ""): \(DeletionText.verdict(report)): \(counted(report.rowsDeleted, "row")) \(report.rowsOrdered == true ? "ordered to be erased" : "erased")\(report.blocksTouched.isEmpty ? ", which no trained block held" : "")\(before)"
    }

    private static func named(_ requests: [String]) -> String { requests.count > 10 ? "\(requests.prefix(10).joined(separator: ", ")) and \(requests.count - 10) more" : requests.joined(separator: ", ") }
}
