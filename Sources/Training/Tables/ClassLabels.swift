/// The classes of a table: labels that mean the same are one, however they are written.
struct ClassLabels {
    private let decimalComma: Bool
    /// Nil: classes are those that occur.
    private let given: [String: Int32]?
    private var indices: [String: Int32] = [:]
    private var names: [String] = []

    /// - Parameter given: names of the classes, where rows of other classes are none.
    init(given: [String]?, decimalComma: Bool) {
        self.decimalComma = decimalComma
        self.given = given.map { names in
            // A name as it stands comes before what it means.
            let exact = names.enumerated().map { ($1, Int32($0)) }
            let meant = names.enumerated().map { (Cell.reading($1) { Self.meaning($0, decimalComma: decimalComma) }, Int32($0)) }
            return Dictionary(exact + meant, uniquingKeysWith: { first, _ in first })
        }
    }

    enum Label {
        case index(Int32)
        case missing
        /// Of no class that is given.
        case unknown(String)
    }

    mutating func label(_ bytes: UnsafeBufferPointer<UInt8>) -> Label {
        let cell = Cell.trimmed(bytes)
        if Cell.category(cell).isEmpty { return .missing }
        if let given {
            return (given[Cell.text(cell)] ?? given[Self.meaning(cell, decimalComma: decimalComma)]).map { .index($0) } ?? .unknown(RowEncoder.shown(cell))
        }
        let name = Self.meaning(cell, decimalComma: decimalComma)
        if let known = indices[name] { return .index(known) }
        let new = Int32(names.count)
        indices[name] = new
        names.append(name)
        return .index(new)
    }

    /// Equal numbers are one class, and so are `True`, `TRUE` and `true`.
    private static func meaning(_ cell: UnsafeBufferPointer<UInt8>, decimalComma: Bool) -> String {
        if let number = Cell.number(cell, decimalComma: decimalComma) { return Cell.canonicalNumber(number) }
        let text = Cell.text(cell), lower = text.lowercased()
        return lower == "true" || lower == "false" ? lower : text
    }

    var inOrderOfAppearance: [String] { names }

    /// The classes that occurred in the order of their names, so that they do not depend on the order of rows, and the place there of
    /// each index given so far.
    func sorted() -> (names: [String], places: [Int32]) {
        let numbers = names.compactMap { Cell.number($0) }
        let ordered =
            numbers.count == names.count
            ? zip(numbers, names).sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }.map(\.1) : names.sorted()
        let place = Dictionary(uniqueKeysWithValues: ordered.enumerated().map { ($1, Int32($0)) })
        return (ordered, names.map { place[$0]! })
    }

    /// Classes that differ in nothing but case, blanks and the like: perhaps one that was meant.
    static func suspicious(_ names: [String]) -> [[String]] {
        Dictionary(grouping: names) { name in name.lowercased().filter { !$0.isWhitespace && !"_-.".contains($0) } }
            .values.filter { $0.count > 1 }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    }
}
