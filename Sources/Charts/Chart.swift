/// Something to look at, drawn for any width.
public protocol Chart: Sendable {
    /// What it shows, in words, for those who cannot see it.
    var description: String { get }

    /// An `svg` element.
    /// - Parameters:
    ///   - width: in pixels, at least 240.
    ///   - kind: its class, beside `chart`.
    func markup(width: Double, kind: String) -> Markup
}

extension Chart {
    /// Drawn twice, for wide windows and paper and for a phone: shrinking one drawing would shrink its text beyond reading.
    /// The page's style sheet shows one of them.
    public var both: Markup { Markup([markup(width: 680, kind: "wide"), markup(width: 320, kind: "narrow")]) }
}

/// The part of a drawing within its axes.
struct Frame {
    var left: Double, top: Double, right: Double, bottom: Double
    let x: Scale
    let y: Scale

    var width: Double { right - left }
    var height: Double { bottom - top }

    func across(_ value: Double) -> Double { left + width * x.place(value) }
    func down(_ value: Double) -> Double { bottom - height * y.place(value) }

    /// The widest label of an axis, in pixels.
    static func labelWidth(_ scale: Scale) -> Double {
        scale.ticks.map { TextWidth.estimate(scale.label($0), size: Drawing.fontSize) }.max() ?? 0
    }
}

extension Drawing {
    /// Ticks, numbers and the x axis' name. Numbers that would touch are left out, evenly.
    mutating func xAxis(of frame: Frame, label: String, grid: Bool) {
        let apart = frame.width / Double(max(frame.x.ticks.count - 1, 1))
        let every = max(Int(((Frame.labelWidth(frame.x) + 8) / apart).rounded(.up)), 1)
        for (index, tick) in frame.x.ticks.enumerated() {
            let x = frame.across(tick)
            if grid { line("grid", x, frame.top, x, frame.bottom) } else { line("axis", x, frame.bottom, x, frame.bottom + 4) }
            if index % every == 0 { text(frame.x.label(tick), x: x, y: frame.bottom + 17, anchor: .middle, kind: "tick") }
        }
        let fitting = TextWidth.fit(label, size: Self.fontSize, most: width - 8)
        // Under the axis' middle where that is inside the drawing.
        let half = TextWidth.estimate(fitting, size: Self.fontSize) / 2
        let middle = min(max((frame.left + frame.right) / 2, half + 2), width - half - 2)
        text(fitting, x: middle, y: frame.bottom + 36, anchor: .middle, full: label)
    }

    mutating func yAxis(of frame: Frame) {
        for tick in frame.y.ticks {
            let y = frame.down(tick)
            line("grid", frame.left, y, frame.right, y)
            text(frame.y.label(tick), x: frame.left - 7, y: y + 4.5, anchor: .end, kind: "tick")
        }
    }

    /// From the lower to the upper end of an interval, with caps.
    mutating func verticalInterval(_ kind: String, x: Double, from low: Double, to high: Double, cap: Double) {
        line(kind, x, low, x, high)
        for end in [low, high] { line(kind, x - cap, end, x + cap, end) }
    }

    mutating func horizontalInterval(_ kind: String, y: Double, from low: Double, to high: Double, cap: Double) {
        line(kind, low, y, high, y)
        for end in [low, high] { line(kind, end, y - cap, end, y + cap) }
    }
}
