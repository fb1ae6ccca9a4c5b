import Charts

extension ReportPage {
    var cost: [Markup] {
        let trained = report.blocksTrained, scratch = report.blocksTrainedFromScratch
        var facts: [(term: Markup, meaning: Markup)] = [
            ("Coalitions evaluated", "\(report.evaluations)"),
            ("Blocks trained", "\(trained)"),
            ("Blocks from scratch", "\(scratch), had every coalition been trained by itself"),
        ]
        if trained > 0 && scratch > trained {
            let times = NumberText.fixed(Double(scratch) / Double(trained), 1)
            facts.append(("Saved", "\(times) times fewer blocks, because coalitions share the beginning of their training"))
        }
        facts.append(("Time", "\(NumberText.duration(seconds: report.seconds))"))
        var chart = BarChart(
            description: "Blocks trained: \(NumberText.grouped(trained)) here, \(NumberText.grouped(scratch)) from scratch.", axisLabel: "blocks trained",
            rows: [
                .bar(.init(name: "here", value: Double(trained), label: NumberText.grouped(trained))),
                .bar(.init(name: "from scratch", value: Double(scratch), label: NumberText.grouped(scratch))),
            ])
        chart.isWhole = true
        let figure = Page.figure(chart, "Training that this valuation took, beside training each coalition alone.")
        return [Page.definitions(facts), scratch > 0 ? figure : .none]
    }

    /// More labels would cover each other.
    private static let mostLabels = 15

    var deletion: [Markup] {
        guard !report.players.isEmpty else { return [Page.paragraph("There is no \(words.noun) to delete.")] }
        let players = words.ranked
        var plot = Plot(
            description: "Value of each \(words.noun) against the blocks that its deletion would retrain at most; the table has the numbers.",
            xLabel: "blocks retrained at most, of \(NumberText.grouped(report.blocks))", yLabel: "value, \(words.unit)",
            series: [
                .init(
                    words.noun,
                    players.map {
                        .init(
                            x: Double($0.deletionBlocks), y: $0.value * words.factor, label: players.count <= Self.mostLabels ? $0.player : nil,
                            title: "\($0.player)\n\(words.value($0.value)) \(words.shortUnit), \($0.deletionBlocks) blocks")
                    }, isLine: false)
            ])
        plot.xIsWhole = true
        plot.yIncludesZero = true
        var table = Table(
            caption: "What deleting all rows of a \(words.noun) would retrain at most",
            columns: [
                .init(words.Noun, isNumber: false), .init("Value, \(words.shortUnit)"), .init("Blocks retrained at most"),
                .init("Of all blocks"),
            ])
        for player in players {
            table.append([
                .isolated(player.player), words.cell(player.value), words.cell(player.deletionBlocks),
                words.percentCell(Double(player.deletionBlocks) / Double(report.blocks)),
            ])
        }
        return [
            Page.paragraph(
                """
                A \(words.noun) may ask for deletion of its rows. What that costs depends on where they stand among the \(report.blocks) blocks: \
                \(report.branches == 0
                    ? "everything after the first of them may have to be retrained. Where the model forgets fast, most of it is stitched instead."
                    : "in a branch, the rest of that branch is retrained; in the stem, everything after it may have to be.")
                """),
            Page.figure(plot, "Value beside the cost of deletion: low and to the right is worth little and dear to delete."),
            table.markup(label: "Cost of deletion"),
        ]
    }

    // MARK: Limits and provenance

    var limits: [Markup] {
        var limits: [(claim: Markup, reason: Markup)] = [
            ("A value is not a price.", "It shares out a score. Turning shares into money is an agreement between people."),
            (
                "It depends on the test rows.",
                """
                Data is worth what it does for \(words.isAccuracy ? "accuracy" : "predictions") on these \(report.valuationRows) valuation rows. \
                Data that matters for other tasks or rarer cases can be worth much and show little.
                """
            ),
            (
                "It depends on the others.",
                """
                A \(words.noun)’s value changes when another joins or leaves. Two \(words.nouns) with the same data share its worth: each gets \
                less than it would alone.
                """
            ),
            (
                "A negative value is not proof of bad faith.",
                """
                It says that this model scores worse with the data. Wrong labels do that; so do rare cases, another population, or chance. Look at \
                the rows before you judge.
                """
            ),
            (
                report.branches == 0 ? "It depends on the order of training." : "It depends on what stands on what.",
                report.branches > 0
                    ? "Branches know nothing of each other, and their order plays no part; rows of the stem were learned before those of branches, which stand on them."
                    : """
                Blocks are trained one after another, and a block’s place in the chain changes what it adds. \(report.orders > 1
                    ? "Values here are averages over \(report.orders) orders of the blocks."
                    : "Values here are for one order; averages over several (option --orders) treat all \(words.nouns) alike.")
                """
            ),
            ("It depends on the model and its training.", "Another network, recipe or random start gives other values."),
        ]
        if report.utility != "exact" {
            limits.insert(
                (
                    "These values rest on a cheap utility.",
                    """
                    Coalitions were scored by the \(report.utility) utility, not by retraining in full. \(report.fidelity.isEmpty
                        ? "How far it lies from the exact score was not measured here."
                        : "How far it lies from the exact score stands under ε_u above.")
                    """
                ), at: 0)
        }
        return [Page.list(limits.map { "\(Markup.element("strong", [:], $0.claim)) \($0.reason)" })]
    }

    private var noneMeaning: Markup {
        switch report.none {
        case .baseRate:
            words.isAccuracy
                ? "no data: the most frequent class of the valuation rows, named for all of them; its share is right"
                : "no data: every row given the frequencies of the classes in the valuation rows; the score is minus their entropy"
        case .untrained: "no data: the network as it is initialised (option --none untrained)"
        case .unownedRows: "the model of the \(report.unownedRows) rows that belong to no \(words.noun), which every coalition learns from"
        }
    }

    var provenance: [Markup] {
        [
            Page.definitions(record + [
                ("State valued", .element("code", [:], Markup(text: report.stateDigest))),
                ("Estimator", Markup(text: words.estimator)),
                ("Utility", Markup(text: words.utility)),
                ("Metric", words.isAccuracy ? "accuracy: the share of valuation rows predicted right" : "loss: minus the mean log-loss on the valuation rows"),
                ("None", noneMeaning),
                ("Confidence", "\(words.confidence)\(words.hasIntervals ? "" : " asked for; \(report.noInterval ?? "these values need no intervals")")"),
                ("Orders of the blocks", "\(report.orders)"),
                ("Seed", .element("code", [:], Markup(text: report.seed))),
                ("Training rows", "\(report.trainingRows), in \(report.blocks) blocks"),
                ("Valuation rows", "\(report.valuationRows): values are measured on these"),
                ("Final test rows", "\(report.finalTestRows): removal curves only; no value has seen them"),
            ]),
            Page.paragraph(
                """
                Beside this page lie \(Markup.element("code", [:], "values.csv")), the table above in full precision, and \
                \(Markup.element("code", [:], "utilities.csv")), the score of every \
                coalition\(words.isComplete && report.orders == 1 ? ", from which the values can be computed again by any program" : " that was evaluated").
                \(signed)
                """),
        ]
    }

    /// What, when and whose.
    private var record: [(term: Markup, meaning: Markup)] {
        func code(_ text: String) -> Markup { .element("code", [:], Markup(text: text)) }
        var facts: [(term: Markup, meaning: Markup)] = []
        if !report.date.isEmpty { facts.append(("Date", Markup(text: report.date))) }
        if !report.project.isEmpty { facts.append(("Project", code(report.project))) }
        if !report.source.isEmpty { facts.append(("Source of the rows", code(report.source))) }
        if let source = report.testSource { facts.append(("Source of the test rows", code(source))) }
        if let entry = report.ledgerEntry { facts.append(("Entry of the project’s ledger", words.cell(entry))) }
        return facts
    }

    private var signed: Markup {
        report.ledgerEntry == nil
            ? .none
            : """
                The values, ranks, shares and amounts stand in \(Markup.element("code", [:], "statement.json")), signed with the project’s key and \
                proven to be in its ledger; \(Markup.element("code", [:], "unlearn verify-certificate statement.json")) checks it without the project.
                """
    }
}
