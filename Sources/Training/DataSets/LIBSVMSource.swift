import Files

/// Rows in the sparse text format of LIBSVM and SVMlight, plain or gzip; see `LIBSVMRows`. Classes are the labels found, in
/// the order of their values; there are as many features as the largest index.
///
/// Values are kept in single precision as they are, as those of arrays are. Standardising them as a table's columns would
/// move 0, which stands for absence, and would take statistics of the rows, which no deletion reaches.
public final class LIBSVMSource: RowSource {
    private let path: String
    private let files = InputFiles()
    private let givenShape: RowShape?
    private let givenClassNames: [String]?
    /// Nil until surveyed or given.
    private var shape: RowShape?

    /// Rows are kept with all their features: 64 GiB of them.
    private static let mostValues = 1 << 34

    /// - Parameters:
    ///   - shape: of the training rows, for test rows: a feature beyond it is left out, as a table's other columns are.
    ///   - classNames: of the training rows, for test rows; nil: the labels found, in order.
    public init(_ path: String, shape: RowShape? = nil, classNames: [String]? = nil) {
        self.path = path
        self.shape = shape
        givenShape = shape
        givenClassNames = classNames
    }

    /// - Throws: `Failure` of kind `input` for anything that is wrong with the file, by its line.
    /// - Complexity: O(bytes of the file); memory for the numbers of one line and four bytes a row.
    public func survey() throws -> Survey {
        // A name that this format would write otherwise belongs to no label of it.
        let known = givenClassNames.map { names in
            Dictionary(uniqueKeysWithValues: names.enumerated().compactMap { index, name in Int(name).flatMap { String($0) == name ? ($0, Int32(index)) : nil } })
        }
        var indices = known ?? [:], values: [Int] = [], labels: [Int32] = [], features = 0
        var rows = try LIBSVMRows(files.file(path)), entries: [LIBSVMRows.Entry] = []
        while let (line, label) = try rows.row(into: &entries) {
            // Slots are counted in 32 bits.
            guard labels.count < Int(Int32.max) else { throw Failure(.input, "\(path) line \(line): up to \(Int32.max) rows are read; split the file") }
            if let index = indices[label] {
                labels.append(index)
            } else {
                guard known == nil else { throw Failure(.input, "\(path) line \(line): label '\(label)' does not occur in the training rows") }
                indices[label] = Int32(values.count)
                labels.append(Int32(values.count))
                values.append(label)
            }
            features = max(features, entries.last.map { Int($0.index) } ?? 0)
        }
        guard !labels.isEmpty else { throw Failure(.input, "\(path) has no rows; write one a line, such as 1 3:0.5") }
        let shape = givenShape ?? RowShape(features: features)
        guard shape.count > 0 else { throw Failure(.input, "\(path) has no features; write them behind the labels, such as 1 3:0.5") }
        guard labels.count <= Self.mostValues / shape.count else {
            throw Failure(
                .input, "\(path) has \(labels.count) rows of \(shape.count) features, kept as \(labels.count * shape.count) numbers; "
                    + "up to \(Self.mostValues) are: leave out rows or features")
        }
        self.shape = shape
        var classNames = givenClassNames ?? []
        if givenClassNames == nil {
            guard values.count >= 2 else { throw Failure(.input, "\(path) has one label only; two classes are needed") }
            let sorted = values.sorted(), place = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, Int32($0)) })
            let order = values.map { place[$0]! }
            labels = labels.map { order[Int($0)] }
            classNames = sorted.map(String.init)
        }
        return Survey(shape: shape, encoding: .floats, classNames: classNames, labels: labels, groups: [], groupNames: [], hasIDs: false)
    }

    public func forEachRow(_ body: (Int, String?, UnsafeRawBufferPointer) throws -> Void) throws {
        guard let shape else { preconditionFailure("survey comes first") }
        var features = [Float](repeating: 0, count: shape.count)
        var rows = try LIBSVMRows(files.file(path)), entries: [LIBSVMRows.Entry] = [], position = 0
        while let (line, _) = try rows.row(into: &entries) {
            let present = entries.prefix { Int($0.index) <= features.count }
            guard present.count == entries.count || givenShape != nil else {
                throw Failure(.input, "\(path) line \(line) changed while it was read; run the command again")
            }
            for entry in present { features[Int(entry.index) - 1] = entry.value }
            try features.withUnsafeBytes { try body(position, nil, $0) }
            // What was set, and nothing else: rows are sparse.
            for entry in present { features[Int(entry.index) - 1] = 0 }
            position += 1
        }
    }
}
