import Charts

/// How a report's numbers and players read: units, nouns, decimals.
struct ReportWords {
    let report: ValueReport
    /// Decimals of values in the units shown.
    private let decimals: Int

    init(_ report: ValueReport) {
        self.report = report
        let factor = report.metric == "accuracy" ? 100.0 : 1
        decimals = max(NumberText.decimals(for: report.players.lazy.map { $0.value * factor }), 2)
    }

    var isAccuracy: Bool { report.metric == "accuracy" }

    /// Accuracy is shown in percentage points, log-loss in nats.
    var factor: Double { isAccuracy ? 100 : 1 }

    var noun: String { report.playerKind == "group" ? "provider" : report.playerKind }
    var nouns: String { noun + "s" }
    var Noun: String { noun.prefix(1).uppercased() + noun.dropFirst() }
    var Nouns: String { Noun + "s" }

    /// Whether any value has an interval: otherwise all are exact, or `noInterval` says why there is none.
    var hasIntervals: Bool { report.players.contains { player in player.low.flatMap { low in player.high.map { low < $0 } } ?? false } }

    var confidence: String {
        let percent = report.confidence * 100
        return NumberText.fixed(percent, percent == percent.rounded() ? 0 : 1) + "\u{A0}%"
    }

    /// One interval in so many does not hold the true value.
    var oneIn: String {
        let rate = 1 - report.confidence
        return rate > 0 && rate < 1 ? NumberText.fixed(1 / rate, 0) : NumberText.unknown
    }

    // MARK: Values

    var unit: String { isAccuracy ? "percentage points of accuracy" : "nats of mean log-loss" }
    var shortUnit: String { isAccuracy ? "points" : "nats" }

    /// `+4.21`
    func value(_ value: Double) -> String { NumberText.fixed(value * factor, decimals, signed: true) }

    /// `4.21 percentage points of accuracy`
    func amount(_ value: Double) -> String { NumberText.fixed(value * factor, decimals) + " " + unit }

    /// `3.90 to 4.52`
    func interval(_ player: ValueReport.Player) -> String {
        guard let low = player.low, let high = player.high, low.isFinite && high.isFinite else { return NumberText.unknown }
        return value(low) + " to " + value(high)
    }

    /// A width or an error, in the unit of values, however small.
    func small(_ value: Double) -> String { NumberText.fixed(value * factor, smallDecimals(value)) }

    private func smallDecimals(_ value: Double) -> Int { max(decimals, min(NumberText.decimals(for: [value * factor], digits: 2), 8)) }

    // MARK: Cells of tables

    /// `-4.21`, a number to a spreadsheet, too.
    func cell(_ value: Double?) -> Markup { Markup(text: value.map { NumberText.plain($0 * factor, decimals) } ?? NumberText.unknown) }

    func smallCell(_ value: Double?) -> Markup { Markup(text: value.map { NumberText.plain($0 * factor, smallDecimals($0)) } ?? NumberText.unknown) }

    func cell(_ count: Int) -> Markup { Markup(text: String(count)) }

    /// `12.3%`
    func percentCell(_ share: Double) -> Markup { Markup(text: share.isFinite ? NumberText.plain(share * 100, 1) + "%" : NumberText.unknown) }

    /// `2499.50`
    func amountCell(_ amount: Double?) -> Markup { Markup(text: amount.map { NumberText.plain($0, 2) } ?? NumberText.unknown) }

    // MARK: Scores

    /// `88.62 %`, or `−0.412 nats`
    func score(_ score: Double) -> String {
        guard score.isFinite else { return NumberText.unknown }
        return isAccuracy ? NumberText.fixed(score * 100, 2) + "\u{A0}%" : NumberText.fixed(score, 3) + " nats"
    }

    /// What scored where everybody's data was used.
    var all: String {
        switch report.all {
        case .project: "the project’s own model"
        case .replay: "exact replay, of which the project’s model is a stitch"
        case .orders: "average over \(report.orders) block orders"
        }
    }

    /// Behind a value: nothing, or what it is a mean over.
    var onAverage: String { report.all == .orders ? " on average over \(report.orders) block orders" : "" }

    /// What scored where nobody's data was used.
    var none: String {
        switch report.none {
        case .baseRate: isAccuracy ? "naming the most frequent class" : "predicting the class frequencies"
        case .untrained: "the network untrained"
        case .unownedRows: "the model of the rows of no \(noun)"
        }
    }

    var scoreLabel: String { isAccuracy ? "accuracy on final test rows, %" : "minus mean log-loss on final test rows, nats (higher is better)" }

    // MARK: Ranks

    /// How sure a rank is, in words: `clearly 1st`, `2nd to 4th`; `1st` alone where nothing was sampled, which says nothing of other
    /// test rows or block orders.
    func rank(_ player: ValueReport.Player) -> String {
        guard let best = player.rankBest, let worst = player.rankWorst else { return "too few orders to say" }
        guard best == worst else { return NumberText.ordinal(best) + " to " + NumberText.ordinal(worst) }
        return (hasIntervals ? "clearly " : "") + NumberText.ordinal(best)
    }

    /// From the most valuable down; as they came where ranks are equal.
    var ranked: [ValueReport.Player] {
        report.players.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }.map(\.element)
    }

    // MARK: Estimators

    /// Whether every coalition was evaluated, asked for or met while sampling.
    var isComplete: Bool { report.estimator == "exact" || report.stopped == StopReason.everyCoalition.rawValue }

    var estimator: String {
        switch report.estimator {
        case "exact": "exact Shapley values"
        case "permutation": "Shapley values from random orders"
        case "loo": "leave-one-out"
        case "banzhaf": "Data Banzhaf values"
        case "beta": "Beta Shapley values"
        case "kernel": "Shapley values by Kernel SHAP"
        default: report.estimator
        }
    }

    /// What a value says, by estimator.
    var meaning: String {
        switch report.estimator {
        case "loo": "how much worse the model is without this \(noun) and with all others"
        case "banzhaf": "how much a \(noun) improves the model when it joins some of the others, averaged over all such groups alike"
        case "beta":
            "how much a \(noun) improves the model when it joins others, averaged so that small groups count differently from large ones"
        default: "how much a \(noun) improves the model when it joins, averaged over all orders in which the \(nouns) could have come"
        }
    }

    var utility: String {
        switch report.utility {
        case "exact": "exact: blocks retrained without the rows left out"
        case "stitch": "stitch: blocks retrained until they forget, the rest stitched on"
        case "additive": "additive: influences subtracted, nothing trained"
        default: report.utility
        }
    }
}
