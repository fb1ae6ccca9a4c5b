import Unlearn

/// What `delete` says of what it did, in lines. Each tells of the whole request, not of its last segment alone.
enum DeletionText {
    static func describe(_ result: DeletionResult, folder: String) -> String {
        (result.didNothing ? nothing(result) + orders(result.erasureOrders) : work(result, folder) + findings(result) + copies(result.workingCopies, of: folder)).joined(separator: "\n")
    }

    // MARK: - What of a list names no live row

    private static func nothing(_ result: DeletionResult) -> [String] {
        let lines = findings(result)
        let rest = result.report.exact
            ? "nothing is left to do; the chain is exact"
            : result.report.blocksTotal > 0 ? "nothing is left to delete; the model is not exact, and 'unlearn replay' makes it so" : "nothing is left to do"
        return (lines.isEmpty ? ["the model is exact already; nothing was changed"] : lines + [rest]) + interim(result.report)
    }

    static func findings(_ result: DeletionResult) -> [String] {
        // Rows whose deletion this command finished or replays are in its first line.
        findings(result.list, finished: result.finished, namingDeleted: result.report.rowsDeletedBefore == nil)
    }

    /// What of a list names no live row, and what it names twice.
    static func findings(_ list: ListFindings, finished: [String] = [], namingDeleted: Bool = true) -> [String] {
        var lines: [String] = []
        let before = namingDeleted ? list.deletedBefore.filter { row in row.request.map { !finished.contains($0) } ?? true } : []
        if !before.isEmpty {
            let times = Dictionary(grouping: before, by: \.when)
            let order = times.keys.inOrderOfRequests
            let whole = "\(counted(before.count, "row")) \(before.count == 1 ? "was" : "were")"
            lines.append(
                order.count == 1 && before[0].request == nil ? "\(whole) \(order[0])"
                    : "\(whole) deleted before (" + order.map { order.count == 1 ? $0 : "\(times[$0]!.count): \($0)" }.joined(separator: "; ") + ")")
        }
        if !list.notFound.isEmpty { lines.append("\(named(list.notFound.count, list)) not in the project, skipped: \(brief(list.notFound))") }
        if let remark = AlikePerson.remark(list.alike) { lines.append(remark) }
        if !list.repeated.isEmpty { lines.append("\(named(list.repeated.count, list)) listed more than once, counted once: \(brief(list.repeated))") }
        return lines
    }

    private static func named(_ count: Int, _ list: ListFindings) -> String {
        switch list.noun {
        case .row: counted(count, "id")
        case .person: counted(count, "person", "people")
        case .provider: counted(count, "provider")
        }
    }

    private static func brief(_ ids: [String]) -> String {
        ids.prefix(10).map { "'\(Console.printable(String($0.prefix(80)), keeping: []))'" }.joined(separator: ", ") + (ids.count > 10 ? " and \(ids.count - 10) more" : "")
    }

    // MARK: - What was done

    private static func work(_ result: DeletionResult, _ folder: String) -> [String] {
        [rows(result.report)] + workBehindRows(result.report, settled: result.requestsSettled, result.erasureOrders, folder)
    }

    /// What was done about the rows that a line above names.
    static func workBehindRows(_ report: DeletionReport, settled: [String], _ orders: ErasureOrders, _ folder: String) -> [String] {
        var lines = method(report)
        // Where exact replay was asked for, residuals decide nothing.
        if report.method != .exact || report.fallback != nil, let fit = report.fit, let decay = report.decay {
            lines.append(
                "residual memory after \(counted(report.residual.count, "block")): \(percent(decay.recentRho)) of what a block teaches; "
                    + "\(fixed(fit.a, 3))·t^-\(fixed(fit.h)) + \(fixed(fit.b, 3)) (r² \(fixed(fit.r2)))"
                    + (decay.slope.map { ", log-log slope \(fixed($0))" } ?? ""))
        }
        if !settled.isEmpty { lines.append("exactness \(report.dryRun ? "would no longer be" : "is no longer") owed to \(settled.joined(separator: ", "))") }
        lines += distance(report)
        lines += interim(report)
        if let before = report.testAccuracyBefore, let after = report.testAccuracy {
            lines.append("test accuracy \(percent(before)) before, \(percent(after)) after\(report.testRowsDeleted > 0 ? ", both on the test rows that are left" : "")")
        }
        if let changed = report.l1Changed, let agreement = report.agreementBefore {
            // That few rows change is what is to be expected of few: it says nothing of whether they need be deleted.
            lines.append("changed by it: \(agreement < 1 ? percent(1 - agreement) : "none") of the test rows \(agreement < 1 ? "are named otherwise" : "is named otherwise") than before; all parameters together moved by \(fixed(changed, 3)) (L1)")
        }
        if let margin = report.margin { lines.append("on the deleted rows: \(describe(margin))\(rowsTold(report))") }
        guard !report.dryRun else { return lines }
        lines.append(
            (report.rowsOrdered == true ? "taken out of the blocks: the \(report.erased.rows == 1 ? "name" : "names") of \(counted(report.erased.rows, "row")); erased " : "erased \(counted(report.erased.rows, "row")), ") + "\(counted(report.erased.checkpoints, "checkpoint"))"
                + (report.erased.bytes.map { " (\(megabytes($0)))" } ?? ""))
        if let digest = report.stateDigest { lines.append("state \(digest)") }
        if let note = report.note { lines.append(note) }
        lines += Self.orders(orders)
        if !orders.pending.isEmpty { lines.append("next: unlearn -C \(folder) replay") } else if report.blocksRetrained > 0 { lines.append("next: unlearn -C \(folder) audit") }
        return lines
    }

    /// What became of erasures that were ordered of a trainer that holds the rows.
    static func orders(_ orders: ErasureOrders) -> [String] {
        var lines: [String] = []
        if !orders.acknowledged.isEmpty { lines.append("the trainer acknowledged that it has erased the rows of \(orders.acknowledged.joined(separator: ", "))") }
        if !orders.pending.isEmpty {
            lines.append("NOT acknowledged by the trainer, which holds the rows: the erasure of \(orders.pending.joined(separator: ", ")) (\(orders.reason ?? "")); their names stay here, sealed, until it is, and 'unlearn replay' orders it again")
        }
        return lines
    }

    /// Where deleted rows stay, which nobody would think of.
    static func copies(_ folders: [String], of project: String) -> [String] {
        folders.map { "NOT reached: the working copy in \($0), which has what the project had of the rows; results that learnt from them will be refused; 'unlearn -C \(project) jobs remove --in \($0)' destroys it" }
    }

    private static func interim(_ report: DeletionReport) -> [String] {
        report.interim.map {
            ["interim model, which was never trained on them, written after \(fixed($0.milliseconds, 0)) ms" + ($0.testAccuracy.map { "; test accuracy \(percent($0))" } ?? "")]
        } ?? []
    }

    static func describe(_ margin: DeletionReport.Margin) -> String {
        "log-odds of their label \(fixed(margin.after, 3)); doing nothing \(fixed(margin.before, 3))"
            + (margin.exact.map { ", exact replay \(fixed($0, 3))\(margin.exactIsForecast ? " by forecast" : "")" } ?? "")
    }

    private static func rowsTold(_ report: DeletionReport) -> String {
        guard let forecast = report.rowForecast else { return "" }
        return switch forecast.kind {
        case .remembered: ""
        case .forgotten: "; they are forgotten: the gap changes them as it changes any row, by chance (\(fixed(forecast.noise, 3)))"
        case .unclear: "; at the end they cannot be told from chance (\(fixed(forecast.noise, 3)))"
        }
    }

    private static func rows(_ report: DeletionReport) -> String {
        let training = report.rowsDeleted - report.testRowsDeleted
        var parts: [String] = []
        if training > 0 || report.testRowsDeleted == 0 {
            parts.append(
                "\(counted(training, report.testRowsDeleted > 0 ? "training row" : "row")) \(report.dryRun ? "would be " : "")deleted"
                    + (report.blocksTouched.isEmpty ? "" : " from \(report.blocksTouched.count == 1 ? "block" : "blocks") \(brief(report.blocksTouched))"))
        }
        if report.testRowsDeleted > 0 {
            parts.append("\(training > 0 ? "and " : "")\(counted(report.testRowsDeleted, "test row"))" + (training > 0 ? "" : " \(report.dryRun ? "would be " : "")deleted"))
        }
        if let before = report.rowsDeletedBefore { parts.append("\(counted(before, "row")) of the list before; earlier stitches \(report.dryRun ? "would be" : "are") replayed") }
        if report.rowsDeleted == 0, report.rowsDeletedBefore == nil { parts = ["no row deleted; earlier stitches \(report.dryRun ? "would be" : "are") replayed"] }
        return "\(report.request ?? "")\(report.dryRun ? " (dry run, nothing was changed)" : ""): \(verdict(report)): \(parts.joined(separator: ", "))"
    }

    /// What became of the rows' influence, before anything else.
    static func verdict(_ report: DeletionReport) -> String {
        let would = report.dryRun ? "would be " : ""
        if report.rowsDeleted == 0 { return report.exact ? "\(would)exact again" : "\(would)not exact yet" }
        if report.isExactnessOwed { return "\(would)forgotten approximately, exactness owed" }
        return report.exact && report.blocksRetrained > 0 || report.exactByConstruction == true ? "\(would)forgotten exactly" : "\(would)forgotten"
    }

    private static func method(_ report: DeletionReport) -> [String] {
        let seconds = "in \(fixed(report.seconds, 1)) s", stitches = report.segments.filter { $0.damping != nil }
        var lines: [String] = []
        switch report.method {
        case .exact where report.blocksRetrained == 0:
            lines.append(
                report.branchesEmptied.map { "no trained block held them; \(named($0)) had no other row, and the model is merged without \($0.count == 1 ? "it" : "them")" }
                    ?? "no trained block held them: the model is as it was")
        case .exact where report.exactByConstruction == true:
            let branches = (report.branchesTouched ?? []).filter { report.branchesEmptied?.contains($0) != true }
            let retrained = "retrained \(report.blocksRetrained) of \(report.blocksTotal) blocks \(seconds)"
            // Blocks of a branch that has no row left are written anew, without one: they teach nothing.
            lines.append(
                (branches.isEmpty ? "\(retrained), without a row in them: " : "\(retrained), those of \(named(report.branchesTouched ?? [])) alone: ")
                    + "exact by construction, the same bits as training without the rows")
        case .exact:
            lines.append(
                "\(report.unrepeatable == true ? "retrained" : "replayed") \(report.blocksRetrained) of \(report.blocksTotal) blocks "
                    + "\(report.exact ? "exactly" : report.unrepeatable == true ? "by your program, which does not give the same bits twice," : "with other numerics, not exactly") \(seconds)")
        case .stitch where stitches.isEmpty, .retraining:
            let end = report.branchesTouched.map { $0.isEmpty ? "the stem and all branches" : named($0) } ?? "the chain"
            lines.append("retrained \(report.blocksRetrained) of \(report.blocksTotal) blocks, to the end of \(end), \(seconds)")
        case .stitch:
            let guarded = report.guarded ? "memory of the rows had decayed, says the guard" : "UNGUARDED: \(report.decay?.objection ?? "the guard objects")"
            let dampings = "damping \(stitches.map { fixed($0.damping!) }.joined(separator: ", ")); \(guarded)"
            let retrained = "retrained \(report.blocksRetrained) of \(report.blocksTotal) blocks \(seconds), "
            lines.append(
                report.damping == nil
                    ? retrained + "stitched behind \(stitches.count == 1 ? "block" : "blocks") \(brief(stitches.map(\.last))) (\(dampings)) and went on from there to the end of \(report.branchesTouched == nil ? "the chain" : "the stem and through every branch")"
                    : stitches.count == 1 ? retrained + "stitched the rest back on (\(dampings))"
                    : retrained + "stitched the rest back on behind blocks \(brief(stitches.map(\.last))) (\(dampings))")
        }
        if let emptied = report.branchesEmptied, report.blocksRetrained > 0 {
            lines.append("\(named(emptied)) \(emptied.count == 1 ? "has no row left and is" : "have no row left and are") out of the merge")
        }
        if report.method != .exact, report.unrepeatable != true, report.fromExactState == false, report.earlierStitches?.isEmpty != false {
            lines.append("the first of them was trained from a state that other numerics left; 'unlearn replay' replays it")
        }
        if let earlier = report.earlierStitches, !earlier.isEmpty {
            lines.append("earlier stitches remain: \(earlier.joined(separator: ", ")) ('unlearn replay' makes the model exact)")
        }
        // Of the largest of all stitches, not of the last alone.
        let remainder = stitches.compactMap(\.damping).map { 1 - $0 }.max() ?? 0
        if remainder > 0 {
            lines.append("\(percent(remainder)) of the gap that was removed stays in the chain; --damping 1 or --method exact leaves none")
        }
        if let fallback = report.fallback { lines.append("not stitched: \(fallback)") }
        if let budget = report.budget, let spent = budget.spent {
            lines.append("stitches since the model was exact may err on \(percent(spent)) of the test rows\(budget.limit.map { "; above \(percent($0)) (--budget) a deletion replays exactly" } ?? "")")
        }
        if report.isExactnessOwed, report.exactSeconds == nil, !report.dryRun { lines.append("exactness is owed: 'unlearn replay' makes the model exact") }
        if let seconds = report.exactSeconds, !report.exact {
            lines.append("not replayed exactly: that would have taken about \(duration(seconds)) more (--patience); \(report.dryRun ? "--method exact waits for it" : "'unlearn replay' does it when there is time")")
        }
        return lines
    }

    /// How far from exact replay the stitches may lie: what follows if memory goes on as it went, which nothing promises.
    private static func distance(_ report: DeletionReport) -> [String] {
        guard report.method == .stitch, case let count = report.segments.count(where: { $0.damping != nil }), count > 0 else { return [] }
        let recent = report.damping == nil || count > 1 ? nil : report.decay.map { "\(fixed($0.distanceBound)) (L1) from exact replay if later blocks remember as much as recent ones" }
        let fitted = recent == nil ? "\(fixed(report.tailBound)) (L1) from exact replay" : "about \(fixed(report.tailBound))"
        let earlier = report.earlierStitches?.isEmpty == false ? "; what earlier stitches left is not in it" : ""
        return [
            "\(count == 1 ? "this stitch lies" : "these \(count) stitches lie") about \(recent.map { $0 + ", " } ?? "")\(fitted) by extrapolation of the fit; not a bound\(earlier)"
        ]
    }

    private static func named(_ branches: [Int]) -> String { "\(branches.count == 1 ? "branch" : "branches") \(brief(branches))" }

    /// 3, 7, 8–12 …
    private static func brief(_ blocks: [Int]) -> String {
        let shown = blocks.prefix(8).map(String.init).joined(separator: ", ")
        return blocks.count > 8 ? "\(shown) … (\(blocks.count) in all)" : shown
    }
}
