import Testing

@testable import Charts

@Suite struct ScaleTests {
    @Test(arguments: [
        ([0.0, 10], ["0", "2", "4", "6", "8", "10"]), ([0.013, 0.094], ["0.00", "0.02", "0.04", "0.06", "0.08", "0.10"]),
        ([-3, 7], ["−4", "−2", "0", "2", "4", "6", "8"]), ([5, 5], ["4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"]),
        ([], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ])
    func `ticks are round numbers`(values: [Double], labels: [String]) {
        let scale = Scale(.linear, values)
        #expect(scale.ticks.map(scale.label) == labels)
    }

    @Test(arguments: [[0.0], [1e-300, 2e-300], [1e149, -1e149], [.nan, .infinity], [1e16, 1e16 + 2], [-1e-8, 1e-8], [123_456, 123_457]])
    func `any numbers have an axis of few ticks that holds them`(values: [Double]) {
        for kind in [Scale.Kind.linear, .logarithmic] {
            let scale = Scale(kind, values, includesZero: kind == .linear)
            #expect((2...12).contains(scale.ticks.count) && scale.low < scale.high && scale.low.isFinite && scale.high.isFinite)
            #expect(scale.ticks.allSatisfy { $0.isFinite } && zip(scale.ticks, scale.ticks.dropFirst()).allSatisfy { $0 < $1 })
            for value in values where value.isFinite { #expect((0...1).contains(scale.place(value))) }
        }
    }

    @Test func `whole numbers have no ticks between, zero is held where asked for`() {
        #expect(Scale(.linear, [0, 2], isWhole: true).ticks == [0, 1, 2])
        #expect(Scale(.linear, [3, 4], includesZero: true).low == 0 && Scale(.linear, [-3, -4], includesZero: true).high == 0)
    }

    @Test func `a logarithmic axis places powers of ten evenly and leaves out what has no logarithm`() {
        let scale = Scale(.logarithmic, [0.01, 100, 0, -5])
        #expect(scale.ticks.map(scale.label) == ["0.01", "0.1", "1", "10", "100"])
        #expect(scale.place(1) == 0.5 && !scale.shows(0) && scale.shows(0.5))
    }
}

@Suite struct ChartTests {
    @Test func `labels in a column are moved apart, in order, within their limits`() {
        let places = LabelPlaces.spread([50, 50, 52, 0, 99], gap: 10, from: 0, to: 100)
        #expect(places == [50, 60, 70, 0, 99])
        #expect(LabelPlaces.spread([100, 100, 100], gap: 10, from: 0, to: 100) == [80, 90, 100])
    }

    @Test func `long text keeps both ends and stays within its width, graphemes whole`() {
        let text = "Regional Cooperative of Independent Providers, Department of Photographs"
        let short = TextWidth.fit(text, size: 13, most: 150)
        #expect(short.hasPrefix("Region") && short.contains("…") && short.hasSuffix("phs") && TextWidth.estimate(short, size: 13) <= 150)
        #expect(TextWidth.fit("short", size: 13, most: 150) == "short")
        #expect(TextWidth.fit(String(repeating: "👩‍👩‍👧", count: 20), size: 13, most: 100).allSatisfy { $0 == "👩‍👩‍👧" || $0 == "…" })
    }

    @Test func `a line breaks where a point cannot be shown, and a point alone is a mark`() {
        let plot = Plot(
            description: "d", xLabel: "x", yLabel: "y",
            series: [.init("a", [1, 2, .nan, 4, .infinity, 5, 6].enumerated().map { .init(x: Double($0), y: $1) })])
        let source = plot.markup(width: 400, kind: "wide").source
        #expect(source.count(of: "<polyline") == 2 && source.count(of: "<circle") == 5)
    }

    @Test func `intervals reach as far as their numbers`() {
        var plot = Plot(description: "d", xLabel: "x", yLabel: "y", series: [.init("a", [.init(x: 0, y: 5, interval: 0...10), .init(x: 1, y: 5)])])
        plot.yIncludesZero = true
        let lines = plot.markup(width: 400, kind: "wide").source.split(separator: "<").filter { $0.contains("class=\"interval\"") }
        // The stem spans the axis: 0 to 10 are its ends; the plot's height is 200. Two caps.
        #expect(lines.count == 3)
        let ys = lines[0].matches(of: /y[12]="([\d.]+)"/).compactMap { Double($0.1) }
        #expect(ys.count == 2 && abs(ys[0] - ys[1]) == 200)
    }

    @Test func `bars start at zero and go either way`() {
        let rows = [4.0, -2].map { BarChart.Row.bar(.init(name: "n", value: $0, label: "\($0)")) }
        let source = BarChart(description: "d", axisLabel: "a", rows: rows).markup(width: 680, kind: "wide").source
        let bars = source.matches(of: /class="bar s([01])" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/)
            .map { (sign: $0.1, x: Double($0.2) ?? 0, width: Double($0.3) ?? 0) }
        #expect(bars.map(\.sign) == ["0", "1"])
        #expect(abs(bars[0].width - 2 * bars[1].width) <= 0.2 && abs(bars[1].x + bars[1].width - bars[0].x) <= 0.2)
    }

    @Test func `pages refuse two sections of one id and escape headings`() {
        var page = Page(title: "a < b", header: [], footer: "f")
        page.append("one", "x & y", ["text"])
        #expect(page.html().contains("<h2 id=\"one-heading\">x &amp; y</h2>text") && page.html().contains("<title>a &lt; b</title>"))
    }
}

extension String {
    fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
    private func components(separatedBy part: String) -> [Substring] { split(separator: part, omittingEmptySubsequences: false) }
}
