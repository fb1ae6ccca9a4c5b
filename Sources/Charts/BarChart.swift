/// Horizontal bars from zero, one a row, each with its name, its number and an interval.
public struct BarChart: Chart {
    public struct Bar: Sendable {
        public var name: String
        public var value: Double
        public var interval: ClosedRange<Double>?
        /// The number as it shall read.
        public var label: String
        public var title: String?

        public init(name: String, value: Double, interval: ClosedRange<Double>? = nil, label: String, title: String? = nil) {
            (self.name, self.value, self.interval, self.label, self.title) = (name, value, interval, label, title)
        }
    }

    /// A bar, or words about bars that are left out.
    public enum Row: Sendable {
        case bar(Bar)
        case note(String)
    }

    public let description: String
    public var axisLabel: String
    public var rows: [Row]
    /// Whether the numbers count something.
    public var isWhole = false

    public init(description: String, axisLabel: String, rows: [Row]) {
        (self.description, self.axisLabel, self.rows) = (description, axisLabel, rows)
    }

    public func markup(width: Double, kind: String) -> Markup {
        precondition(width >= 240)
        let bars = rows.compactMap { if case .bar(let bar) = $0 { bar } else { nil } }
        let scale = Scale(
            .linear, bars.flatMap { [$0.value] + ($0.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }, includesZero: true, isWhole: isWhole,
            most: width < 500 ? 4 : 7)
        let numbers = (bars.map { TextWidth.estimate($0.label, size: Drawing.fontSize) }.max() ?? 0) + 12
        let names = bars.map { TextWidth.estimate($0.name, size: Drawing.fontSize) }.max() ?? 0
        // On a phone the name has a line of its own above its bar.
        let isStacked = width < 500
        let rowHeight = isStacked ? 40.0 : 26.0
        let half = Frame.labelWidth(scale) / 2 + 2
        let left = isStacked ? half : max(min(names + 12, width * 0.36), half)
        let frame = Frame(
            left: left, top: 4, right: width - (isStacked ? half : max(numbers, half)), bottom: 4 + Double(rows.count) * rowHeight, x: scale, y: scale)

        var drawing = Drawing(width: width, height: frame.bottom + 44, description: description)
        drawing.xAxis(of: frame, label: axisLabel, grid: true)
        for (index, row) in rows.enumerated() {
            guard case .bar(let bar) = row else { continue }
            draw(bar, frame, middle: frame.top + Double(index) * rowHeight + (isStacked ? 29 : rowHeight / 2), into: &drawing)
        }
        // Behind the words, which on a phone may lie across it.
        drawing.line("zero", frame.across(0), frame.top, frame.across(0), frame.bottom)
        for (index, row) in rows.enumerated() {
            let top = frame.top + Double(index) * rowHeight
            switch row {
            case .note(let words):
                drawing.text(
                    TextWidth.fit(words, size: Drawing.fontSize, most: frame.width), x: (frame.left + frame.right) / 2, y: top + rowHeight / 2 + 4.5,
                    anchor: .middle, kind: "label note", full: words)
            case .bar(let bar):
                let nameWidth = isStacked ? width - numbers : frame.left - 12
                let name = TextWidth.fit(bar.name, size: Drawing.fontSize, most: nameWidth)
                let base = isStacked ? top + 15 : top + rowHeight / 2 + 4.5
                drawing.text(name, x: isStacked ? 0 : frame.left - 8, y: base, anchor: isStacked ? .start : .end, full: bar.name)
                drawing.text(bar.label, x: width - 1, y: base, anchor: .end, kind: "label number")
            }
        }
        return drawing.markup(kind: kind)
    }

    private func draw(_ bar: Bar, _ frame: Frame, middle: Double, into drawing: inout Drawing) {
        guard frame.x.shows(bar.value) else { return }
        let zero = frame.across(0), end = frame.across(bar.value)
        // Which side of zero a bar lies on is its meaning; the colour only repeats it.
        drawing.rectangle(
            "bar \(bar.value < 0 ? "s1" : "s0")", x: min(zero, end), y: middle - 7, width: abs(end - zero), height: 14, title: bar.title)
        guard let interval = bar.interval, frame.x.shows(interval.lowerBound), frame.x.shows(interval.upperBound) else { return }
        drawing.horizontalInterval("interval", y: middle, from: frame.across(interval.lowerBound), to: frame.across(interval.upperBound), cap: 4)
    }
}
