/// A table whose first column names its rows. In a narrow window each row stands by itself, a line for each cell with its heading
/// before it, so that no column lies beyond the edge; where it is too wide all the same, it scrolls in its own box.
///
/// Numbers are to be those of `NumberText.plain`: people copy tables into spreadsheets.
public struct Table: Sendable {
    public struct Column: Sendable {
        public var heading: String
        public var isNumber: Bool

        public init(_ heading: String, isNumber: Bool = true) { (self.heading, self.isNumber) = (heading, isNumber) }
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
            Markup.element(
                "th", ["scope": "col", "role": "columnheader", "class": index == 0 || !column.isNumber ? "words" : "number"], Markup(text: column.heading))
        }
        let body = rows.map { cells in
            Markup.element(
                "tr", ["role": "row"],
                cells.indices.map { index in
                    index == 0
                        ? Markup.element("th", ["scope": "row", "role": "rowheader", "class": "words"], cells[index])
                        : Markup.element(
                            "td", ["role": "cell", "class": columns[index].isNumber ? "number" : "words", "data-label": columns[index].heading], cells[index])
                })
        }
        return .element(
            "div", ["class": "scroll", "role": "region", "aria-label": label, "tabindex": "0"],
            .element(
                // Roles: a row that is laid out by itself would be none to a screen reader.
                "table", ["role": "table"], .element("caption", [:], .element("span", [:], caption)),
                .element("thead", ["role": "rowgroup"], .element("tr", ["role": "row"], head)), .element("tbody", ["role": "rowgroup"], body)))
    }
}
