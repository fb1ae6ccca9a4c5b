import Checkpoints
import Files
import Foundation
import Unlearn

/// What `request` does with the queue.
private enum RequestAction: String, CommandAction {
    case add, list, show, withdraw, run

    /// The options of each.
    var options: [OptionSpec] {
        switch self {
        case .add: OptionSpec.namingRows + [.idColumn, .ignoreMissing, .ignoreUnknown, .ticket, .received, .due, .events]
        case .list: [.dueWithin]
        case .show: []
        case .withdraw: [.events]
        case .run: [.plan, .yes] + OptionSpec.removing
        }
    }
}

extension OptionSpec {
    fileprivate static let received = OptionSpec("received", "DATE", "when the letter came, 2026-11-30 or 2026-11-30T14:05:09Z (default: now)")
    fileprivate static let due = OptionSpec("due", "DATE", "until when it is to be carried out (default: one month after it came)")
    fileprivate static let dueWithin = OptionSpec("due-within", "DAYS", "only what waits and is due within so many days, such as 7d, or overdue")
    fileprivate static let plan = OptionSpec("plan", nil, "say what a run would do, and do nothing")

    /// The same option, with what it is for in front.
    fileprivate func of(_ action: String) -> OptionSpec { OptionSpec(name, value, "\(action): \(help)") }
}

extension CommandSpec {
    static let request = CommandSpec(
        name: "request", summary: "the queue: add what people ask for, list what is due, carry it out in one run",
        example: "unlearn -C demo request add --ids letter.txt --ticket 2026-114",
        operand: .any("add|list|show R|withdraw R|run [R…]"),
        options: RequestAction.allOptions { action, option in (action == .run && option.name != "plan") || option.name == "events" ? option : option.of(action.rawValue) },
        run: runRequest)

    private static func runRequest(_ invocation: Invocation) throws -> Int32 {
        let action = try RequestAction(of: invocation), word = action.rawValue
        let numbers = try invocation.operands.dropFirst().map(Invocation.requestNumber)
        switch action {
        case .add, .list:
            guard numbers.isEmpty else { throw Failure(.input, "'unlearn request \(word)' takes no request's name; see 'unlearn request --help'") }
        case .show, .withdraw:
            guard numbers.count == 1 else { throw Failure(.input, "'unlearn request \(word)' takes the name of one request, such as R1; 'unlearn request list' lists them") }
        case .run: break
        }
        let console = Console(invocation: invocation)
        switch action {
        case .add: try add(invocation, console)
        case .list: try list(invocation, console)
        case .show: try show(numbers[0], invocation, console)
        case .withdraw: try withdraw(numbers[0], invocation, console)
        case .run: try run(numbers.isEmpty ? nil : numbers, invocation, console)
        }
        return 0
    }

    // MARK: - The queue

    private struct Added: Encodable {
        let requests: [ListedRequest]
        let list: ListFindings

        private enum Key: CodingKey { case requests }

        func encode(to encoder: any Encoder) throws {
            try list.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(requests, forKey: .requests)
        }
    }

    private static func add(_ invocation: Invocation, _ console: Console) throws {
        var options = RequestOptions()
        options.received = try date("received", invocation)
        options.due = try date("due", invocation)
        options.ticket = try invocation.ticket
        options.ignoreMissing = invocation.flag("ignore-missing")
        options.ignoreUnknown = invocation.flag("ignore-unknown")
        let now = Date.now
        // Days are UTC; east of Greenwich today has begun already.
        if let received = options.received, received > now + mostAhead { throw Failure(.input, "--received \(invocation.text("received")!) lies ahead; name the day on which the letter came") }
        try Store.expectProject(in: invocation.folder)
        guard let target = try invocation.namedRows() else {
            throw Failure(.input, "'unlearn request add' needs --ids FILE or --persons FILE (or - for standard input), or --group NAME")
        }
        let (project, events) = try console.open(.write, threads: 1)
        let (request, findings) = try console.tellingOpening(project.store) { try project.addRequest(target, options: options, now: now) }
        events?.add(.received(request: request.request, rows: request.found))
        if let left = request.daysLeft, left < 0 { console.message("\(request.request) is overdue: it was due \(request.due ?? ""), \(counted(-left, "day")) ago") }
        try console.result(
            Added(requests: [request], list: findings),
            (["\(request.request) received\(request.due.map { ", due \($0)" } ?? ""): \(counted(request.found, "row")) to erase"] + DeletionText.findings(findings)
                + ["next: unlearn -C \(invocation.folder) request run"]).joined(separator: "\n"))
    }

    private static let mostAhead = 14.0 * 3600

    private static func date(_ option: String, _ invocation: Invocation) throws -> Date? {
        guard let text = invocation.text(option) else { return nil }
        guard let date = RequestDates.date(text) else {
            throw Failure(.input, "--\(option) takes a day such as 2026-11-30, or a time such as 2026-11-30T14:05:09Z, not '\(text.prefix(80))'")
        }
        return date
    }

    private static func list(_ invocation: Invocation, _ console: Console) throws {
        var days: Int?
        if let text = invocation.text("due-within") {
            guard let number = Int(text.last == "d" ? String(text.dropLast()) : text), (0...36_500).contains(number) else {
                throw Failure(.input, "--due-within takes a number of days such as 7d, not '\(text.prefix(80))'")
            }
            days = number
        }
        let store = try Store(opening: invocation.folder, .read)
        let all = try store.snapshot { try store.requestList() }
        let requests = all.filter { request in days.map { (request.daysLeft ?? .max) <= $0 } ?? true }
        guard !requests.isEmpty else {
            return try console.result([ListedRequest](), named: "requests", days.map { "nothing that waits is due within \(counted($0, "day"))" } ?? "no request was made yet; 'unlearn request add' records one")
        }
        try console.result(requests, named: "requests", table(requests))
    }

    /// What waits first, and of that what is due first.
    private static func table(_ requests: [ListedRequest]) -> String {
        let waiting = requests.filter(\.isWaiting).sorted { ($0.daysLeft ?? .max) < ($1.daysLeft ?? .max) }, others = requests.filter { !$0.isWaiting }
        return unlearn_cli.table([["request", "state", "received", "due", "rows", "not found", "before", "ticket"]] + (waiting + others).map { request in
            let due = request.due.map { $0 + (request.daysLeft.map { $0 < 0 ? " (overdue)" : " (\($0) d)" } ?? "") }
            return [
                request.request, request.state + (request.erasurePending == true ? ", erasure not acknowledged" : ""), request.received.map { String($0.prefix { $0 != "T" }) } ?? "-", due ?? "-", "\(request.found)", "\(request.notFound)", "\(request.deletedBefore)",
                request.ticket ?? "-",
            ]
        })
    }

    private static func show(_ number: Int, _ invocation: Invocation, _ console: Console) throws {
        let store = try Store(opening: invocation.folder, .read), name = Store.requestName(number)
        let (request, log) = try store.snapshot {
            _ = try store.requestList(number)
            let log = try LogReport(of: store, request: number)
            return (try store.request(number, closed: log.requests.first?.closed), log)
        }
        let next: String =
            switch request.state {
            case "received": "next: unlearn -C \(invocation.folder) request run \(name)"
            case "closed": "next: unlearn -C \(invocation.folder) report --request \(name) --out \(name).html"
            default: ""
            }
        var lines = ["\(name): \(request.state)\(request.ticket.map { ", ticket \($0)" } ?? "")"]
        if let received = request.received { lines.append("received \(received)\(dueWords(request))") }
        lines.append("\(counted(request.found, "row")) found, \(request.notFound) not found, \(request.deletedBefore) deleted before")
        lines += log.requests.flatMap { life($0, log) }
        if request.erasurePending == true { lines.append("the trainer has not acknowledged that it erased the rows: 'unlearn replay' orders it again") }
        if let ending = request.ending {
            if ending.daysLate > 0 { lines.append("closed \(counted(ending.daysLate, "day")) after it was due") }
            if ending.exactnessOwed { lines.append("exactness is owed: 'unlearn replay' pays it") }
            if let payer = ending.settledBy { lines.append("exactness was owed, and \(payer) has paid it") }
        }
        lines += next.isEmpty ? [] : [next]
        try console.result([request], named: "requests", lines.joined(separator: "\n"))
    }

    /// ", due 2026-12-30, 30 days left".
    private static func dueWords(_ request: ListedRequest) -> String {
        guard let due = request.due else { return "" }
        guard let left = request.daysLeft else { return ", due \(due)" }
        return ", due \(due), " + (left < 0 ? "overdue by \(counted(-left, "day"))" : "\(counted(left, "day")) left")
    }

    private static func withdraw(_ number: Int, _ invocation: Invocation, _ console: Console) throws {
        let (project, events) = try console.open(.write, threads: 1)
        let request = try console.tellingOpening(project.store) { try project.withdrawRequest(number) }
        events?.add(.withdrawn(request: request.request))
        try console.result([request], named: "requests", "\(request.request) is withdrawn; nothing was erased for it")
    }

    // MARK: - Runs

    private struct Planned: Encodable {
        let plan: RunPlan
    }

    private static func run(_ numbers: [Int]?, _ invocation: Invocation, _ console: Console) throws {
        let isPlan = invocation.flag("plan")
        var options = try deletionOptions(invocation, dryRun: isPlan)
        try Store.expectProject(in: invocation.folder)
        if !isPlan, !invocation.flag("yes"), !invocation.wantsJSON {
            let waiting = try Store(opening: invocation.folder, .read).requestList().filter { request in request.isWaiting && numbers?.contains { Store.requestName($0) == request.request } != false }
            if !waiting.isEmpty { try confirm("the rows of \(waiting.count > 10 ? counted(waiting.count, "request") : waiting.map(\.request).joined(separator: ", "))", invocation.folder) }
        }
        let (project, events) = try console.open(isPlan ? .read : .write, threads: try invocation.threads)
        guard !isPlan else {
            let plan = try project.store.snapshot { try project.planRun(numbers, options: options) }
            return try console.result(Planned(plan: plan), RunText.describe(plan))
        }
        let bar = console.progress("blocks")
        if let events { options.told = { events.add($0) } }
        let result = try console.tellingRefusal(opening: project.store, events) { [options] in
            try project.run(numbers, options: options, control: Interrupt.control) { trained, atMost in bar.update("retraining (at most)", trained, of: trained + atMost) }
        }
        bar.finish()
        try console.result(result, RunText.describe(result, folder: invocation.folder))
    }
}

extension ListedRequest: FlatJSON {
    var fields: [(name: String, value: JSONValue)]? {
        guard ending == nil else { return nil }
        func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }
        return [
            ("days_left", daysLeft.map(JSONValue.integer) ?? .null), ("deleted_before", .integer(deletedBefore)), ("due", text(due)), ("ending", .null),
            ("erasure_pending", erasurePending.map(JSONValue.bool) ?? .null), ("found", .integer(found)), ("not_found", .integer(notFound)),
            ("received", text(received)), ("request", .string(request)), ("state", .string(state)), ("ticket", text(ticket)),
        ]
    }
}
