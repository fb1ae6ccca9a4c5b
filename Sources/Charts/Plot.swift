/// Lines and points over two axes, with intervals, a legend or names at the lines' ends.
public struct Plot: Chart {
    public struct Point: Sendable {
        public var x: Double
        public var y: Double
        /// An interval around y.
        public var interval: ClosedRange<Double>?
        /// Drawn beside the point where there is room.
        public var label: String?
        /// Shown where a pointer rests on it.
        public var title: String?

        public init(x: Double, y: Double, interval: ClosedRange<Double>? = nil, label: String? = nil, title: String? = nil) {
            (self.x, self.y, self.interval, self.label, self.title) = (x, y, interval, label, title)
        }
    }

    public struct Series: Sendable {
        public var name: String
        /// Points that an axis cannot show (infinite, or not positive on a logarithmic axis) are left out and break the line.
        public var points: [Point]
        public var isLine: Bool
        /// Whether a line's points have marks.
        public var hasMarks = true
        /// In the background: one of many that need no telling apart.
        public var isMuted: Bool

        public init(_ name: String, _ points: [Point], isLine: Bool = true, isMuted: Bool = false) {
            (self.name, self.points, self.isLine, self.isMuted) = (name, points, isLine, isMuted)
        }
    }

    /// Colours and dashes that the style sheet has; shapes of marks change with them.
    static let styles = 6
    /// More points of a line have no marks of their own.
    private static let mostMarks = 40

    public let description: String
    public var xLabel: String
    public var yLabel: String
    public var xKind = Scale.Kind.linear
    public var yKind = Scale.Kind.linear
    /// Whether x counts something.
    public var xIsWhole = false
    /// Whether the y axis passes 0.
    public var yIncludesZero = false
    /// Names stand at the lines' ends instead of in a legend.
    public var namesAtEnd = false
    public var series: [Series]

    public init(description: String, xLabel: String, yLabel: String, series: [Series]) {
        (self.description, self.xLabel, self.yLabel, self.series) = (description, xLabel, yLabel, series)
    }

    public func markup(width: Double, kind: String) -> Markup {
        precondition(width >= 240)
        let points = series.flatMap(\.points)
        let x = Scale(xKind, points.map(\.x), isWhole: xIsWhole, most: width < 500 ? 4 : 8)
        let y = Scale(
            yKind, points.flatMap { [$0.y] + ($0.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }, includesZero: yIncludesZero, most: 6)
        // A series' style does not depend on what else is muted.
        var styles: [Int] = [], next = 0
        for one in series {
            styles.append(next)
            if !one.isMuted { next += 1 }
        }

        let named = namesAtEnd ? series.indices.filter { !series[$0].isMuted && series[$0].points.contains { x.shows($0.x) && y.shows($0.y) } } : []
        let longest = named.map { TextWidth.estimate(series[$0].name, size: Drawing.fontSize) }.max()
        let column = longest.map { min($0, width * (width < 500 ? 0.4 : 0.3)) + 14 } ?? 0
        let legend = Legend(
            namesAtEnd || series.count < 2 ? [] : series.indices.map { (series[$0].name, styles[$0], series[$0].isLine, series[$0].isMuted) },
            width: width)
        let top = legend.height + Drawing.lineHeight + 12
        let plotHeight = max(width < 500 ? 200 : 250, Double(named.count) * Drawing.lineHeight)
        let frame = Frame(
            left: Frame.labelWidth(y) + 9, top: top, right: width - max(column, Frame.labelWidth(x) / 2 + 4), bottom: top + plotHeight, x: x, y: y)

        var drawing = Drawing(width: width, height: frame.bottom + 44, description: description)
        legend.draw(into: &drawing, top: 0)
        drawing.text(TextWidth.fit(yLabel, size: Drawing.fontSize, most: width), x: 0, y: legend.height + 15, full: yLabel)
        drawing.yAxis(of: frame)
        drawing.xAxis(of: frame, label: xLabel, grid: false)
        drawing.line("axis", frame.left, frame.bottom, frame.right, frame.bottom)
        if y.kind == .linear && y.low < 0 && y.high > 0 { drawing.line("zero", frame.left, frame.down(0), frame.right, frame.down(0)) }
        // What is muted lies behind.
        for index in series.indices.sorted(by: { (series[$0].isMuted ? 0 : 1, $0) < (series[$1].isMuted ? 0 : 1, $1) }) {
            draw(series[index], style: styles[index], frame, into: &drawing)
        }
        labelPoints(frame, into: &drawing)
        nameEnds(named, styles, frame, column, into: &drawing)
        return drawing.markup(kind: kind)
    }

    private func draw(_ series: Series, style: Int, _ frame: Frame, into drawing: inout Drawing) {
        let kind = series.isMuted ? "muted" : "s\(style % Self.styles)"
        if series.isLine {
            for run in series.points.split(whereSeparator: { !frame.shows($0) }) where run.count > 1 {
                drawing.polyline("line \(kind)", run.map { (frame.across($0.x), frame.down($0.y)) })
            }
        }
        for point in series.points where frame.shows(point) {
            guard let interval = point.interval, frame.y.shows(interval.lowerBound), frame.y.shows(interval.upperBound) else { continue }
            drawing.verticalInterval(
                "interval", x: frame.across(point.x), from: frame.down(interval.lowerBound), to: frame.down(interval.upperBound),
                cap: series.points.count > Self.mostMarks ? 1 : 4)
        }
        // A point alone is seen by its mark only.
        guard !series.isLine || (series.points.count <= Self.mostMarks && series.hasMarks && !series.isMuted) || series.points.count == 1 else { return }
        for point in series.points where frame.shows(point) {
            drawing.mark(
                "mark \(kind)", style, x: frame.across(point.x), y: frame.down(point.y), radius: series.points.count > Self.mostMarks ? 2.2 : 4,
                title: point.title)
        }
    }

    private func labelPoints(_ frame: Frame, into drawing: inout Drawing) {
        var places = LabelPlaces(within: frame)
        let points = series.flatMap(\.points).filter(frame.shows)
        guard points.contains(where: { $0.label != nil }) else { return }
        for point in points {
            places.take(x: frame.across(point.x) - 5, y: frame.down(point.y) - 5, width: 10, height: 10)
            guard let interval = point.interval, frame.y.shows(interval.lowerBound), frame.y.shows(interval.upperBound) else { continue }
            let top = frame.down(interval.upperBound)
            places.take(x: frame.across(point.x) - 4, y: top, width: 8, height: frame.down(interval.lowerBound) - top)
        }
        for point in points {
            guard let full = point.label else { continue }
            let label = TextWidth.fit(full, size: Drawing.fontSize, most: min(frame.width / 2, 190))
            let width = TextWidth.estimate(label, size: Drawing.fontSize)
            guard let place = places.place(width: width, near: frame.across(point.x), frame.down(point.y)) else { continue }
            drawing.text(label, x: place.x, y: place.y, full: full)
        }
    }

    private func nameEnds(_ named: [Int], _ styles: [Int], _ frame: Frame, _ column: Double, into drawing: inout Drawing) {
        let ends = named.compactMap { index in series[index].points.last(where: frame.shows).map { (x: frame.across($0.x), y: frame.down($0.y)) } }
        precondition(ends.count == named.count, "a line without a place has no name at its end")
        let places = LabelPlaces.spread(ends.map(\.y), gap: Drawing.lineHeight - 1, from: frame.top, to: frame.bottom)
        for (place, (index, end)) in zip(places, zip(named, ends)) {
            if abs(place - end.y) > 3 { drawing.line("lead", end.x + 5, end.y, frame.right + 10, place) }
            let name = TextWidth.fit(series[index].name, size: Drawing.fontSize, most: column - 14)
            drawing.text(name, x: frame.right + 13, y: place + 4.5, kind: "label t\(styles[index] % Self.styles)", full: series[index].name)
        }
    }
}

extension Frame {
    fileprivate func shows(_ point: Plot.Point) -> Bool { x.shows(point.x) && y.shows(point.y) }
}
