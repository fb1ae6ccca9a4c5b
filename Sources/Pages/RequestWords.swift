import Charts
import Unlearn

/// What a request's record comes to in words that need no glossary, or that stand in it.
struct RequestWords {
    let record: RequestRecord

    init(_ record: RequestRecord) { self.record = record }

    private func rows(_ count: Int) -> String { "\(NumberText.grouped(count)) row\(count == 1 ? "" : "s")" }

    /// `30 November 2026, 14:05:09 UTC`, from `2026-11-30T14:05:09Z`.
    func time(_ text: String?) -> String {
        guard let text else { return "not yet" }
        let parts = text.split { "-T:Z".contains($0) }.map { Int($0) }
        guard parts.count == 6, let year = parts[0], let month = parts[1], let day = parts[2], let hour = parts[3], let minute = parts[4], let second = parts[5], (1...12).contains(month)
        else { return text }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(day) \(Self.months[month - 1]) \(year), \(two(hour)):\(two(minute)):\(two(second)) UTC"
    }

    /// `30 November 2026`, from `2026-11-30`.
    func day(_ text: String) -> String { String(time(text + "T00:00:00Z").prefix { $0 != "," }) }

    /// When the letter came and until when it was to be answered; nil where the request was carried out at once.
    var letter: String? { record.received.map { "\(String(time($0).prefix { $0 != "," }))\(record.due.map { "; to be carried out until \(day($0))" } ?? "")" } }

    /// When the letter came, or the program was told of it.
    var received: String { record.received.map { String(time($0).prefix { $0 != "," }) } ?? time(record.requested) }

    private static let months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]

    // MARK: The answer

    var title: String { record.outcome == .replay ? "Request \(record.request): making the model exact again" : "Request \(record.request): erasure of personal data" }

    /// Whose rows, and of which state of affairs: the last that the ledger knows.
    var dated: Markup { "\(record.ledger.map { "As of \(time($0.time)). " } ?? "")Of \(Markup.element("code", [:], Markup(text: record.source))), in project \(Markup.element("code", [:], Markup(text: record.project)))" }

    /// What there is to say before anything else.
    var answer: Markup {
        let unacknowledged: Markup = record.erasureOrdered.map { $0.acknowledged == nil ? "\(bad("The rows are not erased yet, as far as is known.")) " : "" } ?? ""
        return "\(unacknowledged)\(outcome)"
    }

    /// What became of the rows, as the beginning of a sentence.
    private var whose: String {
        let were = record.rowsErased == 1 ? "was" : "were"
        guard let order = record.erasureOrdered else { return record.rowsErased == 0 ? "No row was erased" : "\(rows(record.rowsErased).capitalizedFirst) \(were) erased" }
        return "The erasure of \(rows(record.rowsErased)) was ordered of the trainer, which alone holds \(them), " + (order.acknowledged.map { "and acknowledged on \(time($0))" } ?? "and is not acknowledged yet")
    }

    /// What became of their influence.
    private var outcome: Markup {
        switch record.outcome {
        case .unfinished where record.isCarriedOut:
            "\(bad("Not finished.")) The model without the rows is in place, and the program was cut off while it destroyed what that replaced; the next command that writes to the project goes on with it."
        case .unfinished: "\(bad("Not finished.")) The program was cut off before anything had changed; the next command that writes to the project undoes this request, and it must be repeated."
        case .undone: "\(bad("Not carried out.")) Everything is as it was before: no row was erased."
        case .withdrawn: "Withdrawn. The request was taken back on \(time(record.ended)) while it waited: no row was erased for it."
        case .waiting: "\(bad("Not carried out yet.")) No row was erased so far. “unlearn request run” carries this request out\(record.due.map { ", which is due until \(day($0))" } ?? "")."
        case .superseded where goneBefore.isEmpty: "\(good("Nothing to erase.")) When the request came, the project had no live row by any of the names that were asked for."
        case .superseded: "\(good("Forgotten.")) All rows asked for were erased by other requests: \(joined(goneBefore)). See \(goneBefore.count == 1 ? "its page" : "their pages") for how."
        case .noInfluence where record.report?.branchesEmptied?.isEmpty == false:
            "\(good("Forgotten.")) \(whose). Only branches that have no row left now had learned from \(them), and the model does without these."
        case .noInfluence: "\(good("Forgotten.")) \(whose). No part of the model had learned from \(them), so that nothing in the model had to change."
        case .exact: "\(good("Forgotten exactly.")) \(whose), and the model was made again exactly as if it had never learned from \(them)."
        case .retrained: "\(good("Forgotten.")) \(whose), and every part of the model that had learned from \(them) was trained again without \(them)."
        case .owed:
            """
            \(bad("Forgotten approximately; an exact repetition is owed.")) \(whose). \(approximate)\
            \(record.owedBefore.isEmpty ? "" : "Of the rows asked for, \(joined(record.owedBefore)) had erased \(record.rowsErased == 0 ? "all" : "some") before, and exactness is owed to \(record.owedBefore.count == 1 ? "it" : "them") still. ")\
            Running “unlearn replay” makes the model exact.
            """
        case .settled: "\(good("Forgotten exactly, in two steps.")) \(whose); the model was approximate at first, and \(record.settledBy ?? "a later request") has made it exact on \(time(record.settledAt))."
        case .replay:
            "\(good("Exact again.")) What \(record.settles.isEmpty ? "earlier requests" : joined(record.settles)) had left approximate in the model was trained again exactly. No row was erased by this request itself."
        }
    }

    /// Nothing where this request itself left nothing approximate.
    private var approximate: String {
        guard let report = record.report, report.isExactnessOwed else { return "" }
        guard report.stitches ?? 1 > 0 else {
            return "The model was trained again\(record.rowsErased > 0 ? " without \(them)" : ""), but by another way of calculating than the project’s own: alike but for rounding, and not the same bits. "
        }
        return "The model was trained again without \(them) for some while, and the later parts of the training, which had known \(them), were put back on. "
    }

    /// Requests that had erased rows of this one.
    private var goneBefore: [String] {
        Set(record.erasedMeanwhile.keys).union(record.asked?.deletedBefore.keys.filter { !$0.isEmpty } ?? []).inOrderOfRequests
    }

    private func joined(_ names: [String]) -> String { names.count < 2 ? names.joined() : "\(names.dropLast().joined(separator: ", ")) and \(names.last!)" }

    private func good(_ text: String) -> Markup { .element("span", ["class": "good"], Markup(text: text)) }
    private func bad(_ text: String) -> Markup { .element("span", ["class": "bad"], Markup(text: text)) }
    private var them: String { record.rowsErased == 1 ? "it" : "them" }

    // MARK: What was asked and done

    var askedFor: String {
        guard let asked = record.asked else { return "not kept by the version of the program that carried this request out" }
        let repeated = asked.repeated == 0 ? "" : " (\(NumberText.grouped(asked.repeated)) named more than once, counted once)"
        return switch asked.way {
        case .ids: "\(NumberText.grouped(asked.names)) \(asked.names == 1 ? "id" : "ids") of rows\(repeated)"
        case .persons: "all rows of \(NumberText.grouped(asked.names)) \(asked.names == 1 ? "person" : "people")\(repeated)\(then)"
        case .group: "all rows of one provider\(then)"
        case .nothing: "no row: what earlier requests had left approximate was to be made exact"
        }
    }

    /// Rows that come later are nobody's who asked before.
    private var then: String { record.due == nil ? "" : ", as they were when it was recorded" }

    var notFound: String? {
        guard let asked = record.asked, asked.way != .nothing else { return nil }
        guard asked.way != .group else { return asked.notFound.isEmpty ? nil : "the provider has no row in the project; check that it is spelled as the data spell it" }
        let noun = asked.way == .ids ? "of these names" : "of these people"
        guard !asked.notFound.isEmpty else { return "none \(noun): the project knew each" }
        return "\(NumberText.grouped(asked.notFound.count)) \(noun) \(asked.notFound.count == 1 ? "has" : "have") no row in the project and \(asked.notFound.count == 1 ? "was" : "were") skipped; check that they are spelled as the data spell them"
    }

    var deletedBefore: String? {
        guard let asked = record.asked, !asked.deletedBefore.isEmpty else { return nil }
        let parts = asked.deletedBefore.inOrderOfRequests.map { request, count in
            "\(rows(count)) \(request.isEmpty ? "left out when the project was made" : "by \(request)")"
        }
        return parts.joined(separator: ", ")
    }

    var erased: String {
        guard record.isCarriedOut else { return "nothing" }
        guard record.rowsErased > 0 else { return "no row" }
        let training = record.rowsErased - record.testRowsErased
        let kinds = record.testRowsErased == 0 ? "" : training == 0 ? ", held aside for tests; the model never learned from them" : ": \(NumberText.grouped(training)) that the model learned from, \(NumberText.grouped(record.testRowsErased)) held aside for tests"
        let meanwhile = record.erasedMeanwhile.inOrderOfRequests.map { "; of these, \(rows($0.count)) by \($0.request), while this request waited" }.joined()
        if let order = record.erasureOrdered {
            let word = order.acknowledged.map { "acknowledged at \(time($0))" } ?? "not acknowledged yet"
            return rows(record.rowsErased) + kinds + meanwhile + ": erasure ordered of the trainer, which alone holds \(them), \(word)" + (order.acknowledged == nil
                ? ". Until then \(record.rowsErased == 1 ? "its name stays" : "their names stay") in the project, sealed"
                : ". Here \(record.rowsErased == 1 ? "its name was" : "their names were") erased\(record.encrypted ? ", with the keys that they were encrypted by" : "")")
        }
        return rows(record.rowsErased) + kinds + meanwhile + (record.encrypted ? "; the keys that they were encrypted by are destroyed" : "")
    }

    var model: Markup {
        guard let report = record.report, record.isCarriedOut else {
            return record.ended == nil ? "nothing yet" : record.outcome == .owed || record.outcome == .superseded ? "nothing for this request: there was no row left to erase" : Markup(text: "nothing: \(record.reason ?? "")")
        }
        let together = record.sharedWith.isEmpty ? "" : " (In one run together with \(joined(record.sharedWith)).)"
        let share = report.blocksTotal == 0 ? "" : " \(NumberText.grouped(report.blocksRetrained)) of \(NumberText.grouped(report.blocksTotal)) parts (“blocks”) of the training were done again.\(together)"
        let words: String = switch record.outcome {
        case .noInfluence where report.branchesEmptied?.isEmpty == false: "Branches that have no row left are not in it any more; nothing else had learned from the rows."
        case .noInfluence: "Nothing: no part of it that is trained had learned from the rows."
        case .exact: "It has the bits that training without the rows gives: as if the rows had never been there.\(share)"
        case .retrained where report.unrepeatable == true:
            "All parts that had stood on the rows were trained again without them, by a program that does not give the same bits twice: as by a training without the rows, and not bit for bit.\(share)"
        case .retrained: "All parts that had stood on the rows were trained again without them; what else in it is approximate belongs to other requests.\(share)"
        case .owed where report.isExactnessOwed && report.stitches == 0:
            "All that had learned from the rows was trained again, with other numerics than the project’s: the result is the same but for rounding, and not bit for bit.\(share)"
        case .owed where report.isExactnessOwed:
            "It is an approximation.\(share) The parts that came later were kept: they were trained when the model still knew the rows. \(report.guarded ? "A statistical test on this very deletion found that the rows’ influence had faded by then." : "The statistical test objected, and was overruled by an option.") Until an exact repetition is done, what is left of the influence is not nothing.\(leftBeside(report))"
        case .owed: "For the rows that this request itself erased, all that had learned from them was trained again.\(share) For those that \(joined(record.owedBefore)) had erased it is an approximation."
        case .settled: "It was an approximation from \(time(record.approximateSince ?? record.published)) until \(time(record.settledAt)).\(share) Then \(record.settledBy ?? "a later request") trained again all that still bore a trace of the rows."
        case .replay: "All that still bore a trace of rows erased before was trained again.\(share)"
        case .unfinished: "It is the one without the rows already.\(share)"
        case .undone, .withdrawn, .waiting, .superseded: "nothing"
        }
        return Markup(text: words)
    }

    /// What a damped stitch did not carry on lies in the project, too.
    private func leftBeside(_ report: DeletionReport) -> String {
        report.segments.contains { $0.damping ?? 1 < 1 }
            ? " A part of the difference was not carried into the later parts; it lies in the project, sealed: whoever has the project’s key could put it back, and come near the model before." : ""
    }

    /// The project's own model: what is served elsewhere the program cannot know.
    var current: Markup? {
        guard let digest = record.stateDigest else { return nil }
        let later = record.laterRequests == 0 ? "" : "; \(record.laterRequests == 1 ? "1 later request is" : "\(record.laterRequests) later requests are") in it, too"
        return "\(record.isModelExact ? "exact" : "approximate")\(later); its state has the digest \(Markup.element("code", [:], Markup(text: digest)))"
    }

    // MARK: What is left to do

    /// What somebody has to do, each with a place where one is known.
    var checklist: [(what: String, place: String?)] {
        var items: [(what: String, place: String?)] = []
        switch record.outcome {
        case .owed: items.append(("Run “unlearn replay”, and file this page again: then the model is exact", nil))
        case .unfinished: items.append(("Run the request again, or any command that writes, and make this page again", nil))
        case .waiting: items.append(("Run “unlearn request run”\(record.due.map { " before \(day($0)) ends" } ?? ""), and make this page again", nil))
        case .undone: items.append(("Repeat the request: nothing was erased", nil))
        default: break
        }
        if let asked = record.asked, !asked.notFound.isEmpty {
            items.append(("Clarify \(asked.notFound.count == 1 ? "the name that was" : "the \(asked.notFound.count) names that were") not found with whoever asked", nil))
        }
        for remainder in record.notReached {
            switch remainder.kind {
            case .source where record.outcome == .replay: break
            case .holder:
                let word = record.erasureOrdered?.acknowledged == nil
                    ? "Run “unlearn replay” until the trainer acknowledges that it has erased the rows, and make this page again"
                    : "Have whoever runs the trainer confirm that the rows are gone where it holds them, copies and backups included: the program has the trainer’s word"
                items.append((word, nil))
            case .source: items.append(("Delete the rows from \(remainder.what): the next import would bring them back", remainder.place))
            case .exports: items.append(("Replace every model file that was exported before \(record.outcome == .settled ? "\(record.settledBy ?? "the model became exact")" : "this request") by one exported now, on every machine that serves it, and destroy the old ones; destroy certificates issued before, too", nil))
            case .copies:
                for folder in record.workingCopies { items.append(("Collect the jobs of the working copy of the rows, or remove it (“unlearn jobs remove”): no deletion reaches it", folder)) }
                items.append(("Destroy \(remainder.what), or note when they expire", nil))
            case .drive, .constants, .influences, .sample: break
            }
        }
        if record.rowsErased > 0 { items.append(("Look for the person’s data in other systems", nil)) }
        if ![.replay, .waiting].contains(record.outcome) { items.append(("Tell whoever asked what was done", nil)) }
        return items
    }

    /// What stays and cannot be ticked off, so that whoever signs knows of it.
    var known: [String] {
        record.notReached.filter { [.drive, .constants, .influences, .sample].contains($0.kind) }.map(\.what)
    }

    // MARK: Evidence

    var noAudit: Markup {
        switch record.outcome {
        case .noInfluence: "No comparison is needed: nothing in the model had learned from the rows."
        case .undone, .withdrawn, .unfinished, .waiting: "There is nothing to compare yet."
        case .superseded: "Nothing was changed for this request, so that there is nothing to compare."
        case .settled: "Nobody compared the model with exact replay while it was approximate. \(record.settledBy ?? "The later request") has made it exact: see that request’s page and certificate."
        default:
            record.laterRequests == 0
                ? "Nobody has compared the model with exact replay since this request. “unlearn audit” trains it again without all deleted rows and compares, and this page then says what it found."
                : "Nobody compared the model with exact replay before later requests changed it. “unlearn audit” compares it as it is now, and the page of the latest request says what it found."
        }
    }

    /// What each comparison found, in words.
    var audits: [Markup] {
        record.audits.map { audit in
            let when = "Compared on \(time(audit.time)): "
            return switch audit.verdict {
            case .exact: "\(when)\(good("the model is, bit for bit, the one that training without the deleted rows gives."))"
            case .nearer: "\(when)\(good("the model is nearer to exact replay than a model from which nothing was deleted,")) beyond what chance explains."
            case .noBetter: "\(when)\(bad("the model is not nearer to exact replay than a model from which nothing was deleted.")) Run “unlearn replay”."
            case .undecided: "\(when)too little was kept to tell whether the model is nearer to exact replay than one from which nothing was deleted."
            case .mismatch: "\(when)\(bad("the model claims to be exact, and exact replay gives another one.")) Do not rely on this request before this is understood."
            case .noInfluence: "\(when)no part of the model had learned from the rows: there was nothing to compare."
            case nil: "\(when)what it found is gone: a later request destroys what was measured on models before it."
            }
        }
    }

    func exactAccuracy(_ audit: RequestRecord.Audit) -> Markup {
        guard let exact = audit.accuracy.exact else { return .none }
        return "Exact replay names the right class for \(NumberText.fixed(exact * 100, 2)) % of the test rows. “Doing nothing” is the model before the deletion: that it agrees with exact replay on most test rows says that one person’s rows change few answers, not that they need not be deleted."
    }

    // MARK: Glossary

    var glossary: [(term: String, meaning: String)] {
        var terms = [
            ("Row", "One record of the data: one line of a table, or one image."),
            ("Model", "What was computed from the rows by training, and answers questions about new ones."),
            ("Block", "One of the parts that the training is divided into. Each learns from rows of its own, and builds on the blocks before it."),
            ("Training without the rows, exact replay", "Doing the training again from the last state that never knew the rows, without them. Its result is the same, bit for bit, as if they had never been there."),
        ]
        if record.lineage != nil { terms.append(("Stem and branches", "Blocks of the stem build on one another; each branch builds on the stem alone. The model is the average of the branches, so that a row of a branch touches that branch and nothing else.")) }
        if [.owed, .settled].contains(record.outcome) || record.report?.stitches ?? 0 > 0 {
            terms.append(("Approximate deletion, stitch", "Training again until the rows’ influence has faded, and putting the later blocks back on as they were. Faster than exact replay, and not the same."))
        }
        if record.report?.residual.isEmpty == false { terms.append(("Residual memory", "How much a model without the rows still differs from the one before, measured after each retrained block.")) }
        if record.report?.margin != nil { terms.append(("Log-odds", "How sure a model is of a class: 0 is undecided, each step of 1 is 2.7 times as sure.")) }
        terms += [
            ("Digest", "A number computed from the whole of something, here the numbers of a model. Two models with the same digest are the same. (A file that holds a model has another digest, as it holds more; “unlearn verify-certificate --model FILE” compares.)"),
            ("Ledger", "The project’s record of everything that was done, signed; an entry that is changed, removed or slipped in later is noticed."),
            ("Certificate", "A signed file that shows entries of the ledger to others. What it says follows from them, and can be checked without the project."),
        ]
        return terms
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
