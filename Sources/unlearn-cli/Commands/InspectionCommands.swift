import Checkpoints
import Files
import Unlearn
import Valuation

extension CommandSpec {
    static let whereRows = CommandSpec(
        name: "where", summary: "where rows stand: block, slot, group", example: "seq 0 99 | unlearn -C demo where --ids -",
        options: OptionSpec.namingRows + [.idColumn], run: runWhere)

    static let status = CommandSpec(
        name: "status", summary: "what is here", example: "unlearn -C demo status", options: [.threads], run: runStatus)

    static let check = CommandSpec(
        name: "check", summary: "verify structure, seals, digests and signatures of everything stored", example: "unlearn -C demo check --read-data",
        options: [
            OptionSpec("read-data", nil, "also compare every row with the catalogue"),
            OptionSpec("certificate", "FILE", "also that the ledger continues the one this certificate (or statement of values) was issued from"),
            .threads,
        ], run: runCheck)

    static let export = CommandSpec(
        name: "export", summary: "write the current (or a past) state", example: "unlearn -C demo export --out model.safetensors",
        options: [
            OptionSpec("out", "FILE", "a name that ends in .safetensors, .npz or .onnx (Python's onnx writes that)"),
            OptionSpec("block", "i", "the state after block i (default: the model)"), OptionSpec("branch", "s", "the last state of branch s"),
            OptionSpec("interim", nil, "the model that is there at once when the rows of --ids, --persons or --group are asked for: it never saw them"),
        ] + OptionSpec.namingRows + [.idColumn, .ignoreMissing, .ignoreUnknown, .force], run: runExport)

    private static func runWhere(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let report: RowPlaces
        switch try invocation.namedRows() {
        case .group(let group): report = try RowPlaces(ofGroup: group, in: Project(opening: invocation.folder, .read, threads: 1))
        case .persons(let people): report = try RowPlaces(ofPersons: people, in: Project(opening: invocation.folder, .read, threads: 1))
        case .list(let ids): report = try RowPlaces(of: ids, in: Store(opening: invocation.folder, .read))
        case .chain, nil: throw Failure(.input, "'unlearn where' needs --ids FILE or --persons FILE (or - for standard input), or --group NAME")
        }
        if let unknown = report.notFoundWords { console.message(unknown) }
        if let remark = AlikePerson.remark(report.alike) { console.message(remark) }
        if let gone = report.deletedBefore, !gone.isEmpty {
            let whens = Set(gone.map(\.when)).sorted()
            console.message("\(counted(gone.count, "row")) of theirs \(gone.count == 1 ? "was" : "were") deleted before (\(whens.prefix(5).joined(separator: "; "))\(whens.count > 5 ? " …" : ""))")
        }
        try console.result(
            report,
            report.hasPlaces
                ? table([["id", "part", "block", "slot", "branch", "group", "deleted"]]
                    + report.rows.map { [$0.id, $0.part, "\($0.block)", "\($0.slot)", $0.branchCell, $0.group ?? "-", $0.when ?? "no"] })
                : table([["id", "part", "block", "slot", "group", "deleted"]]
                    + report.rows.map { [$0.id, $0.part, "\($0.block)", "\($0.slot)", $0.group ?? "-", $0.when ?? "no"] }))
        return 0
    }

    private static func runStatus(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let status = try Project(opening: invocation.folder, .read, threads: try invocation.threads).status()
        let chain =
            status.blocksTrained == 0
            ? "nothing trained yet"
            : status.exact
                ? status.requests == 0 ? "exact: nothing was deleted yet" : "exact: the same bits as training without the deleted rows"
                : status.unrepeatable ? "trained by a program that does not give the same bits twice"
                : status.lineage == nil ? "stitched: exact up to block \((status.firstInexactBlock ?? status.blocksTrained + 1) - 1)" : "not exact: a stitch, or other numerics"
        var lines = [
            "\(status.model) on \(status.source): \(status.blocksTrained) of \(status.blocks) blocks trained",
            "\(status.rowsLive) training rows live, \(counted(status.rowsDeleted, "row")) deleted or left out, \(counted(status.requests, "request")); \(status.testRowsLive) test rows",
            status.lineage.map { "lineage: \(DeletionText.shape(stem: $0.stem, branches: $0.branches, length: $0.length)); \(chain)" } ?? "chain \(chain)",
        ] + (status.requestsOwed.isEmpty ? [] : ["exactness is owed to \(status.requestsOwed.joined(separator: ", ")): 'unlearn replay' makes the model exact"])
            + (status.requestsToAcknowledge.isEmpty ? [] : ["the trainer has not acknowledged that it erased the rows of \(status.requestsToAcknowledge.joined(separator: ", ")): 'unlearn replay' orders it again"])
            + status.workingCopies.map { "a working copy of the rows lies in \($0), which no deletion here reaches: 'unlearn jobs collect' or 'jobs remove' ends it" }
            + (status.requestsWaiting == 0 ? [] : ["\(counted(status.requestsWaiting, "request waits", "requests wait"))\(status.nextDue.map { ", due \(status.requestsWaiting == 1 ? "" : "first ")\($0)" } ?? ""): 'unlearn request run' carries \(status.requestsWaiting == 1 ? "it" : "them") out"])
            + contents(status) + [
            origin(status),
            "store \(megabytes(status.storeBytes)) of checkpoints, \(megabytes(status.rowBytes)) of rows",
            "numerics " + status.fingerprint.facts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
        ]
        lines.append("encryption \(status.encryption); ledger \(counted(status.ledger?.size ?? 0, "entry", "entries")), signed with key \(status.publicKey)")
        if let difference = status.fingerprintDifference {
            lines.append(status.unrepeatable ? "NOT repeatable: \(difference); what a deletion retrains is never called exact" : "NOT the numerics here: \(difference); replay here is approximate")
        }
        if let digest = status.stateDigest { lines.append("state \(digest)") }
        try console.result(status, lines.joined(separator: "\n"))
        return 0
    }

    /// When a project was made and what happened to it last, for whoever returns to it.
    private static func origin(_ status: Status) -> String {
        var words = "made \(status.created ?? "at a time that nothing names") by version \(status.programVersion); test rows \(status.testSource.map { "from \($0)" } ?? "set aside")"
        if let event = status.lastEvent, let time = status.lastTime { words += "; last entry of its ledger: \(event) \(time)" }
        return words
    }

    /// More classes and columns are in the JSON.
    private static let mostShown = 20

    /// What rows are: the classes that labels name, and the columns of a table.
    private static func contents(_ status: Status) -> [String] {
        func line(_ name: String) -> String { Console.printable(name, keeping: []) }
        func listed(_ names: [String]) -> String { names.prefix(mostShown).map(line).joined(separator: ", ") + (names.count > mostShown ? " … (\(names.count) in all)" : "") }
        let names = status.tableNames.map { names in
            "; labels '\(line(names.label))'" + (names.id.map { ", ids '\(line($0))'" } ?? ", ids are positions") + (names.group.map { ", groups '\(line($0))'" } ?? "") + (names.person.map { ", persons '\(line($0))'" } ?? "")
        }
        guard let columns = status.columns else {
            return ["classes \(listed(status.classes)); \(status.rowsAreTheTrainers ? "rows that the trainer alone holds" : "rows of \(status.shape.isFlat ? counted(status.shape.count, "feature") : "\(status.shape.channels)×\(status.shape.height)×\(status.shape.width) values")")"]
        }
        return ["classes \(listed(status.classes))\(names ?? "")", "columns " + listed(columns.map { "\($0.name) \($0.categories.map { counted($0, "category", "categories") } ?? $0.kind)" })]
    }

    private static func runCheck(_ invocation: Invocation) throws -> Int32 {
        do {
            return try check(invocation)
        } catch let error as any DescribedError {
            throw Failure(error.kind, CheckReport.fault(error.description))
        }
    }

    private static func check(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let project = try Project(opening: invocation.folder, .inspect, threads: try invocation.threads)
        let certificate = try invocation.text("certificate").map { ($0, try readCertificate($0)) }
        let bar = console.progress("objects")
        var report = try project.check(readData: invocation.flag("read-data")) {
            try StopRequest.check()
            bar.update("checking", $0, of: $1)
        }
        bar.finish()
        if let (path, bytes) = certificate {
            do {
                switch StatementType(claimedBy: bytes) {
                case .erasure: try ErasureCertificate.verify(bytes, path: path, isContinuedBy: project.store)
                case .values: try ValueStatement.verify(bytes, path: path, isContinuedBy: project.store)
                }
            } catch let error as Failure where error.kind == .damaged || error.kind == .refused {
                report.errors.append(error.description)
            }
        }
        try console.result(
            report,
            report.errors.isEmpty
                ? "\(report.objects) objects, \(megabytes(report.bytes)): no fault\(report.readData ? ", every row read" : "")"
                    + (report.strayFiles.isEmpty ? "" : "\n\(counted(report.strayFiles.count, "file")) of an unfinished change; the next command that writes removes them")
                    + report.remarks.map { "\n\($0)" }.joined()
                : report.errors.joined(separator: "\n") + "\n\(counted(report.errors.count, "fault")) in \(report.objects) objects")
        return report.errors.isEmpty ? 0 : FailureKind.damaged.rawValue
    }

    private struct Exported: Encodable {
        let tensors: Int
        let bytes: Int
        let stateDigest: String
        let out: String
    }

    private static func runExport(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let out = try invocation.required("out", "FILE.safetensors, FILE.npz or FILE.onnx")
        let force = invocation.flag("force"), ways = ["block", "branch", "interim"].filter(invocation.flag)
        guard ways.count <= 1 else { throw Failure(.input, "--\(ways[0]) and --\(ways[1]) name two states; give one of them") }
        if !invocation.flag("interim") {
            for name in OptionSpec.namingRows.map(\.name) + ["id-column", "ignore-missing", "ignore-unknown"] where invocation.flag(name) { throw Failure(.input, "--\(name) goes with --interim: a state has no rows; leave it out") }
        }
        try Project.expectExport(to: out, besideProject: invocation.folder, replacing: force)
        let state: Project.ExportedState
        if invocation.flag("interim") {
            let ignored = [("ignore-missing", MissingRow.deleted), ("ignore-unknown", .unknown)].filter { invocation.flag($0.0) }.map(\.1)
            guard let target = try invocation.namedRows() else { throw Failure(.input, "'unlearn export --interim' needs --ids FILE or --persons FILE (or - for standard input), or --group NAME") }
            state = .interim(target, ignoring: Set(ignored))
        } else if let block = try invocation.integer("block", in: 0...1_000_000) {
            state = .block(block)
        } else if let branch = try invocation.integer("branch", in: 1...1_000_000) {
            state = .branch(branch)
        } else {
            state = .model
        }
        let project = try Project(opening: invocation.folder, .read, threads: 1)
        let model = try project.exported(state), bytes = try project.export(model, to: out, replacing: force)
        let count = project.trainer.layout.tensors.count
        try console.result(Exported(tensors: count, bytes: bytes, stateDigest: Digest(of: model.state).description, out: PathText.printable(out)), "\(out): \(counted(count, "tensor")), \(bytes) bytes")
        return 0
    }
}
