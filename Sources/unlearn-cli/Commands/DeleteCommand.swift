import Files
import Foundation
import Glibc
import Unlearn

extension CommandSpec {
    static let delete = CommandSpec(
        name: "delete", summary: "remove rows and their influence",
        example: "unlearn -C demo delete --ids people.txt --dry-run",
        options: [
            OptionSpec("ids", "FILE|-", "one id a line; - reads standard input"),
            OptionSpec("method", "NAME", "stitch (default): retrain until memory has decayed; exact: replay to the end"),
            OptionSpec("epsilon", "X", "stop where the residual declines by no more than X a block (default 0.1)"),
            OptionSpec("on-no-decay", "NAME", "exact (default), fail, or stitch (unguarded, the paper's behaviour)"),
            OptionSpec("damping", "auto|X", "share of the gap that a stitch carries on: 1 is the paper's, 0 does nothing"),
            OptionSpec("rho-limit", "X", "relative residual that counts as forgotten (default 0.05); up to 4·X where a bound shows the stitch to be near"),
            OptionSpec("fit", "NAME", "least-squares (default) or dfa: how the exponent h is found"),
            OptionSpec("ignore-missing", nil, "skip ids that are unknown or deleted already"),
            OptionSpec("dry-run", nil, "retrain and report, change nothing"),
            OptionSpec("yes", nil, "do not ask on a terminal"),
            .threads, .approximate,
        ],
        run: runDelete)

    private static func runDelete(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        var options = DeletionOptions()
        options.replay = try replayOptions(invocation)
        if let epsilon = try invocation.number("epsilon", in: 0...1e12) { options.replay.decayGuard.epsilon = epsilon }
        options.ignoreMissing = invocation.flag("ignore-missing")
        options.dryRun = invocation.flag("dry-run")
        options.approximate = invocation.flag("approximate")
        let path = try invocation.required("ids", "FILE (or - for standard input)")
        let project = try Project(opening: invocation.folder, options.dryRun ? .read : .write, threads: try invocation.threads)
        let ids = try IDList(reading: path)
        if !options.dryRun, !invocation.flag("yes"), !invocation.wantsJSON, path != "-" { try confirm(ids.entries.count, invocation.folder) }
        let bar = console.progress("blocks")
        let report = try project.delete(ids, options: options, control: Interrupt.control) { trained, atMost in
            bar.update("retraining (at most)", trained, of: trained + atMost)
        }
        bar.finish()
        try console.result(report, describe(report, folder: invocation.folder))
        return 0
    }

    /// The options of a replay that `delete` and `bench` share.
    static func replayOptions(_ invocation: Invocation) throws -> ReplayOptions {
        var replay = ReplayOptions()
        if let method = try invocation.choice("method", UnlearningMethod.self) { replay.method = method }
        if let policy = try invocation.choice("on-no-decay", NoDecayPolicy.self) { replay.onNoDecay = policy }
        if let fit = try invocation.choice("fit", FitMethod.self) { replay.fitMethod = fit }
        if let limit = try invocation.number("rho-limit", in: 0...1) { replay.decayGuard.rhoLimit = limit }
        if let damping = invocation.text("damping"), damping != "auto" {
            guard let factor = Double(damping), (0...1).contains(factor) else {
                throw Failure(.input, "--damping takes auto or a number from 0 to 1, not '\(damping)'")
            }
            replay.damping = .fixed(factor)
        }
        return replay
    }

    /// Deletion cannot be undone: a person at a terminal is asked once.
    private static func confirm(_ count: Int, _ folder: String) throws {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return }
        Console.write("delete \(counted(count, "row")) from \(folder) for good? [y/N] ")
        guard let answer = readLine()?.lowercased(), ["y", "yes"].contains(answer) else { throw Failure(.input, "not confirmed; nothing was changed") }
    }

    private static func describe(_ report: DeletionReport, folder: String) -> String {
        var lines = [
            "\(report.request)\(report.dryRun ? " (dry run, nothing was changed)" : ""): "
                + "\(counted(report.rowsDeleted - report.testRowsDeleted, report.testRowsDeleted > 0 ? "training row" : "row")) "
                + "\(report.dryRun ? "would be " : "")deleted"
                + (report.blocksTouched.isEmpty ? "" : " from \(report.blocksTouched.count == 1 ? "block" : "blocks") \(brief(report.blocksTouched))")
                + (report.testRowsDeleted > 0 ? ", and \(counted(report.testRowsDeleted, "test row"))" : "")
                + (report.rowsDeletedBefore.map { ", \(counted($0, "row")) of the list before; earlier stitches are replayed" } ?? "")
        ]
        switch report.method {
        case .exact where report.blocksRetrained == 0:
            lines.append("no trained block held them: the model is as it was")
        case .stitch:
            guard let damping = report.damping else {
                lines.append(
                    "retrained \(counted(report.blocksRetrained, "block")) to the end of the chain in \(fixed(report.seconds, 1)) s; "
                        + "earlier stitches remain (--method exact replays them)")
                break
            }
            let guarded = report.guarded ? "the guard agrees" : "UNGUARDED: residual memory does not decay"
            lines.append(
                "retrained \(report.blocksRetrained) of \(report.blocksTotal) blocks in \(fixed(report.seconds, 1)) s, stitched the rest back on "
                    + "(damping \(fixed(damping)); \(guarded))")
        case .exact:
            lines.append(
                "replayed \(report.blocksRetrained) of \(report.blocksTotal) blocks \(report.exact || report.dryRun ? "exactly" : "with other numerics, not exactly") "
                    + "in \(fixed(report.seconds, 1)) s")
        }
        // Of the largest of all stitches, not of the last alone.
        let remainder = report.segments.compactMap(\.damping).map { 1 - $0 }.max() ?? 0
        if remainder > 0 {
            lines.append("\(percent(remainder)) of the gap that was removed stays in the chain; --damping 1 or --method exact leaves none")
        }
        if let fallback = report.fallback { lines.append("not stitched: \(fallback)") }
        // Where exact replay was asked for, residuals decide nothing.
        if report.method == .stitch || report.fallback != nil, let fit = report.fit, let decay = report.decay {
            lines.append(
                "residual memory after \(counted(report.residual.count, "block")): \(percent(decay.recentRho)) of what a block teaches; "
                    + "\(fixed(fit.a, 3))·t^-\(fixed(fit.h)) + \(fixed(fit.b, 3)) (r² \(fixed(fit.r2)))"
                    + (decay.slope.map { ", log-log slope \(fixed($0))" } ?? ""))
        }
        if report.method == .stitch, report.damping != nil, let decay = report.decay {
            lines.append(
                "this stitch lies at most \(fixed(decay.distanceBound)) (L1) from exact replay if later blocks remember no more than recent "
                    + "ones, \(fixed(report.tailBound)) by the fit")
        }
        if let before = report.testAccuracyBefore, let after = report.testAccuracy {
            lines.append("test accuracy \(percent(before)) before, \(percent(after)) after\(report.testRowsDeleted > 0 ? ", both on the test rows that are left" : "")")
        }
        if let changed = report.l1Changed, let agreement = report.agreementBefore {
            lines.append("doing nothing would have named the same class for \(percent(agreement)) of the test rows; it lies \(fixed(changed, 3)) (L1) away")
        }
        if !report.dryRun {
            lines.append(
                "erased \(counted(report.erased.rows, "row")), \(counted(report.erased.checkpoints, "checkpoint")) (\(megabytes(report.erased.bytes)))")
            if let digest = report.stateDigest { lines.append("state \(digest)") }
            if let note = report.note { lines.append(note) }
            if report.blocksRetrained > 0 { lines.append("next: unlearn -C \(folder) audit") }
        }
        return lines.joined(separator: "\n")
    }

    /// 3, 7, 8–12 …
    private static func brief(_ blocks: [Int]) -> String {
        let shown = blocks.prefix(8).map(String.init).joined(separator: ", ")
        return blocks.count > 8 ? "\(shown) … (\(blocks.count) in all)" : shown
    }
}
