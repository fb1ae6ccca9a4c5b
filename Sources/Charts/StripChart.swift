/// A row of cells side by side, some of them filled, some of them higher than the others: which of many pieces in an order were changed.
public struct StripChart: Chart {
    public struct Cell: Sendable {
        public var isFilled: Bool
        public var isHigh: Bool
        /// Whether a gap is left before it.
        public var beginsGroup: Bool
        /// Shown where a pointer rests on it.
        public var title: String

        public init(isFilled: Bool, isHigh: Bool, beginsGroup: Bool = false, title: String) {
            (self.isFilled, self.isHigh, self.beginsGroup, self.title) = (isFilled, isHigh, beginsGroup, title)
        }
    }

    public let description: String
    public var cells: [Cell]
    /// Under the first and the last cell.
    public var firstLabel: String
    public var lastLabel: String

    public init(description: String, cells: [Cell], firstLabel: String, lastLabel: String) {
        (self.description, self.cells, self.firstLabel, self.lastLabel) = (description, cells, firstLabel, lastLabel)
    }

    public func markup(width: Double, kind: String) -> Markup {
        precondition(width >= 240)
        var drawing = Drawing(width: width, height: 66, description: description)
        let gaps = cells.dropFirst().count(where: \.beginsGroup), gap = gaps == 0 ? 0 : min(6, width * 0.2 / Double(gaps))
        let step = (width - Double(gaps) * gap) / Double(max(1, cells.count)), cellWidth = max(step * 0.82, 0.4)
        var x = 0.0
        for (index, cell) in cells.enumerated() {
            if index > 0, cell.beginsGroup { x += gap }
            drawing.rectangle(
                cell.isFilled ? "bar s0" : "mark muted", x: x, y: cell.isHigh ? 4 : 16, width: cellWidth, height: cell.isHigh ? 34 : 22, title: cell.title)
            x += step
        }
        drawing.text(firstLabel, x: 0, y: 58, kind: "tick")
        if cells.count > 1 { drawing.text(lastLabel, x: width, y: 58, anchor: .end, kind: "tick") }
        return drawing.markup(kind: kind)
    }
}
