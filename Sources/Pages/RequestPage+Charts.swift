import Charts
import Unlearn

extension RequestPage {
    /// More would be narrower than can be seen: then a cell is several blocks.
    private static let mostCells = 320

    /// Blocks that held rows, were retrained, and were kept, along the lineage.
    var lineage: Markup? {
        guard let report = record.report, report.blocksTotal > 0, !report.blocksTouched.isEmpty else { return nil }
        let touched = Set(report.blocksTouched), total = report.blocksTotal
        var isRetrained = [Bool](repeating: false, count: total + 1)
        for segment in report.segments where segment.first >= 1 { for block in segment.first..<max(segment.first, min(segment.last, total) + 1) { isRetrained[block] = true } }
        let retrained = isRetrained.count { $0 }, kept = total - retrained, size = (total + Self.mostCells - 1) / Self.mostCells
        func beginsBranch(_ block: Int) -> Bool {
            guard let lineage = record.lineage, block > lineage.stem else { return false }
            return (block - lineage.stem - 1) % lineage.length == 0
        }
        let cells = stride(from: 1, through: total, by: size).map { first in
            let blocks = first...min(first + size - 1, total), name = blocks.count == 1 ? "block \(first)" : "blocks \(first) to \(blocks.upperBound)"
            let isHigh = blocks.contains(where: touched.contains), isFilled = blocks.contains { isRetrained[$0] }
            return StripChart.Cell(
                isFilled: isFilled, isHigh: isHigh, beginsGroup: size == 1 && beginsBranch(first),
                title: "\(name)\(isHigh ? ", held rows of this request" : "")\(isFilled ? ", trained anew" : ", kept")")
        }
        let strip = StripChart(
            description: "Blocks 1 to \(total): \(touched.count) held rows of this request, \(retrained) were trained anew.", cells: cells, firstLabel: "block 1", lastLabel: "block \(total)")
        return Page.figure(
            strip,
            """
            \(record.laterRequests == 0 ? "The" : "As this request left it: the") training as a row of \(total) \(total == 1 ? "block" : "blocks")\(record.lineage == nil ? "" : ", stem first, then branch by branch")\(size == 1 ? "" : " (\(size) to a bar)"). \(touched.count) \(touched.count == 1 ? "block" : "blocks") held rows \
            of this request (high bars); \(retrained) \(retrained == 1 ? "was" : "were") trained anew (dark), \(kept) \(kept == 1 ? "was" : "were") kept (light).
            """)
    }

    /// Residual memory with the law that was fitted to it, as long as a stitch lies in the model.
    var memory: Markup? {
        guard let report = record.report, report.residual.count > 1 else { return nil }
        let measured = report.residual.enumerated().map { Plot.Point(x: Double($0.offset + 1), y: $0.element) }
        var series = [Plot.Series("measured", measured)]
        if let fit = report.fit {
            series.append(.init("fitted law", measured.map { Plot.Point(x: $0.x, y: fit.value(Int($0.x))) }))
            series[1].hasMarks = false
        }
        var plot = Plot(
            description: "Residual memory after each retrained block: from \(NumberText.plain(report.residual[0], 3)) to \(NumberText.plain(report.residual.last!, 3)).",
            xLabel: "blocks retrained behind the last one that held the rows", yLabel: "residual memory (L1)", series: series)
        plot.xIsWhole = true
        plot.yIncludesZero = true
        return Page.figure(plot, "How far a model that never saw the rows still differs, block by block. Where this stops falling, nothing is gained by retraining more; what is left is put back on.")
    }

    /// How firmly models hold to the rows themselves.
    var margin: Markup? {
        guard let margin = record.report?.margin else { return nil }
        func bar(_ name: String, _ value: Double) -> BarChart.Row { .bar(.init(name: name, value: value, label: NumberText.plain(value, 2))) }
        let bars = [bar("doing nothing", margin.before), bar("this model", margin.after)]
            + (margin.exact.map { [bar(margin.exactIsForecast ? "exact replay, by forecast" : "exact replay", $0)] } ?? [])
        return Page.figure(
            BarChart(description: "Log-odds of the erased rows’ labels in each model.", axisLabel: "log-odds of their label, mean over the erased rows", rows: bars),
            "How firmly each model holds to the erased rows themselves, measured before they were erased. What counts is how near this model is to exact replay, not that the number is low: a model that never saw a row may still tell its class from others like it.")
    }
}

