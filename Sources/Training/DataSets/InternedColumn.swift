/// A column of names, one a row, as indices into the distinct ones, which come in the order of their first appearance.
struct InternedColumn {
    private(set) var indices: [Int32] = []
    private(set) var names: [String] = []
    private var index: [String: Int32] = [:]

    mutating func append(_ name: String) {
        if let known = index[name] { return indices.append(known) }
        index[name] = Int32(names.count)
        indices.append(Int32(names.count))
        names.append(name)
    }

    /// Rows that have this name.
    /// - Complexity: O(rows) where there are any.
    func count(_ name: String) -> Int { index[name].map { wanted in indices.count { $0 == wanted } } ?? 0 }
}
