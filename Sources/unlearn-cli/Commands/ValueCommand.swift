import Checkpoints
import Files
import Foundation
import Unlearn
import Valuation

extension OptionSpec {
    /// Who is valued, by what and how.
    static let valuing = [
        OptionSpec("players", "groups|blocks|FILE", "groups (default), blocks, or a file of lines player,id (header), or of ids, each a player"),
        .choice("estimator", ValuationOptions.EstimatorName.self, "exact (default up to 12 players), permutation (default beyond), or another"),
        .choice("utility", ValuationOptions.UtilityName.self, "exact (default: replay), stitch, additive (no training)"),
        .choice("metric", Metric.self, "of models on the valuation rows; loss: the negative mean log-loss"),
        .choice("none", Baseline.self, "what values are measured against: the class frequencies of the valuation rows (default), or the untrained network"),
        OptionSpec("max-evaluations", "N", "coalitions that sampling takes at most (default: 40 a player, unless --width is given); leave-one-out comes on top"),
        OptionSpec("confidence", "X", "of the intervals (default 0.95)"),
        OptionSpec("width", "W", "stop when every interval is narrower"),
        OptionSpec("controls", "additive|stitch|additive,stitch|none", "cheap utilities as control variates of permutation sampling (default additive)"),
        OptionSpec("truncation", "X", "end a permutation this near to the value of all; biased by at most that (default 0)"),
        OptionSpec("alpha", "X", "of Beta(α, β) (default 4)"), OptionSpec("beta", "X", "of Beta(α, β) (default 1)"),
        OptionSpec("orders", "N", "block orders to average over: values depend on a block's place (default 1)"),
        OptionSpec("seed", "S", "of what is drawn (default: the project's)"),
        OptionSpec("yes", nil, "value more than 12 players exactly"),
    ]
}

extension CommandSpec {
    static let value = CommandSpec(
        name: "value", summary: "what each provider's rows are worth to the model", example: "unlearn -C demo value --players groups --out report",
        operand: .any("[merge FILE…]"),
        options: OptionSpec.valuing + [
            OptionSpec("fidelity", "additive|stitch|additive,stitch|none", "cheap utilities to compare with the exact one (default additive)"),
            OptionSpec("pool", "AMOUNT", "money to share out by value, to the hundredth, such as 10000; negative values get nothing"),
            OptionSpec("shard", "I/N", "evaluate share I of N into --out FILE; 'value merge FILE…' puts them together"),
            OptionSpec("out", "DIR", "write report.html, values.csv, utilities.csv and statement.json (signed) there; with --shard, the file"),
            .force, .threads, .workers, .approximate,
        ],
        run: runValue)

    private static func runValue(_ invocation: Invocation) throws -> Int32 {
        if invocation.operands.first == "merge" { return try merge(invocation) }
        if let word = invocation.operands.first {
            throw Failure(.input, "'\(word.prefix(80))' is no argument of 'unlearn value'; its one word is merge, before the shards' files")
        }
        let console = Console(invocation: invocation)
        let source = playerSource(invocation)
        let pool = try invocation.text("pool").map { try Pool($0) }
        let shard = try invocation.text("shard").map(shardPlan)
        if shard != nil, pool != nil { throw Failure(.input, "a shard knows no values to share money out by; give --pool to 'unlearn value merge'") }
        if shard != nil, invocation.text("out") == nil { throw Failure(.input, "--shard writes a file; name it with --out") }
        // A shard that is there goes on where it is the same one, which is seen when it is read.
        if shard != nil { try Store.expectOutput(invocation.text("out")!, besideProject: invocation.folder, replacing: true) }
        let project = try Project(opening: invocation.folder, shard == nil ? .write : .read, threads: try invocation.threads, workers: try invocation.workers)
        if !invocation.flag("approximate") { try project.refuseOtherNumerics("value players") }
        let players = try console.tellingOpening(project.store) { try PlayerSet(source, of: project) }
        let options = try valuationOptions(invocation, players: players.count, project)
        let bar = console.progress("steps")
        let valuation = try Valuation(project, players: players, options: options, threads: try invocation.threads, control: Interrupt.control) {
            bar.update($0, $1, of: $2)
        }
        if let shard {
            let path = invocation.text("out")!
            let done = try valuation.computeShard(shard, at: path, replacing: invocation.flag("force"))
            bar.finish()
            try console.result(
                ShardResult(shard: "\(shard.index)/\(shard.count)", coalitions: done.coalitions, evaluations: done.evaluated, out: PathText.printable(path)),
                "shard \(shard.index) of \(shard.count): \(counted(done.coalitions, "coalition")) in \(path), \(done.evaluated) evaluated now")
            return 0
        }
        let folder = try invocation.text("out").map { try ReportFolder($0, players: players.players.map(\.name), besideProject: invocation.folder, replacing: invocation.flag("force")) }
        console.message("\(players.count) players: \(valuation.outlook)")
        var outcome = try valuation.run(fidelity: try utilities(invocation, "fidelity") ?? [.additive], withCurves: folder != nil)
        bar.finish()
        return try finish(&outcome, pool, of: project, folder, console)
    }

    private static func merge(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation), paths = Array(invocation.operands.dropFirst())
        guard !paths.isEmpty else { throw Failure(.input, "'unlearn value merge' needs the shards' files") }
        let given = ["estimator", "utility", "metric", "none", "max-evaluations", "confidence", "width", "controls", "truncation", "alpha", "beta", "orders", "fidelity", "seed", "shard"]
        if let option = given.first(where: { invocation.text($0) != nil }) {
            throw Failure(.input, "--\(option) is in the shards already; 'unlearn value merge' takes --players, --pool and --out")
        }
        let source = playerSource(invocation), pool = try invocation.text("pool").map { try Pool($0) }
        let project = try Project(opening: invocation.folder, .read, threads: try invocation.threads, workers: try invocation.workers)
        let players = try console.tellingOpening(project.store) { try PlayerSet(source, of: project) }
        let folder = try invocation.text("out").map { try ReportFolder($0, players: players.players.map(\.name), besideProject: invocation.folder, replacing: invocation.flag("force")) }
        let bar = console.progress("steps")
        var outcome = try Valuation.merge(paths, of: project, players: players, threads: try invocation.threads, control: Interrupt.control) {
            bar.update($0, $1, of: $2)
        }
        bar.finish()
        return try finish(&outcome, pool, of: project, folder, console)
    }

    static func finish(_ outcome: inout ValuationOutcome, _ pool: Pool?, of project: Project, _ folder: ReportFolder?, _ console: Console) throws -> Int32 {
        if let pool { outcome.report.share(pool) }
        let tables = folder?.tables(outcome.report, utilities: outcome.utilities) ?? []
        var statement: [UInt8]?
        do {
            statement = try outcome.record(in: project, files: tables)
        } catch let error as any DescribedError where error.kind != .damaged {
            // The values are what was asked for; a busy or read-only project does not take them away.
            console.message("the values are not in the ledger\(folder == nil ? "" : ", and no statement of them is signed"): \(error.description)")
        }
        try folder?.write(outcome.report, tables, statement: statement)
        var text = describe(outcome.report)
        if let folder {
            text += "\n\(folder.path)/\(ReportFolder.pageName) has the charts; \(ReportFolder.valuesName) and \(ReportFolder.utilitiesName) the figures"
            if statement != nil { text += "; anyone can check \(ReportFolder.statementName), which is signed: unlearn verify-certificate \(folder.path)/\(ReportFolder.statementName) --public-key \(console.invocation.folder)/signing-key.pem" }
        }
        try console.result(outcome.report, text)
        return 0
    }

    private struct ShardResult: Encodable {
        let shard: String
        let coalitions: Int
        let evaluations: Int
        let out: String
    }

    // MARK: - Options

    static func playerSource(_ invocation: Invocation) -> PlayerSource {
        switch invocation.text("players") ?? "groups" {
        case "groups": .groups
        case "blocks": .blocks
        case let path: .file(path)
        }
    }

    private static func shardPlan(_ text: String) throws -> ShardPlan {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1], (1...ShardFile.mostShards).contains(count) else {
            throw Failure(.input, "--shard takes a share such as 1/4, not '\(text.prefix(80))'")
        }
        return try ShardPlan(index: index, count: count)
    }

    private static func utilities(_ invocation: Invocation, _ name: String) throws -> [ValuationOptions.UtilityName]? {
        guard let text = invocation.text(name) else { return nil }
        if text == "none" { return [] }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map {
            guard let utility = ValuationOptions.UtilityName(rawValue: String($0)), utility != .exact else {
                throw Failure(.input, "--\(name) takes additive, stitch, both with a comma between, or none, not '\(text.prefix(80))'")
            }
            return utility
        }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    static func valuationOptions(_ invocation: Invocation, players: Int, _ project: Project) throws -> ValuationOptions {
        let few = players <= ExactEstimator.defaultPlayerLimit
        // A budget or a width asks for sampling.
        let samples = !few || invocation.text("max-evaluations") != nil || invocation.text("width") != nil
        var options = ValuationOptions(estimator: try invocation.choice("estimator") ?? (samples ? .permutation : .exact))
        if let utility: ValuationOptions.UtilityName = try invocation.choice("utility") { options.utility = utility }
        if let metric: Metric = try invocation.choice("metric") { options.metric = metric }
        if let none: Baseline = try invocation.choice("none") { options.none = none }
        options.maxEvaluations = try invocation.integer("max-evaluations", in: 1...1 << 30)
        options.width = try invocation.number("width", in: 1e-9...1e9)
        options.confidence = try invocation.number("confidence", in: 0.5...0.9999) ?? options.confidence
        options.truncation = try invocation.number("truncation", in: 0...1e9) ?? 0
        options.alpha = try invocation.number("alpha", in: 0.01...1000) ?? options.alpha
        options.beta = try invocation.number("beta", in: 0.01...1000) ?? options.beta
        options.orders = try invocation.integer("orders", in: 1...1000) ?? 1
        options.seed = try invocation.integer("seed", in: 0...Int.max).map(UInt64.init) ?? project.settings.recipe.trainer.seed
        if let controls = try utilities(invocation, "controls") { options.controls = controls.isEmpty ? nil : controls }
        options.allowsManyPlayers = invocation.flag("yes")
        for (name, estimator) in [("alpha", "beta"), ("beta", "beta"), ("controls", "permutation")]
        where invocation.text(name) != nil && options.estimator.rawValue != estimator {
            throw Failure(.input, "--\(name) is for --estimator \(estimator)")
        }
        if let fidelity = invocation.text("fidelity"), fidelity != "none", options.utility != .exact { throw Failure(.input, "--fidelity compares with --utility exact") }
        return options
    }

    // MARK: - Text

    /// `2 to 4`: which ranks the intervals allow. No dash between: a spreadsheet would take it for a date.
    private static func ranks(_ player: ValueReport.Player) -> String {
        guard let best = player.rankBest, let worst = player.rankWorst else { return "" }
        return best == worst ? "\(best)" : "\(best) to \(worst)"
    }

    private static func all(_ report: ValueReport) -> String {
        switch report.all {
        case .project: ""
        case .replay: " (exact replay)"
        case .orders: " (mean over \(report.orders) block orders\(report.vAllOwnOrder.map { "; the project's own: \(report.metric == "accuracy" ? percent($0) : fixed($0, 4))" } ?? ""))"
        }
    }

    private static func none(_ report: ValueReport) -> String {
        switch report.none {
        case .baseRate: report.metric == "accuracy" ? "the most frequent class" : "the class frequencies"
        case .untrained: "the untrained network"
        case .unownedRows: "the rows of no player"
        }
    }

    private static func describe(_ report: ValueReport) -> String {
        let isAccuracy = report.metric == "accuracy"
        let largest = report.players.map { abs($0.value) }.max() ?? 0
        func value(_ value: Double) -> String {
            isAccuracy ? String(format: "%+.2f", value * 100) : String(format: largest < 0.001 ? "%+.2e" : "%+.4f", value)
        }
        let hasIntervals = report.noInterval == nil && report.players.contains { $0.low != $0.value || $0.high != $0.value }
        let money = report.pool == nil ? [] : ["amount"]
        var rows = [["player", "rows", isAccuracy ? "value, points" : "value, nats"]]
        rows[0] += hasIntervals ? ["low", "high"] : []
        rows[0] += ["share, %"] + money + ["rank"]
        rows[0] += hasIntervals ? ["could be"] : []
        rows[0].append("leave-one-out")
        for player in report.players.sorted(by: { ($0.rank, $0.player) < ($1.rank, $1.player) }) {
            var row = [player.player, "\(player.rows)", value(player.value)]
            if hasIntervals { row += [player.low.map(value) ?? "", player.high.map(value) ?? ""] }
            row.append(fixed(player.share * 100, 1))
            if let amount = player.amount { row.append(fixed(amount)) }
            row.append("\(player.rank)")
            if hasIntervals { row.append(ranks(player)) }
            row.append(player.leaveOneOut.map(value) ?? "")
            rows.append(row)
        }
        var lines = [table(rows)]
        if !report.groups.isEmpty {
            var groups = [["group", "players", "rows", "values together", "low", "high"]]
            for group in report.groups.sorted(by: { ($1.value, $0.group) < ($0.value, $1.group) }) {
                groups.append([group.group, "\(group.players)", "\(group.rows)", value(group.value), group.low.map(value) ?? "-", group.high.map(value) ?? "-"])
            }
            lines += ["", table(groups), ""]
        }
        if let pool = report.pool {
            let reason = report.players.contains { $0.value > 0 } ? "all players together are no better than none" : "no value is above 0"
            lines.append(report.isPaid ? "amounts add up to \(fixed(pool)), in proportion to positive values" : "\(reason): nothing of \(fixed(pool)) is paid")
        }
        if report.players.contains(where: { $0.value < 0 }) { lines.append("negative values count as nothing in the shares") }
        if report.unownedRows > 0 {
            lines.append("\(counted(report.unownedRows, "training row")) of \(report.trainingRows) \(report.unownedRows == 1 ? "belongs" : "belong") to no player: every coalition learns from them, and nobody is paid for them")
        }
        lines += [report.undecided, report.fewRows, report.ownRows].compactMap { $0 }
        if report.vAll <= report.vEmpty, report.pool == nil { lines.append("all players together add nothing here: shares of a payment mean little") }
        if let reason = report.noInterval { lines.append("\(reason); values are means over the orders (spread_over_orders in --json says how far apart they lie)") }
        if report.branches > 0 {
            lines.append("values are those of \(counted(report.valuationRows, "valuation row")) and of one stem with \(counted(report.branches, "branch", "branches")), whose order plays no part")
        } else if report.orders == 1 { lines.append("values are those of one block order and \(counted(report.valuationRows, "valuation row")); --orders N shows how far a block's place in the chain matters") }
        let score = { (score: Double) in isAccuracy ? percent(score) : fixed(score, 4) }
        lines.append(
            "all players\(all(report)): \(score(report.vAll)), none (\(none(report))): \(score(report.vEmpty))"
                + (report.efficiencyGap.map { "; the values add up to the difference within \(String(format: "%.1g", abs($0)))" } ?? ""))
        lines.append(
            "\(report.estimator) over \(counted(report.evaluations, "coalition")) by \(report.utility) utility\(report.orders > 1 ? ", \(report.orders) block orders" : ""); "
                + "\(report.blocksTrained) blocks trained now, \(report.blocksTrainedFromScratch) from scratch\(report.removalBlocksTrained > 0 ? ", \(report.removalBlocksTrained) for the curves" : ""); \(fixed(report.seconds, 1)) s")
        lines.append(
            "project \(report.project) (\(report.source)), state \(report.stateDigest), \(report.date)\(report.ledgerEntry.map { ", entry \($0) of its ledger" } ?? "")")
        if let stopped = report.stopped { lines.append("stopped because \(stopped)") }
        for fidelity in report.fidelity {
            lines.append(
                "\(fidelity.utility) utility: \(value(fidelity.meanError).dropFirst()) off on average, \(value(fidelity.largestError).dropFirst()) at most, over "
                    + "\(counted(fidelity.coalitions, "coalition"))" + (fidelity.rankCorrelation.map { "; rank correlation of values \(fixed($0, 3))" } ?? ""))
        }
        return lines.joined(separator: "\n")
    }
}
