import Checkpoints
import Files
import Unlearn
import Valuation

extension CommandSpec {
    static let log = CommandSpec(
        name: "log", summary: "the requests and what was done, as the signed ledger tells it", example: "unlearn -C demo log --request R1",
        options: [OptionSpec("request", "R", "one request alone")], run: runLog)

    static let certificate = CommandSpec(
        name: "certificate", summary: "signed evidence of one deletion (in-toto Statement in a DSSE envelope)",
        example: "unlearn -C demo certificate R1 --out R1.json", operand: .one("REQUEST"),
        options: [OptionSpec("out", "FILE", "write it there instead of on standard output"), .force], run: runCertificate)

    static let verifyCertificate = CommandSpec(
        name: "verify-certificate", summary: "check a certificate, or a statement of values, without the project",
        example: "unlearn verify-certificate R1.json --public-key signing-key.pem", operand: .one("FILE"),
        options: [
            OptionSpec("public-key", "FILE|HEX", "the project's public key (signing-key.pem), had from someone you trust; default: the key the certificate names"),
            OptionSpec("model", "FILE", "also that this .safetensors or .npz file, as 'unlearn export' writes it, is the model that the certificate speaks of: its tensors, and all that makes classes of rows"),
            OptionSpec("id", "NAME", "also that it speaks of this row's id, person or provider; with --opening"),
            OptionSpec("opening", "HEX", "what the project's owner handed over with the certificate ('unlearn opening')"),
            OptionSpec("project", "ID", "also that it is this project's ('unlearn status --json' and earlier certificates name its id)"),
        ],
        run: runVerifyCertificate)

    static let compact = CommandSpec(
        name: "compact", summary: "clear what interrupted commands left, add missing keyframes, rebuild the catalogue without free pages",
        example: "unlearn -C demo compact", options: [.threads], run: runCompact)

    private static func runLog(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let number = try invocation.text("request").map(Invocation.requestNumber)
        let store = try Store(opening: invocation.folder, .read)
        let log = try store.snapshot { try LogReport(of: store, request: number) }
        if let number, log.requests.isEmpty { throw Failure(.input, "no request \(Store.requestName(number)); 'unlearn log' lists them") }
        try console.result(log, number == nil ? overview(log) : log.requests.map { describe($0, log) }.joined(separator: "\n"))
        return 0
    }

    private static func overview(_ log: LogReport) -> String {
        var lines = ["\(log.events.count) entries" + (log.treeHead.map { ", root \($0.root)" } ?? "")] + log.remarks
        var rows = [["", "time", "event", "request", "what"]]
        for event in log.events {
            let request = log.requests.first { $0.request == event.request }
            let what: String =
                switch event.event {
                // Without a row it is the replay of what stitches of earlier requests left.
                case .deletionRequested: request?.rows.isEmpty == true ? "replay" : counted(request?.rows.count ?? 0, "row")
                case .deletionPublished: "\(request.map(method) ?? "-"), \(counted(request?.written?.count ?? 0, "object")) written"
                case .deletionClosed: "\(counted(request?.destroyed?.count ?? 0, "object")) destroyed"
                case .deletionUndone: request?.reason ?? ""
                case .requestSuperseded: "no row left to erase"
                case .erasureAcknowledged: "the trainer says that it has erased the rows"
                case .audited: verdict(request?.audits.last)
                case .valued: values(event.details)
                case .erasedAgain: "erased objects had been put back, and were destroyed again"
                case .appended: appended(event.details)
                case .created, .trained: ""
                }
            rows.append(["\(event.position)", event.time, event.event.rawValue, event.request ?? "-", what])
        }
        lines.append(table(rows))
        return lines.joined(separator: "\n")
    }

    /// How players were valued.
    private static func values(_ details: JSONValue?) -> String {
        guard let kind = details?["player_kind"]?.text, let metric = details?["metric"]?.text, let estimator = details?["estimator"]?.text else { return "" }
        return "\(kind)s by \(metric), \(estimator)"
    }

    /// How many rows came later.
    private static func appended(_ details: JSONValue?) -> String {
        guard let rows = details?["rows"]?.double, let blocks = details?["blocks"]?.double else { return "" }
        return "\(counted(Int(rows), "row")) in \(counted(Int(blocks), "new block"))"
    }

    /// How the influence was removed.
    private static func method(_ request: LogReport.Request) -> String {
        request.hadNoInfluence ? "no influence to remove" : request.method?.rawValue ?? "-"
    }

    private static func describe(_ request: LogReport.Request, _ log: LogReport) -> String {
        (["\(request.request): \(request.rows.isEmpty ? "replay" : counted(request.rows.count, "row")), \(request.state)"] + life(request, log)).joined(separator: "\n")
    }

    /// What happened to a request and when, in lines.
    static func life(_ request: LogReport.Request, _ log: LogReport) -> [String] {
        var lines: [String] = []
        if let time = request.requested { lines.append("requested \(time)") }
        if let time = request.published {
            lines.append("published \(time): \(request.hadNoInfluence ? "" : "method ")\(method(request)), \(counted(request.written?.count ?? 0, "new object"))")
        }
        if let digest = request.report?["interim"]?["state_digest"]?.text { lines.append("interim model \(digest)") }
        if let time = request.closed {
            lines.append("closed \(time): \(counted(request.destroyed?.count ?? 0, "object")) destroyed\(log.isEncrypted ? ", with their keys" : "")")
            lines += request.destroyedObjects.map { "  \($0.name) \($0.kind) \($0.block), BLAKE2b \($0.digest)" }
        }
        if let time = request.erasureAcknowledged { lines.append("the trainer said that it had erased the rows \(time)") }
        else if request.closed != nil, request.report?["rows_ordered"] == .bool(true) { lines.append("the trainer has not acknowledged that it erased the rows") }
        let others = request.erasedMeanwhile.inOrderOfRequests.map { "\(counted($0.count, "row")) by \($0.request)" }
        if !others.isEmpty { lines.append("erased by others while it waited: \(others.joined(separator: ", "))") }
        if let ended = request.ended { lines.append(request.reason.map { "\($0 == "withdrawn" ? "withdrawn" : "undone") \(ended)\($0 == "withdrawn" ? "" : ": \($0)")" } ?? "superseded \(ended): no row was left to erase") }
        lines += request.audits.map { "audited: \(verdict($0))" }
        return lines
    }

    /// What an audit found, as long as the ledger discloses it: figures go with the next deletion.
    private static func verdict(_ audit: JSONValue?) -> String { audit?["verdict"]?.text ?? "its figures were destroyed by a later deletion" }

    private struct Issued: Encodable {
        let request: String
        let out: String
        let bytes: Int
        let publicKey: String
    }

    private static func runCertificate(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let number = try Invocation.requestNumber(invocation.operand)
        try invocation.text("out").map { try Store.expectOutput($0, besideProject: invocation.folder, replacing: invocation.flag("force")) }
        let store = try Store(opening: invocation.folder, .read)
        let bytes = try ErasureCertificate.issue(number, of: store)
        guard let out = invocation.text("out") else {
            // The envelope is JSON itself.
            try Console.output(String(decoding: bytes, as: UTF8.self))
            return 0
        }
        try bytes.withUnsafeBytes { try FileSystem.publish(output: $0, at: out, replacing: invocation.flag("force")) }
        try console.result(
            Issued(request: Store.requestName(number), out: PathText.printable(out), bytes: bytes.count, publicKey: store.publicKey.description),
            """
            \(out): certificate of \(Store.requestName(number)), signed with key \(store.publicKey)
            anyone can check it: unlearn verify-certificate \(out) --public-key \(invocation.folder)/signing-key.pem
            """)
        return 0
    }

    private static func runVerifyCertificate(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let path = invocation.operand
        let key = try invocation.text("public-key").map(readPublicKey)
        if let id = invocation.text("project"), Hexadecimal.decode(id)?.count != 16 {
            throw Failure(.input, "--project takes 32 hexadecimal digits, as 'unlearn status --json' names them, not '\(id.prefix(80))'")
        }
        guard (invocation.text("id") == nil) == (invocation.text("opening") == nil) else {
            throw Failure(.input, "--id and --opening go together: neither says anything without the other")
        }
        let asked = try invocation.text("id").map { (name: $0, opening: try NameOpening(hexadecimal: invocation.required("opening", "HEX"))) }
        let bytes = try readCertificate(path)
        let model = try invocation.text("model").map { (path: $0, digests: try ServedModel.digests(ofFile: $0)) }
        if StatementType(claimedBy: bytes) == .values {
            if asked != nil { throw Failure(.input, "\(path) is a statement of values, which speaks of players by name; --id and --opening are for certificates") }
            var verified = try ValueStatement.verify(bytes, path: path, key: key, project: invocation.text("project"))
            verified = try ValueStatement.compareFiles(of: verified, in: path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".")
            let sentence = try model.map { try CertifiedModel.sentence($0.path, $0.digests, among: [CertifiedModel(what: "the model that was valued", state: verified.stateDigest, serving: verified.servingDigest)].compactMap { $0 }) }
            try console.result(verified, describe(verified, path) + (sentence.map { "\n" + $0 } ?? ""))
            return 0
        }
        let verified = try ErasureCertificate.verify(bytes, path: path, key: key, project: invocation.text("project"))
        if let asked { try verified.expectSpeaks(of: asked.name, opening: asked.opening, path: path) }
        let trust = trust(verified.keyGiven)
        let known = [
            CertifiedModel(what: "the model right after the request", state: verified.stateDigest, serving: verified.servingDigest),
            CertifiedModel(what: "the interim model, served meanwhile", state: verified.interimDigest, serving: verified.interimServingDigest),
        ].compactMap { $0 }
        let sentence = try model.map { try CertifiedModel.sentence($0.path, $0.digests, among: known) }
        try console.result(
            verified,
            """
            \(path): valid: \(counted(verified.rowsErased, "row")) \(forgotten(verified)) by \(verified.request), closed \(verified.closed)
            project \(verified.project)
            (a) \(counted(verified.rowsErased, "row"))\(verified.erasureOrdered.map { ": \($0)" } ?? " erased")\(verified.rowsErasedBefore > 0 ? ", \(verified.rowsErasedBefore) by earlier requests" : "")\(verified.rowsErasedMeanwhile > 0 ? ", \(verified.rowsErasedMeanwhile) of them by other requests while this one waited" : "")\
            \(verified.sharedWith.isEmpty ? "" : "; carried out in one run with \(verified.sharedWith.prefix(10).joined(separator: ", "))\(verified.sharedWith.count > 10 ? " and \(verified.sharedWith.count - 10) more" : "")")
            (b) \(erased(verified))
            (c) \(verified.rowsErasedMeanwhile > 0 && !verified.hadInfluence ? "no trained block held the rows that it erased itself" : verified.hadInfluence ? "influence removed by \(verified.exact ? "exact replay" : verified.stitched ? "stitch" : "retraining")\(verified.exactnessOwed ? "; an exact replay was owed when it was issued" : "")" : "no influence to remove: no trained block held the rows")\
            \(verified.stateDigest.map { "; model right after it \($0)" } ?? "")\
            \(verified.hadInfluence || verified.rowsErasedMeanwhile > 0 ? "\n    \(verified.meaning)" : "")\
            \(verified.settledBy.map { "\n    made exact since by \($0), closed \(verified.settledAt ?? "")" } ?? "")\
            \(verified.interimDigest.map { "\n    interim model meanwhile \($0)" } ?? "")\
            \(verified.extrapolatedDistance.map { "\n    about \(fixed($0)) (L1) from exact replay by extrapolation of the fit; not a bound" } ?? "")
            \(verified.audits.map { "audited since: \(found($0))\n" }.joined())\
            not reached\(verified.settledBy == nil ? ", as of its closing" : ""):
            \(verified.notReached.map { "  \($0)" }.joined(separator: "\n"))
            in the signed ledger of \(verified.ledgerSize) entries, key \(verified.publicKey)\(trust)\(sentence.map { "\n" + $0 } ?? "")\
            \(asked.map { "\nit speaks of '\(Console.printable($0.name, keeping: []))': rows asked for by that name are among those erased" } ?? "")
            """)
        return 0
    }

    /// What a comparison with exact replay found, in words.
    private static func found(_ verdict: AuditReport.Verdict) -> String {
        switch verdict {
        case .exact: "the model is, bit for bit, the one that training without the deleted rows gives"
        case .nearer: "the model is nearer to exact replay than the one from before, which nothing was deleted from"
        case .noBetter: "the model is NOT nearer to exact replay than the one from before, which nothing was deleted from"
        case .undecided: "too little was kept to tell which model is nearer to exact replay"
        case .mismatch: "the model claims to be exact, and exact replay gives ANOTHER one"
        case .noInfluence: "there was nothing to compare"
        }
    }

    /// What became of the rows' influence, before anything else.
    private static func forgotten(_ verified: ErasureCertificate.Verified) -> String {
        let (were, are) = verified.rowsErased == 1 ? ("was", "is") : ("were", "are")
        // Of rows that only the trainer holds nobody here knows more than its word.
        let erased = verified.erasureOrdered == nil ? "\(were) erased and" : "\(were) ordered to be erased, and \(are)"
        if verified.rowsErased == 0 { return "erased; what earlier requests had left was made exact" }
        if verified.settledBy != nil { return "\(erased) forgotten exactly, in two steps," }
        guard verified.hadInfluence else { return "\(erased) forgotten," }
        return verified.exact ? "\(erased) forgotten exactly," : verified.stitched || verified.exactnessOwed ? "\(erased) forgotten approximately," : "\(erased) forgotten,"
    }

    private static func trust(_ keyGiven: Bool) -> String {
        keyGiven ? "" : "\nNOT compared with a key that you trust: give --public-key (the certificate names its own, which proves nothing about who signed)"
    }

    private static func describe(_ verified: ValueStatement.Verified, _ path: String) -> String {
        let isAccuracy = verified.metric == "accuracy", hasIntervals = verified.players.contains { $0.low != $0.value || $0.high != $0.value }
        func value(_ value: Double?) -> String { value.map { isAccuracy ? fixed($0 * 100, 4) : fixed($0, 6) } ?? "" }
        var rows = [[verified.playerKind, "rows", isAccuracy ? "value, points" : "value, nats"] + (hasIntervals ? ["low", "high"] : []) + ["share, %"]
            + (verified.pool == nil ? [] : ["amount"]) + ["rank"]]
        for player in verified.players.sorted(by: { ($0.rank, $0.player) < ($1.rank, $1.player) }) {
            rows.append(
                [player.player, "\(player.rows)", value(player.value)] + (hasIntervals ? [value(player.low), value(player.high)] : []) + [fixed(player.share * 100, 2)]
                    + (player.amount.map { [fixed($0)] } ?? []) + ["\(player.rank)"])
        }
        var lines = [
            "\(path): valid; values of project \(verified.project) (\(verified.source)), recorded \(verified.valued)",
            "\(verified.estimator) by \(verified.utility) utility, \(counted(verified.orders, "block order")); \(verified.metric) of all \(value(verified.vAll)), "
                + "of none (\(verified.none.rawValue)) \(value(verified.vEmpty)); model valued \(verified.stateDigest)",
            table(rows),
        ]
        if let reason = verified.noInterval { lines.append(reason) }
        if let pool = verified.pool {
            let isPaid = verified.players.contains { $0.amount ?? 0 > 0 }
            lines.append(isPaid ? "amounts follow from the values, of \(fixed(pool))" : "nothing of \(fixed(pool)) is paid: no value is above 0, or all together are no better than none")
        }
        lines += verified.files.map { "\($0.name) has SHA-256 \($0.sha256)" + ($0.beside == .same ? ", and so has the file beside the statement" : "; no such file lies beside the statement") }
        return (lines + ["in the signed ledger of \(counted(verified.ledgerSize, "entry", "entries")), key \(verified.publicKey)\(trust(verified.keyGiven))"]).joined(separator: "\n")
    }

    private static func erased(_ verified: ErasureCertificate.Verified) -> String {
        counted(verified.checkpointsErased, "superseded checkpoint")
            + (verified.evidenceErased > 0 ? " and \(counted(verified.evidenceErased, "sample")) of earlier models" : "") + " erased"
            + (verified.encrypted ? verified.checkpointsErased + verified.evidenceErased == 1 ? ", with its key" : ", with their keys" : "")
    }

    /// Certificates are a few hundred kilobytes at most; a huge file is somebody's mistake.
    private static let longestCertificate = 1 << 28

    static func readCertificate(_ path: String) throws -> [UInt8] {
        try FileSystem.read(input: path, "the path of the certificate", most: longestCertificate)
    }

    private static func readPublicKey(_ text: String) throws -> PublicKey {
        if let key = PublicKey(text: text) { return key }
        guard let key = PublicKey(text: String(decoding: try FileSystem.read(input: text, "the path of the public key", most: 10_000, digits: .mayBeMeant), as: UTF8.self)) else {
            throw Failure(.input, "\(text) holds no Ed25519 public key (PEM, or 64 hexadecimal digits); give the project's signing-key.pem")
        }
        return key
    }

    private struct Compacted: Encodable {
        let bytesBefore: Int
        let bytes: Int
        let objects: Int
    }

    /// Gives the number of objects. The project is closed when it returns: an open catalogue has files beside it that are no
    /// part of what stays.
    private static func compact(_ invocation: Invocation, _ console: Console) throws -> Int {
        let project = try Project(opening: invocation.folder, .write, threads: try invocation.threads)
        try console.tellingOpening(project.store) { try project.compact() }
        return try project.store.objects().count
    }

    private static func runCompact(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let before = try FileSystem.treeLength(invocation.folder)
        let objects = try compact(invocation, console)
        let after = try FileSystem.treeLength(invocation.folder)
        try console.result(
            Compacted(bytesBefore: before, bytes: after, objects: objects),
            "\(counted(objects, "object")); \(megabytes(before)) before, \(megabytes(after)) now")
        return 0
    }
}
