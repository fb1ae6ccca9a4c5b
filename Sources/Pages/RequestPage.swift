import Charts
import Files
import Unlearn

/// One request as a page that an officer signs and a regulator reads, who need know nothing of machine learning: what was asked and done
/// in words; what is left to do by hand; the evidence; the words. Printed, it takes two sheets.
///
/// The same record gives the same bytes.
public struct RequestPage {
    let record: RequestRecord
    let words: RequestWords

    public init(_ record: RequestRecord) { (self.record, words) = (record, RequestWords(record)) }

    public func html() -> String {
        var page = Page(
            title: words.title, header: [.element("p", ["class": "answer"], words.answer), .element("p", ["class": "quiet"], words.dated)],
            footer: "Written by unlearn \(programVersion). This page is one file: it loads nothing and runs nothing.")
        page.append("done", "What was asked, and what was done", done)
        page.append("left", "What we must still do ourselves", left)
        page.append("evidence", "Evidence", evidence)
        page.append("words", "Words on this page", [Page.definitions(words.glossary.map { (Markup(text: $0.term), Markup(text: $0.meaning)) }, kind: "facts glossary")])
        return page.html()
    }

    // MARK: What was asked and done

    private var done: [Markup] {
        var facts: [(term: Markup, meaning: Markup)] = [("Reference (ticket)", record.ticket.map(Markup.isolated) ?? "none was given")]
        if let letter = words.letter { facts.append(("Came in", Markup(text: letter))) }
        facts.append(("Received by the program", Markup(text: words.time(record.requested))))
        if record.published != nil { facts.append(("Model without the rows in place", Markup(text: words.time(record.published)))) }
        if record.closed != nil { facts.append(("Superseded files destroyed", Markup(text: words.time(record.closed)))) }
        facts.append(("Asked for", Markup(text: words.askedFor)))
        if let found = words.notFound { facts.append(("Not found", Markup(text: found))) }
        if let before = words.deletedBefore { facts.append(("Deleted before", Markup(text: before))) }
        facts.append(("Erased by this request", Markup(text: words.erased)))
        facts.append(("What happened to the model", words.model))
        if let current = words.current { facts.append(("The project’s model now", current)) }
        return [Page.definitions(facts)]
    }

    // MARK: What is left to do

    private var left: [Markup] {
        var table = Table(
            caption: "The program reaches its own project folder and nothing else. Tick what is done; leave no line open.",
            columns: [.init("Done", isNumber: false), .init("What", isNumber: false), .init("Where", isNumber: false), .init("By whom, when", isNumber: false)])
        for item in words.checklist { table.append(["☐", Markup(text: item.what), item.place.map { .element("code", [:], Markup(text: $0)) } ?? "", ""]) }
        let known: [Markup] = words.known.isEmpty ? [] : [
            Page.paragraph("What nobody can tick off, and whoever signs should know of:"), Page.list(words.known.map { Markup(text: $0.prefix(1).uppercased() + $0.dropFirst() + ".") }),
        ]
        return [table.markup(label: "What is left to do by hand")] + known + [
            Page.paragraph("Name, date and signature: ________________________"),
        ]
    }

    // MARK: Evidence

    private var evidence: [Markup] {
        var parts: [Markup] = words.audits.isEmpty ? [Page.paragraph(words.noAudit)] : words.audits.map(Page.paragraph)
        if let figures = figures() { parts.append(figures) }
        if let lineage { parts.append(lineage) }
        if let memory { parts.append(memory) }
        if let margin { parts.append(margin) }
        return parts + ledger
    }

    private func figures() -> Markup? {
        let audits = record.audits.filter { $0.agreementExact != nil }
        guard let audit = audits.last else { return nil }
        var table = Table(caption: "Latest comparison, \(words.time(audit.time)), on the project’s test rows", columns: [.init("", isNumber: false), .init("This model"), .init("Doing nothing")])
        func cell(_ value: Double?, _ factor: Double, _ decimals: Int) -> Markup { Markup(text: value.map { NumberText.plain($0 * factor, decimals) } ?? NumberText.unknown) }
        table.append(["Same class as exact replay, % of test rows", cell(audit.agreementExact, 100, 2), cell(audit.agreementNothing, 100, 2)])
        table.append(["Distance to exact replay (L1, all parameters)", cell(audit.l1ToExact, 1, 4), cell(audit.l1NothingToExact, 1, 4)])
        table.append(["Accuracy, %", cell(audit.accuracy.current, 100, 2), cell(audit.accuracy.nothing, 100, 2)])
        return Markup([table.markup(label: "Figures of the latest audit"), Page.paragraph(words.exactAccuracy(audit))])
    }

    private var ledger: [Markup] {
        var facts: [(term: Markup, meaning: Markup)] = [("Project", .element("code", [:], Markup(text: record.project)))]
        facts.append(("Entries of this request in the ledger", Markup(text: record.ledgerPositions.map(String.init).joined(separator: ", "))))
        if let head = record.ledger {
            facts.append(("Ledger", "\(head.size) entries, root \(Markup.element("code", [:], Markup(text: head.root))), signed \(words.time(head.time))"))
        }
        facts.append(("Signing key", .element("code", [:], Markup(text: record.publicKey))))
        if let objects = record.objectsDestroyed {
            facts.append(("Files destroyed", "\(objects)\(record.encrypted ? ", with the keys that they were encrypted by" : ", overwritten and removed")"))
        }
        var parts: [Markup] = [.element("h3", [:], "How to check this without us"), Page.definitions(facts)]
        if record.closed != nil {
            parts.append(
                Page.paragraph(
                    """
                    \(Markup.element("code", [:], Markup(text: "unlearn certificate \(record.request) --out \(record.request).json"))) writes the signed certificate of this request. Whoever \
                    has it and the key above (as \(Markup.element("code", [:], "signing-key.pem")), had from someone they trust) checks it without the project and without this \
                    program: \(Markup.element("code", [:], Markup(text: "Scripts/verify-certificate \(record.request).json signing-key.pem"))). This page itself is not signed; the certificate is. \
                    It names nobody: \(Markup.element("code", [:], Markup(text: "unlearn opening \(record.request) --ids FILE"))) gives what lets a person who asked see that it speaks of them.
                    """))
        }
        return parts
    }
}
