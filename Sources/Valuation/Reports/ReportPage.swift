import Charts
import Files

/// `report.html`: what each player's data is worth, for a reader who decides and has no time; then why it can be believed.
///
/// Sections without data are left out. The same report gives the same bytes.
struct ReportPage {
    let report: ValueReport
    let words: ReportWords

    init(_ report: ValueReport) { (self.report, words) = (report, ReportWords(report)) }

    func html() -> String {
        var page = Page(
            title: "What each \(words.noun)’s data is worth", header: answer + dated + [facts],
            footer: "Written by unlearn \(programVersion). This page is one file: it loads nothing and runs nothing.")
        page.append("values", "Values and payment", values)
        page.append("trust", "Do the numbers add up?", trust)
        if let convergence { page.append("convergence", "How the values settled", convergence) }
        if let removal { page.append("removal", "What happens when \(words.nouns) are removed", removal) }
        if let fidelity { page.append("fidelity", "How close the cheap estimates come", fidelity) }
        page.append("cost", "What this took to compute", cost)
        page.append("deletion", "What deleting a \(words.noun) would cost", deletion)
        page.append("limits", "What these values mean, and what they do not", limits)
        page.append("provenance", "Where this came from", provenance)
        return page.html()
    }

    /// The figures that a reader asks for first.
    private var facts: Markup {
        var facts: [(term: Markup, meaning: Markup)] = [("Score with all data: \(words.all)", Markup(text: words.score(report.vAll)))]
        if let own = report.vAllOwnOrder { facts.append(("Score with all data: the project’s own block order", Markup(text: words.score(own)))) }
        facts.append(("Score with none: \(words.none)", Markup(text: words.score(report.vEmpty))))
        if let pool = report.pool { facts.append((report.isPaid ? "Shared out" : "To share out, nothing of which is paid", Markup(text: NumberText.fixed(pool, 2)))) }
        facts.append((Markup(text: words.Nouns), "\(report.players.count)"))
        facts.append(("Training rows", "\(report.trainingRows)"))
        facts.append(("Coalitions evaluated", "\(report.evaluations)"))
        return Page.definitions(facts, kind: "tiles")
    }

    private var dated: [Markup] {
        guard !report.date.isEmpty else { return [] }
        return [
            .element(
                "p", ["class": "quiet"],
                "\(report.date), of \(Markup.element("code", [:], Markup(text: report.source))) in project \(Markup.element("code", [:], Markup(text: report.project)))")
        ]
    }

    // MARK: The answer in a sentence or two

    private static let mostNamed = 3

    private var answer: [Markup] {
        ([contribution, harm].compactMap { $0 } + [together]).map { .element("p", ["class": "answer"], $0) }
    }

    private var contribution: Markup? {
        guard let best = words.ranked.first else { return "There are no \(words.nouns) with rows left." }
        guard report.players.contains(where: { $0.value != 0 }) else { return "No \(words.noun)’s data changes the score." }
        guard best.value > 0 else { return "No \(words.noun)’s data improves the model." }
        let name = Markup.element("strong", [:], .isolated(best.player))
        let amount: Markup = words.hasIntervals
            ? "\(words.amount(best.value)) (\(words.confidence) interval \(words.interval(best)))" : "\(words.amount(best.value))"
        guard best.rankWorst != nil else { return "\(name) has the highest value\(words.onAverage): \(amount)." }
        if best.rankWorst == 1 { return "\(name) contributed most: \(amount)." }
        let rivals = words.ranked.filter { $0.rankBest == 1 && $0.player != best.player }
        let doubt: Markup = rivals.isEmpty ? .none : ", but \(names(rivals)) may be worth as much"
        return "\(name) has the highest value: \(amount)\(doubt)."
    }

    private var harm: Markup? {
        let negative = words.ranked.reversed().filter { $0.value < 0 }
        guard !negative.isEmpty else { return nil }
        let better = words.isAccuracy ? "lowers accuracy" : "makes the predictions worse"
        let plural = words.isAccuracy ? "lower accuracy" : "make the predictions worse"
        var sentences: [Markup] = []
        let unsure = negative.filter { $0.high.map { $0 >= 0 } ?? false }, sure = negative.filter { !($0.high.map { $0 >= 0 } ?? false) }
        if let worst = sure.first {
            sentences.append(
                sure.count == 1
                    ? "\(Markup.isolated(worst.player)) \(better) by \(NumberText.fixed(abs(worst.value) * words.factor, 2)) \(words.shortUnit)\(words.onAverage)."
                    : "\(names(sure)) \(plural)\(words.onAverage), \(Markup.isolated(worst.player)) the most: \(words.value(worst.value)) \(words.shortUnit).")
        }
        if !unsure.isEmpty {
            sentences.append("\(names(unsure)) may \(plural), too little to tell from no effect.")
        }
        return sentences.reduce(Markup.none) { $0.isEmpty ? $1 : "\($0) \($1)" }
    }

    private var together: Markup {
        report.vAll <= report.vEmpty
            ? "All together do no better than \(words.none): \(words.score(report.vAll)), against \(words.score(report.vEmpty))\(words.onAverage)."
            : words.isAccuracy
            ? "All together lift accuracy from \(words.score(report.vEmpty)) to \(words.score(report.vAll))\(words.onAverage)."
            : "All together change the score, minus the mean log-loss, from \(words.score(report.vEmpty)) to \(words.score(report.vAll))\(words.onAverage)."
    }

    /// `A, B, C and 4 others`
    private func names(_ players: [ValueReport.Player]) -> Markup {
        let shown = players.prefix(players.count == Self.mostNamed + 1 ? Self.mostNamed + 1 : Self.mostNamed)
        var parts: [Markup] = shown.map { .isolated($0.player) }
        let rest = players.count - shown.count
        if rest > 0 { parts.append("\(rest) others") }
        guard let last = parts.popLast() else { return .none }
        guard let first = parts.first else { return last }
        return "\(parts.dropFirst().reduce(first) { "\($0), \($1)" }) and \(last)"
    }
}
