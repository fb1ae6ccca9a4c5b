import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("value, from the shell")
struct ValueTests {
    private let data: SmallData

    init() throws { data = try SmallData() }

    /// A trained project whose 600 rows belong to providers by turns, a block each.
    private func project(providers: Int = 5) throws -> Program {
        let groups = (0..<600).map { "\($0),provider \($0 % providers)\n" }.joined()
        let list = try data.folder.write("id,group\n" + groups, to: "groups.csv")
        let program = try data.initialise(in: "project", "--blocks-by", "group", "--blocks", "\(providers)", "--groups", list)
        try program.json("train")
        return program
    }

    private func players(_ report: [String: Any]) throws -> [[String: Any]] { try #require(report["players"] as? [[String: Any]]) }

    @Test("Rows that belong to nobody are counted, and the statement's check is told with the key that it needs")
    func nobody() throws {
        let list = try data.folder.write("id,group\n" + (0..<500).map { "\($0),provider \($0 % 3)\n" }.joined(), to: "groups.csv")
        let program = try data.initialise(in: "project", "--blocks", "4", "--groups", list)
        try program.json("train")
        let report = try program.json("value", "--metric", "loss", "--utility", "additive")
        #expect(report["unowned_rows"] as? Int == 100 && report["none"] as? String == "unowned-rows")
        let folder = data.folder.file("values"), result = try program.run("value", "--metric", "loss", "--utility", "additive", "--out", folder)
        #expect(result.output.contains("\n100 training rows of 600 belong to no player: every coalition learns from them, and nobody is paid for them\n"), "\(result.output)\(result.errors)")
        #expect(result.output.contains("unlearn verify-certificate \(folder)/statement.json --public-key \(program.folder!)/signing-key.pem"), "\(result.output)")
        #expect(try Program().run("verify-certificate", folder + "/statement.json", "--public-key", program.folder! + "/signing-key.pem").status == 0)
    }

    @Test("A budget too small is refused before any work, over all block orders", arguments: [(1, 18), (3, 54)])
    func budget(_ orders: Int, _ sufficient: Int) throws {
        let program = try project()
        let refusal = try program.run("value", "--max-evaluations", "9", "--orders", "\(orders)")
        #expect(refusal.status == 2 && refusal.errors.contains("raise it to \(sufficient) or more"), "\(refusal.errors)")
        #expect(try program.json("value", "--max-evaluations", "\(sufficient)", "--orders", "\(orders)")["blocks_trained"] as? Int ?? 0 > 0)
    }

    @Test("Exact values add up, train each prefix once, and are there at the second call")
    func exact() throws {
        let program = try project()
        let first = try program.json("value", "--players", "groups", "--metric", "loss")
        let values = try players(first).map { try #require($0["value"] as? Double) }
        #expect(try players(first).map { $0["player"] as? String } == (0..<5).map { "provider \($0)" })
        let all = try #require(first["v_all"] as? Double), empty = try #require(first["v_empty"] as? Double)
        let gap = try #require(first["efficiency_gap"] as? Double)
        #expect(abs(values.reduce(0, +) - (all - empty)) < 1e-12 && abs(gap) < 1e-12)
        #expect(first["estimator"] as? String == "exact" && first["confidence"] as? Double == 0.95)
        // 2⁵ − 1 nodes of the trie, without the five that the chain has; 5·2⁴ from scratch.
        #expect(first["evaluations"] as? Int == 32 && first["blocks_trained"] as? Int == 26 && first["blocks_trained_from_scratch"] as? Int == 80)
        let second = try program.json("value", "--players", "groups", "--metric", "loss", "--threads", "1")
        #expect(second["blocks_trained"] as? Int == 0)
        #expect(try players(second).map { $0["value"] as? Double } == values)
        // Both metrics come from one training.
        let byAccuracy = try program.json("value", "--metric", "accuracy")
        #expect(byAccuracy["blocks_trained"] as? Int == 0 && byAccuracy["v_all"] as? Double != all)
        // Measured against the class frequencies: v(none) is minus their entropy, and lies in no table.
        #expect(first["none"] as? String == "base-rate" && empty < 0 && empty >= -log(4.0))
        let untrained = try program.json("value", "--metric", "loss", "--none", "untrained")
        #expect(untrained["none"] as? String == "untrained" && untrained["blocks_trained"] as? Int == 0 && untrained["v_empty"] as? Double != empty)
        // Deleted rows take what was computed with them along.
        try program.json("delete", "--ids", "-", "--yes", input: "3\n")
        let again = try #require(program.json("value", "--metric", "loss")["blocks_trained"] as? Int)
        #expect(again > 0)
    }

    @Test("Shards, merged in any order, write the bytes that one process writes", arguments: ["permutation", "banzhaf", "exact"])
    func shards(_ estimator: String) throws {
        let program = try project()
        let options = ["value", "--estimator", estimator, "--metric", "loss", "--seed", "7"] + (estimator == "exact" ? [] : ["--max-evaluations", "20"])
        var paths: [String] = [], coalitions = 0
        for index in [2, 3, 1] {
            let path = data.folder.file("shard\(index)")
            let result = try program.json(options + ["--shard", "\(index)/3", "--out", path])
            #expect(result["shard"] as? String == "\(index)/3")
            coalitions += try #require(result["coalitions"] as? Int)
            paths.append(path)
        }
        let merged = data.folder.file("merged"), alone = data.folder.file("alone")
        try program.json(["value", "merge"] + paths + ["--out", merged])
        let curves = try program.json(options + ["--out", alone])["removal_blocks_trained"] as? Int
        for name in ["values.csv", "utilities.csv"] {
            let one = try Data(contentsOf: URL(fileURLWithPath: "\(alone)/\(name)"))
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(merged)/\(name)")) == one, "\(name)")
        }
        // No coalition is evaluated by two shards.
        let lines = try String(contentsOfFile: "\(alone)/utilities.csv", encoding: .utf8).split(separator: "\n").count
        #expect(coalitions == lines - 1)
        // Nor is a model of the removal curves trained twice.
        let again = try program.json(options + ["--out", alone, "--force"])
        #expect(try #require(curves) > 0 && again["removal_blocks_trained"] as? Int == 0 && again["blocks_trained"] as? Int == 0)
        // A share that is there already is not computed again.
        let repeated = try program.json(options + ["--shard", "1/3", "--out", paths[2]])
        #expect(repeated["evaluations"] as? Int == 0)
    }

    @Test("Over eight block orders a value has an interval, over fewer a reason why there is none", arguments: [2, 7, 8])
    func intervals(_ orders: Int) throws {
        let program = try project(providers: 3), folder = data.folder.file("report")
        let report = try program.json("value", "--orders", "\(orders)", "--metric", "loss", "--fidelity", "none", "--out", folder)
        let text = try program.run("value", "--orders", "\(orders)", "--metric", "loss", "--fidelity", "none").output
        let reason = "\(orders) block orders are too few for an interval: it takes 8"
        let table = try String(contentsOfFile: folder + "/values.csv", encoding: .utf8).split(separator: "\n")
        for (player, line) in zip(try players(report), table.dropFirst()) {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            for (name, field) in [("low", 3), ("high", 4), ("rank_best", 7), ("rank_worst", 8)] {
                let isNull = player[name] is NSNull
                #expect(isNull == (orders < 8) && fields[field].isEmpty == isNull, "\(name)")
            }
            #expect(player["spread_over_orders"] is NSNumber)
        }
        #expect(orders < 8 ? report["no_interval"] as? String == reason : report["no_interval"] is NSNull)
        #expect(text.contains(reason) == (orders < 8) && text.contains(" low ") == (orders == 8))
        let page = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
        #expect(page.contains(reason) == (orders < 8))
        // What everybody's data is worth is the mean; the project's own model stands beside it.
        #expect(report["all"] as? String == "orders" && report["v_all_own_order"] is NSNumber)
        #expect(text.contains("mean over \(orders) block orders; the project's own: "))
    }

    @Test("Over several block orders a value has a spread, and values still add up")
    func orders() throws {
        let program = try project()
        let run = try program.run("value", "--metric", "loss", "--orders", "3", "--json"), report = try run.json()
        // What it may take is said beforehand: the stored chain serves the project's own order alone.
        #expect(run.status == 0 && run.errors.contains("up to 96 coalitions, 88 block trainings"), "\(run.errors)")
        #expect(report["blocks_trained"] as? Int == 88)
        #expect(report["orders"] as? Int == 3)
        for player in try players(report) {
            #expect(try #require(player["spread_over_orders"] as? Double) > 0)
        }
        let gap = try #require(report["efficiency_gap"] as? Double)
        #expect(abs(gap) < 1e-12)
    }

    @Test("Values of single rows are summed by provider, with intervals", arguments: ["permutation", "exact", "banzhaf"])
    func groups(_ estimator: String) throws {
        let program = try project(), ids = [0, 5, 10, 1, 6, 11, 2, 7]
        let list = try data.folder.write(ids.map { "\($0)\n" }.joined(), to: "rows")
        let sampling = estimator == "exact" ? [] : ["--max-evaluations", "120"]
        let report = try program.json(["value", "--players", list, "--estimator", estimator, "--metric", "loss", "--out", data.folder.file("rows-report")] + sampling)
        let groups = try #require(report["groups"] as? [[String: Any]])
        #expect(groups.map { $0["group"] as? String } == ["provider 0", "provider 1", "provider 2"])
        #expect(groups.map { $0["rows"] as? Int } == [3, 3, 2] && groups.map { $0["players"] as? Int } == [3, 3, 2])
        let values = try players(report).map { try #require($0["value"] as? Double) }
        for (group, members) in zip(groups, [0..<3, 3..<6, 6..<8]) {
            let value = try #require(group["value"] as? Double)
            #expect(abs(value - values[members].reduce(0, +)) < 1e-12)
            // Maximum sample reuse tells of each player alone.
            guard estimator != "banzhaf" else { continue }
            let low = try #require(group["low"] as? Double), high = try #require(group["high"] as? Double)
            #expect(estimator == "exact" ? low == value && high == value : low < value && value < high)
        }
        #expect(try String(contentsOfFile: data.folder.file("rows-report") + "/report.html", encoding: .utf8).contains("Values by group"))
        #expect(try #require(program.json("value", "--metric", "loss")["groups"] as? [[String: Any]]).isEmpty)
    }

    @Test("Providers one after the other in a chain are warned of, on standard error; other blocks are not")
    func warning() throws {
        let groups = (0..<600).map { "\($0),provider \($0 % 3)\n" }.joined()
        let list = try data.folder.write("id,group\n" + groups, to: "groups.csv")
        func errors(_ name: String, _ options: String...) throws -> String {
            let result = try Program(folder: data.folder.file(name)).run(
                ["init", "--data", data.spec, "--model", "logistic", "--groups", list, "--json"] + options)
            #expect(try result.status == 0 && result.json()["rows"] as? Int == 540)
            return result.errors
        }
        let warning = try errors("one", "--blocks-by", "group", "--blocks", "3")
        #expect(warning.hasPrefix("warning: ") && warning.contains("the last weigh most") && warning.hasSuffix("with --branches providers' order plays no part\n"))
        #expect(warning.filter { $0 == "\n" }.count == 1)
        #expect(try errors("two", "--blocks-by", "group", "--blocks", "3", "--quiet") == "")
        #expect(try errors("three", "--blocks-by", "stratified", "--blocks", "3") == "")
        // With branches there is nothing to warn of, and values are not said to be those of an order.
        #expect(try errors("four", "--blocks-by", "group", "--blocks", "6", "--branches", "3", "--stem", "0") == "")
        let branches = Program(folder: data.folder.file("four"))
        try branches.json("train")
        let report = try branches.json("value", "--metric", "loss", "--pool", "100", "--out", data.folder.file("branches"))
        // A provider fills a branch of two blocks, and its deletion touches no other.
        #expect(try players(report).map { $0["deletion_blocks"] as? Int } == [2, 2, 2] && report["branches"] as? Int == 3)
        let text = try branches.run("value", "--metric", "loss").output
        #expect(text.contains("one stem with 3 branches, whose order plays no part") && !text.contains("--orders"))
        let page = try String(contentsOfFile: data.folder.file("branches") + "/report.html", encoding: .utf8)
        #expect(page.contains("their order plays no part") && !page.contains("--orders"))
        // Sixty test rows, half of which values are measured on.
        for told in [text, page] { #expect(told.contains("only 30 valuation rows, half of the test rows: ") && told.contains("nobody should be paid by these")) }
        // They are some of the providers' own.
        for told in [text, page] { #expect(told.contains("the valuation rows are a part of the providers") && told.contains("rows that you trust")) }
        #expect(try branches.run("verify-certificate", data.folder.file("branches") + "/statement.json").status == 0)
    }

    @Test("A pool is shared out to the hundredth, and what was found is on record, signed, until the next deletion")
    func pool() throws {
        let program = try project(providers: 3), folder = data.folder.file("report")
        let report = try program.json("value", "--metric", "loss", "--pool", "10000.01", "--out", folder)
        let amounts = try players(report).map { try #require($0["amount"] as? Double) }
        let cents = amounts.map { Int(($0 * 100).rounded()) }
        #expect(cents.reduce(0, +) == 1_000_001 && report["pool"] as? Double == 10_000.01)
        #expect((report["date"] as? String)?.hasSuffix("Z") == true && report["source"] as? String == data.spec)
        #expect(report["ledger_entry"] as? Int == 2)
        let lines = try String(contentsOfFile: folder + "/values.csv", encoding: .utf8).split(separator: "\n")
        let column = lines.dropFirst().compactMap { $0.split(separator: ",", omittingEmptySubsequences: false).last.flatMap { Double($0) } }
        #expect(column == amounts)
        let text = try program.run("value", "--metric", "loss", "--pool", "10000.01").output
        let digest = try #require(report["state_digest"] as? String)
        #expect(text.contains("amounts add up to 10000.01, in proportion to positive values") && text.contains("state \(digest)"))

        let statement = folder + "/statement.json", key = data.folder.file("project/signing-key.pem"), elsewhere = Program(folder: data.folder.file("none"))
        let verified = try elsewhere.json("verify-certificate", statement, "--public-key", key)
        #expect(try players(verified).map { $0["amount"] as? Double } == amounts && verified["key_given"] as? Bool == true)
        let said = try elsewhere.run("verify-certificate", statement)
        #expect(said.status == 0 && said.output.contains("amounts follow from the values, of 10000.01") && said.output.contains("NOT compared with a key that you trust"))
        #expect(try elsewhere.run("verify-certificate", statement, "--project", String(repeating: "0", count: 32)).status == 3)
        #expect(try program.run("check", "--certificate", statement).status == 0)
        #expect(try program.run("log").output.contains("groups by loss, exact"))

        // Shards put together are recorded as well, by a project that was open for reading.
        for index in 1...2 { try program.json("value", "--metric", "loss", "--shard", "\(index)/2", "--out", data.folder.file("s\(index)")) }
        let merged = try program.json("value", "merge", data.folder.file("s1"), data.folder.file("s2"), "--pool", "10000.01", "--out", folder, "--force")
        #expect(try players(merged).map { $0["amount"] as? Double } == amounts && merged["ledger_entry"] as? Int == 4)
        #expect(try elsewhere.run("verify-certificate", statement, "--public-key", key).status == 0)

        try program.json("delete", "--ids", "-", "--yes", input: "3\n")
        let events = try #require(program.json("log")["events"] as? [[String: Any]]).filter { $0["event"] as? String == "valued" }
        #expect(events.count == 3 && events.allSatisfy { ($0["details"] as? [String: Any])?["metric"] as? String == "loss" })
    }

    @Test("What cannot be valued is one clear line and exit code 2")
    func badInput() throws {
        let program = try project(), folder = data.folder
        func expect(_ words: [String], _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
            let result = try program.run(["value"] + words)
            #expect(result.status == 2 && result.output == "" && result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
            for part in parts { #expect(result.errors.contains(part), "\(result.errors)", sourceLocation: sourceLocation) }
        }
        let unknown = try folder.write("player,id\na,1\nb,nobody\n", to: "unknown.csv")
        try expect(["--players", unknown], "unknown.csv line 3", "'nobody'")
        let overlapping = try folder.write("player,id\na,1\na,2\nb,2\n", to: "overlapping.csv")
        try expect(["--players", overlapping], "overlapping.csv line 4", "'2'")
        let many = try folder.write("player,id\n" + (0..<14).map { "p\($0),\($0)\n" }.joined(), to: "many.csv")
        try expect(["--players", many, "--estimator", "exact"], "16384 coalitions", "block trainings", "--yes")
        try expect(["--players", many, "--max-evaluations", "1073741824"], "GiB of memory", "--max-evaluations")
        try expect(["--players", folder.file("none.csv")], "none.csv")
        try expect(["--shard", "4/3", "--out", folder.file("s")], "no shard 4 of 3")
        try expect(["--shard", "0/3", "--out", folder.file("s")], "no shard 0 of 3")
        try expect(["--shard", "1/3"], "--out")
        try expect(["--out", unknown], "is a file")
        try expect(["--out", folder.file("project/objects")], "project's own files")
        try expect(["--estimator", "guess"], "--estimator takes exact, permutation")
        for pool in ["0", "-5", "1.234", "ten", "1e3", ""] { try expect(["--pool", pool], "--pool takes an amount", "2499.50") }
        try expect(["--pool", "10", "--shard", "1/2", "--out", folder.file("s")], "value merge")
        try expect(["--none", "nothing"], "--none takes base-rate, untrained")
        try expect(["merge"], "shards' files")
        try expect(["--estimator", "exact", "--max-evaluations", "5"], "--max-evaluations", "--estimator permutation")
        try expect(["--orders", "2", "--utility", "additive"], "--utility exact")
        try expect(["--orders", "2", "--width", "0.1"], "--width")
        try expect(["--estimator", "permutation", "--width", "0.1", "--shard", "1/2", "--out", folder.file("s")], "--max-evaluations")
        try expect(["--estimator", "permutation", "--truncation", "0.1", "--shard", "1/2", "--out", folder.file("s")], "--truncation")
        try expect(["--estimator", "banzhaf", "--truncation", "0.1"], "--truncation is for --estimator permutation")
        try expect(["--estimator", "exact", "--alpha", "2"], "--alpha is for --estimator beta")
        let options = ["value", "--estimator", "permutation", "--metric", "loss", "--max-evaluations", "18"]
        try program.json(options + ["--seed", "1", "--shard", "1/2", "--out", folder.file("one")])
        try program.json(options + ["--seed", "2", "--shard", "2/2", "--out", folder.file("two")])
        try expect(["merge", folder.file("one"), folder.file("two")], "seeds (1 and 2)")
        try expect(["merge", folder.file("one")], "2", "missing")
        try expect(["merge", unknown], "is no shard")
    }

    @Test("A provider without rows is no player any more")
    func emptyGroup() throws {
        let program = try project(providers: 3)
        try program.json("delete", "--ids", "-", "--yes", "--method", "exact", input: stride(from: 1, to: 600, by: 3).map { "\($0)\n" }.joined())
        let left = try players(program.json("value")).map { $0["player"] as? String }
        #expect(left == ["provider 0", "provider 2"])
    }
}
