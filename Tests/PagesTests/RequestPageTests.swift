import Checkpoints
import Files
import Foundation
import TestSupport
import Testing

@testable import Pages
@testable import Unlearn

@Suite("Pages of requests")
struct RequestPageTests {
    private let head: TreeHead

    init() throws {
        head = try JSONDecoder().decode(TreeHead.self, from: Data(#"{"project":"abcd","size":6,"root":"00","time":"2026-11-30T14:07:00Z","signature":"00"}"#.utf8))
    }

    /// What a page says, without its markup; blanks run together.
    private func text(_ html: String) -> String {
        let body = html.replacing(/(?s)<style>.*?<\/style>|<svg.*?<\/svg>/, with: " ").replacing(/<[^>]*>/, with: " ")
        return body.replacing("&quot;", with: "\"").replacing("&#39;", with: "'").replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private func record(
        _ outcome: RequestRecord.Outcome, rows: Int = 2, asked: AskedRows? = nil, ticket: String? = nil, audits: [RequestRecord.Audit] = [], report: DeletionReport? = nil,
        notReached: [RequestRecord.Remainder] = [.init(kind: .source, what: "the source that the rows were imported from", place: "csv:people.csv")], lineage: LineageShape? = nil, later: Int = 0,
        owedBefore: [String] = [], published: String? = nil, due: String? = nil, sharedWith: [String] = [], erasedMeanwhile: [String: Int] = [:]
    ) -> RequestRecord {
        let notCarriedOut = [.unfinished, .undone, .withdrawn, .waiting, .superseded].contains(outcome)
        var own = DeletionReport(request: "R3", rows: 2, epsilon: 0.1)
        own.blocksTotal = 10
        own.stitches = outcome == .owed && owedBefore.isEmpty ? 1 : 0
        return RequestRecord(
            request: "R3", outcome: outcome, settledBy: outcome == .settled ? "R5" : nil, settledAt: outcome == .settled ? "2026-12-01T03:00:00Z" : nil,
            approximateSince: nil, settles: outcome == .replay ? ["R1", "R2"] : [], owedBefore: owedBefore, reason: outcome == .undone ? "interrupted" : nil,
            project: "abcd", model: "lenet5", source: "csv:people.csv", testSource: nil, requested: "2026-11-30T14:05:09Z",
            published: notCarriedOut ? published : "2026-11-30T14:06:00Z", closed: notCarriedOut ? nil : "2026-11-30T14:06:01Z",
            ended: [.undone, .withdrawn, .superseded].contains(outcome) ? "2026-11-30T14:06:00Z" : nil, received: due == nil ? nil : "2026-11-12T00:00:00Z", due: due, sharedWith: sharedWith, erasedMeanwhile: erasedMeanwhile, asked: asked, ticket: ticket, rowsErased: notCarriedOut && published == nil ? 0 : rows, testRowsErased: 0, erasureOrdered: nil, objectsDestroyed: 4, encrypted: true, meaning: nil, report: notCarriedOut && outcome != .unfinished ? report : report ?? own, audits: audits, notReached: notCarriedOut ? [] : notReached, workingCopies: [],
            lineage: lineage, blocks: 10, stateDigest: "ff00", servingDigest: nil, isModelExact: outcome != .owed, laterRequests: later, ledgerPositions: [3, 4, 5],
            ledger: head,
            publicKey: "0123")
    }

    @Test("A request that waited says when its letter came and was due, and what became of its rows meanwhile")
    func waited() throws {
        let waiting = text(RequestPage(record(.waiting, due: "2026-12-12")).html())
        #expect(waiting.contains("which is due until 12 December 2026.") && waiting.contains("Came in 12 November 2026; to be carried out until 12 December 2026"))
        #expect(waiting.contains("Run “unlearn request run” before 12 December 2026 ends") && !waiting.contains("Tell whoever asked"))
        let gone = text(RequestPage(record(.superseded, due: "2026-12-12", erasedMeanwhile: ["R10": 1, "R2": 2])).html())
        #expect(gone.contains("Forgotten. All rows asked for were erased by other requests: R2 and R10. See their pages for how.") && gone.contains("Tell whoever asked"))
        let shared = text(RequestPage(record(.exact, due: "2026-12-12", sharedWith: ["R1", "R4"], erasedMeanwhile: ["R2": 1])).html())
        #expect(shared.contains("(In one run together with R1 and R4.)") && shared.contains("of these, 1 row by R2, while this request waited"))
        let index = text(RequestIndexPage([record(.exact), record(.waiting, due: "2026-12-12")]).html())
        #expect(index.contains("Not carried out yet: R3.") && index.contains("waits, due 2026-12-12") && !index.contains("Every request was carried out"))
    }

    @Test(
        "The first sentence says whether the rows are forgotten, and how",
        arguments: [
            (.exact, "Forgotten exactly. 2 rows were erased, and the model was made again exactly as if it had never learned from them."),
            (.owed, "Forgotten approximately; an exact repetition is owed. 2 rows were erased. The model was trained again without them for some while,"),
            (.settled, "Forgotten exactly, in two steps. 2 rows were erased; the model was approximate at first, and R5 has made it exact on 1 December 2026, 03:00:00 UTC."),
            (.noInfluence, "Forgotten. 2 rows were erased. No part of the model had learned from them"),
            (.retrained, "Forgotten. 2 rows were erased, and every part of the model that had learned from them was trained again without them."),
            (.undone, "Not carried out. Everything is as it was before: no row was erased."), (.unfinished, "Not finished."),
            (.waiting, "Not carried out yet. No row was erased so far. “unlearn request run” carries this request out."),
            (.superseded, "Nothing to erase. When the request came, the project had no live row by any of the names that were asked for."),
            (.withdrawn, "Withdrawn. The request was taken back on 30 November 2026, 14:06:00 UTC while it waited: no row was erased for it."),
            (.replay, "Exact again. What R1 and R2 had left approximate in the model was trained again exactly."),
        ] as [(RequestRecord.Outcome, String)])
    func answers(outcome: RequestRecord.Outcome, words: String) {
        let page = text(RequestPage(record(outcome)).html())
        #expect(page.contains(words), "\(page.prefix(600))")
        // Only what is approximate asks for a replay.
        #expect(page.contains("Run “unlearn replay”") == (outcome == .owed) && (page.contains("unlearn replay") == (outcome == .owed)))
        #expect(page.contains("As of 30 November 2026, 14:07:00 UTC.") && page.contains("Delete the rows from") == ![.replay, .undone, .withdrawn, .unfinished, .waiting, .superseded].contains(outcome))
    }

    @Test("Names that were not found, rows deleted before and the ticket are said; a ticket is text, whatever it holds")
    func asked() throws {
        let value = JSONValue.object([
            "way": .string("ids"), "names": .integer(4), "repeated": .integer(1), "not_found": .array([.string("aa")]), "deleted_before": .object(["R1": .integer(1), "": .integer(2)]),
        ])
        let asked = try #require(AskedRows(value)), html = RequestPage(record(.exact, rows: 1, asked: asked, ticket: "</p><script>alert(1)</script>\u{202E}7")).html(), page = text(html)
        #expect(page.contains("4 ids of rows (1 named more than once, counted once)"), "\(page)")
        #expect(page.contains("1 of these names has no row in the project and was skipped"))
        #expect(page.contains("2 rows left out when the project was made, 1 row by R1"))
        #expect(page.contains("Clarify the name that was not found with whoever asked"))
        #expect(!html.contains("<script") && !html.unicodeScalars.contains("\u{202E}") && page.contains("</p><script>alert(1)</script>"))
        // What it was made of comes back from the ledger's form.
        #expect(try AskedRows(JSONValue(asked)) == asked)
        #expect(AskedRows(.object(["way": .string("ids")])) == nil)
    }

    @Test("Rows that an earlier request erased approximately are not called forgotten by a later one that names them")
    func owedBefore() {
        let page = text(RequestPage(record(.owed, owedBefore: ["R1"])).html())
        #expect(page.contains("an exact repetition is owed. 2 rows were erased. Of the rows asked for, R1 had erased some before, and exactness is owed to it still. Running"), "\(page)")
        #expect(page.contains("For those that R1 had erased it is an approximation."))
    }

    @Test("What was trained again with other numerics is not called put back on; what is in place and not closed is told from what has not begun")
    func otherNumerics() {
        var report = DeletionReport(request: "R3", rows: 2, epsilon: 0.1)
        (report.stitches, report.otherNumerics, report.blocksTotal, report.blocksRetrained) = (0, true, 10, 4)
        let page = text(RequestPage(record(.owed, report: report)).html())
        #expect(page.contains("by another way of calculating than the project’s own") && !page.contains("put back on. ") && !page.contains("statistical test"), "\(page)")
        #expect(text(RequestPage(record(.unfinished)).html()).contains("cut off before anything had changed"))
        let published = text(RequestPage(record(.unfinished, published: "2026-11-30T14:06:00Z")).html())
        #expect(published.contains("The model without the rows is in place") && published.contains("Erased by this request 2 rows"), "\(published)")
        (report.stitches, report.otherNumerics, report.blocksRetrained, report.branchesEmptied) = (0, false, 0, [3])
        #expect(text(RequestPage(record(.noInfluence, report: report)).html()).contains("Only branches that have no row left now had learned from them"))
    }

    @Test("What an audit found is told in words before figures, and that nobody looked is told, too")
    func audits() throws {
        func audit(_ verdict: String?) throws -> RequestRecord.Audit {
            let figures: JSONValue? = verdict.map {
                .object(["verdict": .string($0), "agreement_exact": .number(0.99123), "agreement_nothing_vs_exact": .number(0.987), "accuracy": .object(["exact": .number(0.9), "current": .number(0.9)])])
            }
            return RequestRecord.Audit(try LedgerEntry(.audited, request: 3, untilDeletion: figures.map { ["figures": $0] } ?? [:]))
        }
        #expect(text(RequestPage(record(.exact)).html()).contains("Nobody has compared the model with exact replay since this request."))
        let nearer = text(RequestPage(record(.owed, audits: [try audit("nearer")])).html())
        #expect(nearer.contains("the model is nearer to exact replay than a model from which nothing was deleted,") && nearer.contains("99.12") && nearer.contains("98.70"), "\(nearer)")
        #expect(text(RequestPage(record(.owed, audits: [try audit("no-better-than-nothing")])).html()).contains("not nearer to exact replay than a model from which nothing was deleted. Run"))
        let gone = text(RequestPage(record(.settled, audits: [try audit(nil)])).html())
        #expect(gone.contains("what it found is gone: a later request destroys") && !gone.contains("Figures of the latest audit"))
    }

    @Test("What is left to do names places, and what stays is said apart from it")
    func left() {
        let page = text(RequestPage(record(.owed, notReached: [
            .init(kind: .source, what: "the source that the rows were imported from", place: "csv:people.csv"), .init(kind: .copies, what: "backups and copies of the project's folder", place: nil),
            .init(kind: .influences, what: "influences of the blocks that were not retrained", place: nil),
        ])).html())
        #expect(page.contains("☐ Delete the rows from the source that the rows were imported from: the next import would bring them back csv:people.csv"), "\(page)")
        #expect(page.contains("☐ Destroy backups and copies of the project's folder, or note when they expire"))
        #expect(page.contains("What nobody can tick off, and whoever signs should know of: Influences of the blocks that were not retrained."))
    }

    @Test("The strip of blocks shows which held rows and which were trained anew, also of ten thousand")
    func strip() throws {
        var report = DeletionReport(request: "R3", rows: 2, epsilon: 0.1)
        (report.blocksTotal, report.blocksTouched, report.blocksRetrained) = (10, [4], 3)
        report.segments = [.init(first: 4, last: 6, damping: 1, tailBound: 0)]
        let html = RequestPage(record(.owed, report: report)).html()
        #expect(text(html).contains("The training as a row of 10 blocks. 1 block held rows of this request (high bars); 3 were trained anew (dark), 7 were kept (light)."))
        #expect(html.contains("block 4, held rows of this request, trained anew") && html.contains("block 7, kept"))
        (report.blocksTotal, report.blocksTouched) = (10_000, [9_999])
        report.segments = [.init(first: 9_999, last: 10_000, damping: nil, tailBound: 0)]
        let large = RequestPage(record(.exact, report: report)).html()
        #expect(large.contains("blocks 9985 to 10000, held rows of this request, trained anew") && large.utf8.count < 200_000)
    }

    @Test("The index says first what is owed, and links to every page")
    func index() {
        let owed = RequestIndexPage([record(.exact), record(.owed)]).html()
        #expect(text(owed).contains("An exact repetition is owed to R3: run “unlearn replay”.") && owed.contains("href=\"R3.html\""))
        #expect(text(RequestIndexPage([record(.exact)]).html()).contains("Every request was carried out, and no exact repetition is owed to any."))
        #expect(text(RequestIndexPage([record(.unfinished)]).html()).contains("Not finished: R3."))
        let withdrawn = text(RequestIndexPage([record(.exact), record(.withdrawn)]).html())
        #expect(withdrawn.contains("Withdrawn: R3. Every other request was carried out"))
        #expect(!text(RequestIndexPage([record(.withdrawn)]).html()).contains("carried out"))
    }
}
