import Charts

extension ReportPage {
    /// More players are drawn as points by rank, and bars show the two ends only.
    private static let mostBars = 40
    private static let barsAtEachEnd = 12

    var values: [Markup] {
        guard !report.players.isEmpty else { return [Page.paragraph("No \(words.noun) has rows left, so there is nothing to value.")] }
        return [
            Page.paragraph(
                """
                A value is \(words.meaning). It is measured in \(words.unit) on \(report.valuationRows) valuation rows, which no model was trained on.\
                \([report.undecided, report.fewRows, report.ownRows].compactMap { $0 }.map { " Careful: \($0)." }.joined())
                """),
        ] + (report.players.count > Self.mostBars ? [chart, table] + groups + [Page.list(notes)] : [table] + groups + [Page.list(notes), chart])
    }

    private var hasLeaveOneOut: Bool { report.estimator != "loo" && report.players.contains { $0.leaveOneOut != nil } }
    private var hasSpread: Bool { report.players.contains { $0.spreadOverOrders != nil } }

    private var table: Markup {
        var columns: [Table.Column] = [
            .init(words.Noun, isNumber: false), .init("Rank"), .init("Rows"), .init("Value, \(words.shortUnit)"),
        ]
        if words.hasIntervals { columns += [.init("Low"), .init("High")] }
        columns.append(.init("Share of payment"))
        if report.pool != nil { columns.append(.init("Amount")) }
        columns.append(.init("How sure is the rank", isNumber: false))
        if hasLeaveOneOut { columns.append(.init("Leave-one-out")) }
        if hasSpread { columns.append(.init("Spread over orders")) }
        let ends = words.hasIntervals ? "; low and high are the ends of \(words.confidence) intervals" : ""
        var table = Table(caption: "The \(words.nouns) by value, in \(words.unit)\(ends)", columns: columns)
        for player in words.ranked {
            var cells: [Markup] = [
                .isolated(player.player), words.cell(player.rank), words.cell(player.rows),
                player.value < 0 ? .element("span", ["class": "bad"], words.cell(player.value)) : words.cell(player.value),
            ]
            if words.hasIntervals { cells += [words.cell(player.low), words.cell(player.high)] }
            cells.append(words.percentCell(player.share))
            if report.pool != nil { cells.append(words.amountCell(player.amount)) }
            cells.append("\(words.rank(player))")
            if hasLeaveOneOut { cells.append(words.cell(player.leaveOneOut)) }
            if hasSpread { cells.append(words.smallCell(player.spreadOverOrders)) }
            table.append(cells)
        }
        return table.markup(label: "Values of the \(words.nouns)")
    }

    private var groups: [Markup] {
        guard !report.groups.isEmpty else { return [] }
        var table = Table(
            caption: "What the \(words.nouns) of each group are worth together, in \(words.unit): the sums of their values",
            columns: [.init("Group", isNumber: false), .init(words.Nouns), .init("Rows"), .init("Value, \(words.shortUnit)"), .init("Low"), .init("High")])
        for group in report.groups.sorted(by: { ($1.value, $0.group) < ($0.value, $1.group) }) {
            let hasInterval = group.low != group.high
            table.append([
                .isolated(group.group), words.cell(group.players), words.cell(group.rows), words.cell(group.value),
                words.cell(hasInterval ? group.low : nil), words.cell(hasInterval ? group.high : nil),
            ])
        }
        return [table.markup(label: "Values by group")]
    }

    private var notes: [Markup] {
        var notes: [Markup] = []
        let clipped = report.players.count { $0.value < 0 }
        if report.players.allSatisfy({ !($0.share > 0) }) {
            notes.append("No value is above zero, so there is nothing to share out: every share of payment is 0.")
        } else if report.pool != nil, !report.isWorthPaying {
            notes.append("All \(words.nouns) together are no better than none, so nothing is paid, whatever single values and shares are.")
        } else {
            notes.append(
                """
                The share of payment is a \(words.noun)’s value over the sum of all values above zero. \(clipped == 0
                    ? "No value here is negative, so none was set to 0."
                    : "\(clipped == 1 ? "One negative value counts" : "\(clipped) negative values count") as 0: nobody pays in.") \
                Shares are rounded and may not add to exactly 100 %.\(report.pool.map { " Amounts do add up: \(NumberText.fixed($0, 2)) to the hundredth, what rounding leaves going to those who lost most by it." } ?? "")
                """)
        }
        notes.append(
            report.noInterval.map { "\($0), for either end would be anybody’s guess. The spread says how far apart values lay in the orders that there are." }
                ?? (words.hasIntervals
                ? """
                The interval holds the true value with \(words.confidence) confidence: about one interval in \(words.oneIn) misses. A rank is \
                “clearly” held where the interval meets no other’s; otherwise the range says which ranks the intervals allow.
                """
                : words.isComplete
                    ? "Every coalition was evaluated: values and ranks are exact for these \(report.valuationRows) valuation rows and this \(report.branches == 0 ? "order of the blocks. Other test rows and other orders" : "stem with its branches. Other test rows and another stem") give other ones, and no interval here says how far off; see the limits below."
                    : "These values come from coalitions evaluated one by one, without sampling, so they have no intervals."))
        if hasLeaveOneOut {
            notes.append(
                """
                Leave-one-out is what the full model loses without this \(words.noun). Where others hold similar data it is near 0 although the \
                value is not: that is why it makes a poor price.
                """)
        }
        if hasSpread {
            notes.append("Spread over orders is the standard deviation of a value over \(report.orders) orders of the blocks in the training chain.")
        }
        return notes
    }

    // MARK: Chart

    private var chart: Markup {
        let ranked = words.ranked.filter { $0.value.isFinite }
        guard let best = ranked.first, let worst = ranked.last else { return .none }
        let ends = "highest \(best.player) with \(words.value(best.value)), lowest \(worst.player) with \(words.value(worst.value)) \(words.shortUnit)"
        let whiskers = words.hasIntervals ? " Whiskers are \(words.confidence) intervals." : ""
        func bar(_ player: ValueReport.Player) -> BarChart.Row {
            .bar(.init(
                name: player.player, value: player.value * words.factor, interval: interval(player), label: words.value(player.value),
                title: "\(player.player)\n\(words.value(player.value)) \(words.shortUnit)"))
        }
        let isMany = ranked.count > Self.mostBars
        let middle = ranked.count - 2 * Self.barsAtEachEnd
        let rows = isMany
            ? ranked.prefix(Self.barsAtEachEnd).map(bar) + [.note("… \(NumberText.grouped(middle)) \(words.nouns) between …")]
                + ranked.suffix(Self.barsAtEachEnd).map(bar)
            : ranked.map(bar)
        let bars = BarChart(description: "Bars of the values by rank: \(ends).", axisLabel: words.unit, rows: rows)
        guard isMany else { return Page.figure(bars, "Values by rank.\(whiskers)") }

        var all = Plot(
            description: "Values of all \(ranked.count) \(words.nouns) against their rank: \(ends).", xLabel: "rank", yLabel: words.unit,
            series: [
                .init(
                    "value",
                    zip(1..., ranked).map { place, player in
                        .init(
                            x: Double(place), y: player.value * words.factor, interval: interval(player),
                            title: "\(player.player)\n\(words.value(player.value)) \(words.shortUnit)")
                    }, isLine: false)
            ])
        all.xIsWhole = true
        all.yIncludesZero = true
        let barsCaption = "The \(Self.barsAtEachEnd) highest and the \(Self.barsAtEachEnd) lowest values; the table has all.\(whiskers)"
        return Markup([
            Page.figure(bars, Markup(text: barsCaption)),
            Page.figure(all, "All \(ranked.count) \(words.nouns) from the most to the least valuable.\(whiskers)"),
        ])
    }

    func interval(_ player: ValueReport.Player) -> ClosedRange<Double>? {
        guard let low = player.low.map({ $0 * words.factor }), let high = player.high.map({ $0 * words.factor }) else { return nil }
        return low.isFinite && high.isFinite && low < high ? low...high : nil
    }
}
