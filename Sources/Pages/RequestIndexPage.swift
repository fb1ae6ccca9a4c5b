import Charts
import Files
import Unlearn

/// All requests of a project at a glance, each with a link to its page.
public struct RequestIndexPage {
    private let records: [RequestRecord]

    public init(_ records: [RequestRecord]) {
        precondition(!records.isEmpty, "an index of nothing")
        self.records = records
    }

    /// The name of a request's page beside this one.
    public static func fileName(_ record: RequestRecord) -> String { record.request + ".html" }
    public static let name = "index.html"

    public func html() -> String {
        let owed = records.filter { $0.outcome == .owed }, open = records.filter { $0.outcome == .unfinished }
        var answer: [Markup] = []
        func bad(_ text: String) -> Markup { .element("span", ["class": "bad"], Markup(text: text)) }
        let undone = records.filter { $0.outcome == .undone }.map(\.request)
        if !open.isEmpty { answer.append(bad("Not finished: \(open.map(\.request).joined(separator: ", ")). ")) }
        let waiting = records.filter { $0.outcome == .waiting }.map(\.request)
        if !waiting.isEmpty { answer.append(bad("Not carried out yet: \(waiting.joined(separator: ", ")). ")) }
        if !undone.isEmpty { answer.append(bad("Not carried out: \(undone.joined(separator: ", ")). ")) }
        if !owed.isEmpty { answer.append(bad("An exact repetition is owed to \(owed.map(\.request).joined(separator: ", ")): run “unlearn replay”.")) }
        let unacknowledged = records.filter { $0.erasureOrdered != nil && $0.erasureOrdered?.acknowledged == nil }.map(\.request)
        if !unacknowledged.isEmpty { answer.append(bad("The trainer has not acknowledged that it erased the rows of \(unacknowledged.joined(separator: ", ")): run “unlearn replay”. ")) }
        let withdrawn = records.filter { $0.outcome == .withdrawn }.map(\.request)
        if answer.isEmpty, withdrawn.count < records.count {
            answer.append(.element("span", ["class": "good"], Markup(text: "Every \(withdrawn.isEmpty ? "" : "other ")request was carried out, and no exact repetition is owed to any.")))
        }
        if !withdrawn.isEmpty { answer.insert(Markup(text: "Withdrawn: \(withdrawn.joined(separator: ", ")). "), at: 0) }
        let unclear = records.filter { $0.asked?.notFound.isEmpty == false }.map(\.request)
        let toClarify: Markup = unclear.isEmpty ? .none : " Names that were not found are to be clarified in \(unclear.joined(separator: ", "))."
        var page = Page(
            title: "Requests for erasure", header: [.element("p", ["class": "answer"], answer + [toClarify]), .element("p", ["class": "quiet"], RequestWords(records.last!).dated)],
            footer: "Written by unlearn \(programVersion). This page is one file: it loads nothing and runs nothing.")
        var table = Table(
            caption: "In the order in which they were recorded",
            columns: [.init("Request", isNumber: false), .init("Reference", isNumber: false), .init("Received", isNumber: false), .init(records.contains { $0.erasureOrdered != nil } ? "Rows to erase" : "Rows erased"), .init("Not found"), .init("Outcome", isNumber: false)])
        for record in records {
            let words = RequestWords(record)
            table.append([
                .element("a", ["href": Self.fileName(record)], Markup(text: record.request)), record.ticket.map(Markup.isolated) ?? "",
                Markup(text: words.received), Markup(text: String(record.rowsErased)), Markup(text: record.asked.map { String($0.notFound.count) } ?? ""), Markup(text: Self.outcome(record)),
            ])
        }
        page.append("requests", "Requests", [table.markup(label: "Requests")])
        return page.html()
    }

    /// What became of a request, in a few words.
    public static func outcome(_ record: RequestRecord) -> String {
        influence(record) + (record.erasureOrdered.map { $0.acknowledged == nil ? "; erasure ordered, NOT acknowledged" : "; erasure ordered and acknowledged" } ?? "")
    }

    private static func influence(_ record: RequestRecord) -> String {
        switch record.outcome {
        case .unfinished: "not finished"
        case .undone: "not carried out"
        case .waiting: "waits\(record.due.map { ", due \($0)" } ?? "")"
        case .withdrawn: "withdrawn"
        case .superseded: "nothing left to erase"
        case .noInfluence: "forgotten; the model had not learned from them"
        case .exact: "forgotten exactly"
        case .retrained: "forgotten"
        case .owed: "forgotten approximately, exactness owed"
        case .settled: "forgotten exactly since \(record.settledBy ?? "a later request")"
        case .replay: "earlier requests made exact"
        }
    }
}
