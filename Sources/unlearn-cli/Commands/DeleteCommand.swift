import Checkpoints
import Files
import Glibc
import Unlearn

/// How `delete` is to remove influence.
private enum DeletionMethod: String, CaseIterable {
    /// Exactly, where that takes no longer than somebody is ready to wait.
    case automatic = "auto"
    case stitch
    case exact
}

extension OptionSpec {
    /// How a run removes influence, for whichever requests.
    static let removing = [
        .choice("method", DeletionMethod.self, "auto (default): exact where the replay is estimated to take at most --patience, else stitch; stitch: retrain until memory has decayed, asked for also by any option that speaks of it (--epsilon to --fit); exact: replay to the end, also what earlier stitches left"),
        OptionSpec("patience", "SECONDS", "so long what is left of an exact replay may take, by its pace, in place of a stitch (default 60)"),
        OptionSpec("budget", "X|none", "share of test rows on which stitches may add up to err before a replay is exact instead (default 0.005 with --method auto, none where a stitch is asked for)"),
        OptionSpec("epsilon", "X", "stop where the residual declines by no more than X a block (default 0.1)"),
        .choice("on-no-decay", NoDecayPolicy.self, "where memory does not decay: exact replay (default), fail, or stitch (unguarded, the paper's behaviour)"),
        OptionSpec("damping", "auto|l1|X", "share of the gap that a stitch carries on: as the deleted rows say (default), as the gap's size says, or X: 1 is the paper's, 0 does nothing"),
        OptionSpec("rho-limit", "X", "relative residual that counts as forgotten (default 0.05); up to 4·X where a bound shows the stitch to be near"),
        .choice("fit", FitMethod.self, "how the exponent h is found (default: least-squares)"),
        OptionSpec("interim", "FILE", "first write a model that never saw the rows (.safetensors, .npz or .onnx): without their branches, or as it was before their block"),
        .force, .threads, .workers, .approximate, .events,
    ]
    static let yes = OptionSpec("yes", nil, "do not ask on a terminal")
}

extension CommandSpec {
    static let delete = CommandSpec(
        name: "delete", summary: "remove rows and their influence",
        example: "unlearn -C demo delete --ids people.txt --dry-run",
        options: OptionSpec.namingRows + [.idColumn, .ignoreMissing, .ignoreUnknown, .ticket] + OptionSpec.removing + [
            OptionSpec("dry-run", nil, "retrain and report, change nothing"),
            .yes,
        ],
        run: runDelete)

    private static func runDelete(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        var options = try deletionOptions(invocation, dryRun: invocation.flag("dry-run"))
        options.ignoreMissing = invocation.flag("ignore-missing")
        options.ignoreUnknown = invocation.flag("ignore-unknown")
        options.ticket = try invocation.ticket
        let mayTakeNone = options.replay.method == .exact
        let way = try invocation.wayOfNamingRows()
        guard mayTakeNone || way != nil else {
            throw Failure(
                .input, "'unlearn delete' needs --ids FILE or --persons FILE (or - for standard input), --group NAME, or --method exact to replay what earlier stitches left, as 'unlearn replay' does")
        }
        // Before the project is held: a pipe or a person may take their time.
        try Store.expectProject(in: invocation.folder)
        let target = try invocation.namedRows() ?? .chain
        if !options.dryRun, !invocation.flag("yes"), !invocation.wantsJSON, !(way != "group" && way.flatMap(invocation.text) == "-") {
            switch target {
            case .list(let ids): try confirm(counted(ids.entries.count, "row"), invocation.folder)
            case .persons(let people): try confirm("all rows of \(counted(people.entries.count, "person", "people"))", invocation.folder)
            case .group(let name): try confirm("all rows of '\(name.prefix(80))'", invocation.folder)
            case .chain: break
            }
        }
        let (project, events) = try console.open(options.dryRun ? .read : .write, threads: try invocation.threads)
        let bar = console.progress("blocks")
        if let events { options.told = { events.add($0) } }
        let result = try console.tellingRefusal(opening: project.store, events) { [options] in
            try project.delete(target, options: options, control: Interrupt.control) { trained, atMost in
                bar.update("retraining (at most)", trained, of: trained + atMost)
            }
        }
        bar.finish()
        if result.didNothing, options.ticket != nil { console.message("the ticket is not kept: nothing was left to delete, and no request was made") }
        try console.result(result, DeletionText.describe(result, folder: invocation.folder))
        return 0
    }

    /// What `OptionSpec.removing` says.
    static func deletionOptions(_ invocation: Invocation, dryRun: Bool) throws -> DeletionOptions {
        var options = DeletionOptions()
        options.replay = try replayOptions(invocation)
        let method = try method(invocation)
        options.replay.method = method == .exact ? .exact : .stitch
        if method == .automatic { options.replay.patience = try invocation.number("patience", in: 0...1e9).map { .seconds($0) } ?? ReplayOptions.defaultPatience }
        switch invocation.text("budget") {
        case nil: options.replay.budget = method == .automatic ? ReplayOptions.defaultBudget : nil
        case "none": options.replay.budget = nil
        default: options.replay.budget = try invocation.number("budget", in: 0...1)
        }
        if method == .exact, invocation.text("budget") != nil { throw Failure(.input, "--budget is for stitches, and --method exact makes none; leave one of the two out") }
        if let epsilon = try invocation.number("epsilon", in: 0...1e12) { options.replay.decayGuard.epsilon = epsilon }
        options.approximate = invocation.flag("approximate")
        options.dryRun = dryRun
        if invocation.flag("force"), !invocation.flag("interim") { throw Failure(.input, "--force is for the file of --interim; leave it out") }
        if let path = invocation.text("interim") {
            guard !dryRun else { throw Failure(.input, "--interim writes a file, and nothing is changed here; 'unlearn export --interim' gives the model alone") }
            options.interim = InterimOutput(path: path, replacing: invocation.flag("force"), since: programStart)
            try Project.expectExport(to: path, besideProject: invocation.folder, replacing: invocation.flag("force"))
        }
        return options
    }

    /// Options that speak of a stitch: who gives one wants to have it.
    private static let stitchOptions = ["epsilon", "on-no-decay", "damping", "rho-limit", "fit"]

    private static func method(_ invocation: Invocation) throws -> DeletionMethod {
        let ofStitch = stitchOptions.first { invocation.text($0) != nil }
        let method = try invocation.choice("method", DeletionMethod.self) ?? (ofStitch == nil ? .automatic : .stitch)
        if method == .exact, let ofStitch {
            throw Failure(.input, "--\(ofStitch) is for stitches, and --method exact makes none; leave one of the two out")
        }
        if method != .automatic, invocation.text("patience") != nil {
            throw Failure(.input, "--patience is for --method auto; leave it out" + (ofStitch.map { ", or --\($0), which asks for a stitch" } ?? ""))
        }
        return method
    }

    /// The options of a replay that `delete` and `bench` share.
    static func replayOptions(_ invocation: Invocation) throws -> ReplayOptions {
        var replay = ReplayOptions()
        if let policy = try invocation.choice("on-no-decay", NoDecayPolicy.self) { replay.onNoDecay = policy }
        if let fit = try invocation.choice("fit", FitMethod.self) { replay.fitMethod = fit }
        if let limit = try invocation.number("rho-limit", in: 0...1) { replay.decayGuard.rhoLimit = limit }
        if let damping = invocation.text("damping"), damping == "l1" {
            replay.damping = .gapNorms
        } else if let damping = invocation.text("damping"), damping != "auto" {
            guard let factor = Double(damping), (0...1).contains(factor) else {
                throw Failure(.input, "--damping takes auto, l1 or a number from 0 to 1, not '\(damping.prefix(80))'")
            }
            replay.damping = .fixed(factor)
        }
        return replay
    }

    /// A line from the terminal. Swift's `readLine` goes on waiting, and busily, where a signal came.
    private static func line() throws -> String {
        var bytes: [UInt8] = [], byte: UInt8 = 0
        while bytes.count < 80 {
            do { try StopRequest.waitForInput(STDIN_FILENO, "standard input") } catch let failure as Failure where failure == .interrupted {
                throw Failure.interruptedUnchanged
            }
            // Input that ends before its line does is no answer.
            guard read(STDIN_FILENO, &byte, 1) == 1 else { return "" }
            guard byte != UInt8(ascii: "\n") else { break }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Deletion cannot be undone: a person at a terminal is asked once.
    static func confirm(_ rows: String, _ folder: String) throws {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return }
        MessageStream.standardError.text("delete \(rows) from \(folder) for good? [y/N] ")
        guard ["y", "yes"].contains(try line().lowercased()) else { throw Failure(.input, "not confirmed; nothing was changed") }
    }
}
