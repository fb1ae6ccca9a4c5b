/// A table whose first column names its rows. Wider than the window, it scrolls in its own box.
public struct Table: Sendable {
    public struct Column: Sendable {
        public var heading: Markup
        public var isNumber: Bool

        public init(_ heading: Markup, isNumber: Bool = true) { (self.heading, self.isNumber) = (heading, isNumber) }
    }

    /// What it shows, for those who meet it without the text around it.
    public var caption: Markup
    public var columns: [Column]
    /// By row, as many cells as columns.
    public private(set) var rows: [[Markup]] = []

    public init(caption: Markup, columns: [Column]) {
        precondition(!columns.isEmpty)
        (self.caption, self.columns) = (caption, columns)
    }

    public mutating func append(_ cells: [Markup]) {
        precondition(cells.count == columns.count, "a row of \(cells.count) cells in a table of \(columns.count) columns")
        rows.append(cells)
    }

    /// - Parameter label: the name of the box that scrolls, for a keyboard's user who steps into it.
    public func markup(label: String) -> Markup {
        let head = zip(columns, columns.indices).map { column, index in
            Markup.element("th", ["scope": "col", "class": index == 0 || !column.isNumber ? "words" : "number"], column.heading)
        }
        let body = rows.map { cells in
            Markup.element(
                "tr", [:],
                cells.indices.map { index in
                    index == 0
                        ? Markup.element("th", ["scope": "row", "class": "words"], cells[index])
                        : Markup.element("td", ["class": columns[index].isNumber ? "number" : "words"], cells[index])
                })
        }
        return .element(
            "div", ["class": "scroll", "role": "region", "aria-label": label, "tabindex": "0"],
            .element(
                "table", [:], .element("caption", [:], .element("span", [:], caption)),
                .element("thead", [:], .element("tr", [:], head)), .element("tbody", [:], body)))
    }
}
