import Files
import Tensors

/// Rows in a NumPy file (`numpy.savez`, `numpy.savez_compressed`): arrays `x` and `y`, optionally `id`, `group` and `person`.
///
/// `x` is (rows, features), (rows, height, width) or (rows, channels, height, width); see `NPZRows`. `y` holds integers, whole
/// floats or strings.
public final class NPZSource: RowSource {
    private let path: String
    private let givenClassNames: [String]?
    /// Opened when it is first read, and kept open for the passes to come.
    private var archive: NPZReader?
    public private(set) var remarks: [String] = []

    /// - Parameter classNames: of the training rows, for test rows; nil: the labels found, in order.
    public init(_ path: String, classNames: [String]? = nil) {
        self.path = path
        givenClassNames = classNames
    }

    /// - Throws: `Failure` of kind `input` for anything that is wrong with the file.
    /// - Complexity: O(bytes of the arrays); memory for one block of rows and a few bytes a row.
    public func survey() throws -> Survey {
        let archive = try archive ?? NPZReader(path)
        self.archive = archive
        let x = try Self.required("x", in: archive), layout = try NPZLayout(of: x), rows = layout.rows
        if layout.isChannelsLast {
            let shape = layout.shape
            remarks = ["\(path): images of \(shape.height)×\(shape.width) with \(shape.channels) channels, read as channels last"]
        }
        let y = try Self.required("y", in: archive)
        let isNumeric = NPZColumn.holdsIntegers(y)
        var (labels, names) = try NPZColumn(y, rows: rows, name: "y").interned()
        if let givenClassNames {
            let known = Dictionary(uniqueKeysWithValues: givenClassNames.enumerated().map { ($1, Int32($0)) })
            let places = try names.enumerated().map { index, name in
                guard let place = known[name] else {
                    throw Failure(
                        .input, "\(y.place), row \(labels.firstIndex(of: Int32(index))! + 1): label '\(name.prefix(80))' does not occur in the training rows")
                }
                return place
            }
            labels = labels.map { places[Int($0)] }
            names = givenClassNames
        } else {
            guard names.count >= 2 else { throw Failure(.input, "\(y.place) has one value only; two classes are needed") }
            // Classes in the order of their values, so that they do not depend on the order of rows.
            let order = names.indices.sorted { isNumeric ? Self.precedes(names[$0], names[$1]) : names[$0] < names[$1] }
            var place = [Int32](repeating: 0, count: names.count)
            for (rank, index) in order.enumerated() { place[index] = Int32(rank) }
            labels = labels.map { place[Int($0)] }
            names = order.map { names[$0] }
        }
        var groups: [Int32] = [], groupNames: [String] = []
        if let group = try archive.array("group") { (groups, groupNames) = try NPZColumn(group, rows: rows, name: "group").interned() }
        var persons: [Int32] = [], personNames: [String] = []
        if let person = try archive.array("person") { (persons, personNames) = try NPZColumn(person, rows: rows, name: "person").interned() }
        let id = try archive.array("id")
        // Reading to the end finds damage before anything is imported.
        if let id { try NPZColumn(id, rows: rows, name: "id").forEach { _, _ in } }
        try NPZRows(x, layout).forEach { _, _ in }
        archive.isReadAgain = true
        return Survey(
            shape: layout.shape, encoding: layout.encoding, classNames: names, labels: labels, groups: groups, groupNames: groupNames,
            persons: persons, personNames: personNames, hasIDs: id != nil)
    }

    public func forEachRow(_ body: (Int, String?, UnsafeRawBufferPointer) throws -> Void) throws {
        guard let archive else { preconditionFailure("survey comes first") }
        let x = try Self.required("x", in: archive), layout = try NPZLayout(of: x)
        var ids = try archive.array("id").map { try NPZColumn($0, rows: layout.rows, name: "id") }
        try NPZRows(x, layout).forEach { position, features in
            try body(position, try ids?.next(), features)
        }
    }

    public func place(ofRow position: Int) -> String { "row \(position + 1) of \(path)" }

    private static func required(_ name: String, in archive: NPZReader) throws -> NPZArray {
        guard let array = try archive.array(name) else {
            let names = archive.names
            throw Failure(
                .input, "\(archive.path) has no array '\(name)'; it holds \(names.isEmpty ? "none" : names.prefix(20).map { String($0.prefix(80)) }.joined(separator: ", ")); "
                    + "save arrays x and y, and id, group and person where there are any")
        }
        return array
    }

    /// By value: both are decimal numbers without leading zeros, perhaps beyond Int.
    private static func precedes(_ a: String, _ b: String) -> Bool {
        switch (a.hasPrefix("-"), b.hasPrefix("-")) {
        case (true, false): true
        case (false, true): false
        case (false, false): (a.utf8.count, a) < (b.utf8.count, b)
        case (true, true): (b.utf8.count, b) < (a.utf8.count, a)
        }
    }
}
