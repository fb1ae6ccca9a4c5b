/// Names beside a sample of their line, flowing over as many lines as they need.
struct Legend {
    private static let swatch = 30.0
    private var items: [(name: String, full: String, style: Int, isLine: Bool, isMuted: Bool, x: Double, row: Int)] = []

    /// - Parameter names: with the styles of their lines.
    init(_ names: [(name: String, style: Int, isLine: Bool, isMuted: Bool)], width: Double) {
        var x = 0.0, row = 0
        for (full, style, isLine, isMuted) in names {
            let name = TextWidth.fit(full, size: Drawing.fontSize, most: width - Self.swatch - 8)
            let itemWidth = Self.swatch + TextWidth.estimate(name, size: Drawing.fontSize)
            if x > 0 && x + itemWidth > width { (x, row) = (0, row + 1) }
            items.append((name, full, style, isLine, isMuted, x, row))
            x += itemWidth + 14
        }
    }

    var height: Double { Double((items.last.map(\.row) ?? -1) + 1) * (Drawing.lineHeight + 3) }

    func draw(into drawing: inout Drawing, top: Double) {
        for item in items {
            let y = top + Double(item.row) * (Drawing.lineHeight + 3) + 9
            let kind = item.isMuted ? "muted" : "s\(item.style % Plot.styles)"
            if item.isLine { drawing.line("line \(kind)", item.x + 1, y, item.x + 24, y) }
            if !item.isMuted { drawing.mark("mark \(kind)", item.style, x: item.x + 12.5, y: y) }
            drawing.text(item.name, x: item.x + Self.swatch, y: y + 4.5, full: item.full)
        }
    }
}

/// Finds free places for labels: those it gave before and marks are taken.
struct LabelPlaces {
    private struct Box {
        var x: Double, y: Double, width: Double, height: Double

        func touches(_ other: Box) -> Bool {
            x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
        }
    }

    private var taken: [Box] = []
    private let bounds: Box

    init(within frame: Frame) { bounds = Box(x: frame.left, y: frame.top, width: frame.width, height: frame.height) }

    mutating func take(x: Double, y: Double, width: Double, height: Double) {
        taken.append(Box(x: x, y: y, width: width, height: height))
    }

    /// The base line's beginning for a label near a mark: right, left, above or below it; nil where there is no room.
    mutating func place(width: Double, near x: Double, _ y: Double) -> (x: Double, y: Double)? {
        let height = Drawing.lineHeight - 2
        let middle = min(max(x - width / 2, bounds.x), bounds.x + bounds.width - width)
        let corners = [(x + 8, y - height / 2), (x - 8 - width, y - height / 2), (middle, y - 8 - height), (middle, y + 8)]
        for (left, top) in corners {
            let box = Box(x: left, y: top, width: width, height: height)
            let isInside = left >= bounds.x && left + width <= bounds.x + bounds.width && top >= bounds.y && top + height <= bounds.y + bounds.height
            guard isInside && !taken.contains(where: box.touches) else { continue }
            taken.append(box)
            return (left, top + height - 3.5)
        }
        return nil
    }

    /// Moves labels apart that would overlap in one column, keeping their order.
    /// - Returns: by label, a place at least `gap` from the next, within the limits where they all fit there.
    static func spread(_ wanted: [Double], gap: Double, from low: Double, to high: Double) -> [Double] {
        let order = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
        var places = wanted
        var next = low
        for index in order {
            places[index] = max(wanted[index], next)
            next = places[index] + gap
        }
        var last = high
        for index in order.reversed() {
            places[index] = min(places[index], last)
            last = places[index] - gap
        }
        return places
    }
}
