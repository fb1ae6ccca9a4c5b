import Charts

extension ReportPage {
    // MARK: Efficiency

    var trust: [Markup] {
        let sum = report.players.reduce(0) { $0 + $1.value }, whole = report.vAll - report.vEmpty
        let parts: Markup = """
            The values add up to \(words.value(sum)) \(words.shortUnit). All data together adds \(words.value(whole)) \(words.shortUnit): \
            from \(words.score(report.vEmpty)) with no data (\(words.none)) to \(words.score(report.vAll)) with all, on the valuation rows.
            """
        guard let gap = report.efficiencyGap else {
            return [
                Page.paragraph(parts),
                Page.paragraph("They need not agree: \(words.estimator) do not promise to share out the whole, only to put the \(words.nouns) in order."),
            ]
        }
        let widest = report.players.lazy.compactMap { player in player.low.flatMap { low in player.high.map { $0 - low } } }.filter(\.isFinite).max() ?? 0
        let verdict: Markup, meaning: Markup
        switch abs(gap) {
        // Rounding of sums.
        case ...(1e-9 * max(1, abs(whole))):
            (verdict, meaning) = (.element("span", ["class": "good"], "They agree."), "The difference is 0, up to rounding.")
        case ...(widest / 2):
            (verdict, meaning) = (
                .element("span", ["class": "good"], "They agree within the intervals."), "The difference is \(words.value(gap)) \(words.shortUnit)."
            )
        default:
            (verdict, meaning) = (
                .element("span", ["class": "bad"], "They differ."),
                "The difference is \(words.value(gap)) \(words.shortUnit): treat the values with care until the cause is known."
            )
        }
        return [
            Page.paragraph(parts),
            Page.paragraph(
                """
                \(verdict) \(meaning) Shapley values share out exactly what the data achieves (efficiency: Σ values = v(all) − v(none)), no more and \
                no less.
                """),
        ]
    }

    // MARK: Convergence

    /// More lines cannot be told apart; the others stay grey behind them.
    private static let mostLines = 8

    var convergence: [Markup]? {
        let steps = report.convergence.filter { $0.values.count == report.players.count }
        guard !steps.isEmpty && !report.players.isEmpty else { return nil }
        let order = report.players.indices.sorted { (report.players[$0].rank, $0) < (report.players[$1].rank, $1) }
        let isMany = order.count > Self.mostLines + 2
        let named = isMany ? Set(order.prefix(Self.mostLines / 2) + order.suffix(Self.mostLines / 2)) : Set(order)
        var values = Plot(
            description: "Values of the \(words.nouns) against the number of evaluated coalitions.", xLabel: "coalitions evaluated",
            yLabel: "value, \(words.unit)",
            series: order.map { player in
                .init(
                    report.players[player].player,
                    steps.enumerated().map { index, step in
                        .init(
                            x: Double(step.evaluations), y: step.values[player] * words.factor,
                            interval: index == steps.count - 1 && named.contains(player) ? interval(report.players[player]) : nil)
                    }, isMuted: !named.contains(player))
            })
        values.namesAtEnd = true
        // Names at the ends tell lines apart; marks of many lines would hide them.
        if named.count > 4 { for index in values.series.indices { values.series[index].hasMarks = false } }
        values.xIsWhole = true
        values.yIncludesZero = true
        var width = Plot(
            description: "Width of the widest interval against the number of evaluated coalitions.", xLabel: "coalitions evaluated",
            yLabel: "widest interval, \(words.unit)",
            series: [.init("widest interval", steps.map { .init(x: Double($0.evaluations), y: $0.width * words.factor) })])
        width.xIsWhole = true
        width.yIncludesZero = true
        let last = steps.map(\.width).last { $0.isFinite }
        return [
            Page.paragraph(
                """
                Values settle as more coalitions are evaluated; lines that still cross at the right end belong to \(words.nouns) whose ranks are open. \
                \(last.map { "The widest interval at the end: \(words.small($0)) \(words.shortUnit)." } ?? "") \
                \(report.stopped.map { "Stopped because \($0)." } ?? "")
                """),
            Page.figure(
                values,
                isMany
                    ? "Values so far. The \(Self.mostLines / 2) highest and the \(Self.mostLines / 2) lowest are named, the others grey."
                    : "Values so far.\(words.hasIntervals ? " Whiskers: the final \(words.confidence) intervals." : "")"),
            steps.contains { $0.width.isFinite && $0.width > 0 } ? Page.figure(width, "Width of the widest interval; narrower is surer.") : .none,
        ]
    }

    // MARK: Removal

    var removal: [Markup]? {
        let orders = report.removal.filter { $0.scores.contains(where: \.isFinite) }
        guard !orders.isEmpty else { return nil }
        var plot = Plot(
            description: "Score on the final test rows against \(words.nouns) removed: "
                + orders.map { "\($0.order) \(ends($0))" }.joined(separator: "; ") + ".",
            xLabel: "\(words.nouns) removed", yLabel: words.scoreLabel,
            series: orders.map { order in
                .init(order.order, zip(order.removed, order.scores).map { .init(x: Double($0), y: $1 * words.factor) })
            })
        plot.xIsWhole = true
        return [
            Page.paragraph(
                """
                If the values are right, removing the most valuable \(words.nouns) first hurts soonest, and removing the least valuable first hurts \
                last or even helps; random order lies between. Scores are on \(report.finalTestRows) final test rows, which the valuation never saw.
                """),
            Page.figure(plot, "Score of models trained without the first 0, 1, 2, … \(words.nouns) of each order."),
        ]
    }

    private func ends(_ removal: ValueReport.Removal) -> String {
        let known = removal.scores.filter(\.isFinite)
        return known.first.flatMap { first in known.last.map { "from \(words.score(first)) to \(words.score($0))" } } ?? NumberText.unknown
    }

    // MARK: Fidelity

    var fidelity: [Markup]? {
        guard !report.fidelity.isEmpty else { return nil }
        var table = Table(
            caption: "Cheap utilities beside the exact one, errors in \(words.unit)",
            columns: [
                .init("Utility", isNumber: false), .init("Coalitions compared"), .init("Mean error ε_u"), .init("Largest error"),
                .init("Rank correlation of values"), .init("Blocks trained"),
            ])
        for cheap in report.fidelity {
            table.append([
                Markup(text: cheap.utility), words.cell(cheap.coalitions), words.smallCell(cheap.meanError), words.smallCell(cheap.largestError),
                Markup(text: cheap.rankCorrelation.map { NumberText.plain($0, 2) } ?? NumberText.unknown), words.cell(cheap.blocksTrained),
            ])
        }
        return [
            Page.paragraph(
                """
                Scores of coalitions can be estimated without full retraining. ε_u says how far such an estimate lies from the exact score. An error \
                much larger than the differences between values means that the cheap utility cannot rank the \(words.nouns) by itself; a rank \
                correlation near 1 means that it orders them as the exact values do.
                """),
            table.markup(label: "Fidelity of cheap utilities"),
        ]
    }
}
