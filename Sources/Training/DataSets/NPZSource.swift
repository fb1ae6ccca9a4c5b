import Files
import Tensors

/// Rows in a NumPy file (`numpy.savez`, `numpy.savez_compressed`): arrays `x` and `y`, optionally `id` and `group`.
///
/// `x` is (rows, features), (rows, height, width) or (rows, channels, height, width); bytes are kept as bytes and scaled
/// to −1…1 as images are, floats are kept in single precision as they are.
public final class NPZSource: RowSource {
    private let path: String
    private let givenClassNames: [String]?

    /// Rows of more features than this are taken for damage.
    private static let mostFeatures = 1 << 24

    /// - Parameter classNames: of the training rows, for test rows; nil: the labels found, in order.
    public init(_ path: String, classNames: [String]? = nil) {
        self.path = path
        givenClassNames = classNames
    }

    /// - Throws: `Failure` of kind `input` for anything that is wrong with the file.
    /// - Complexity: O(bytes of the arrays); memory for one block of rows and a few bytes a row.
    public func survey() throws -> Survey {
        let archive = try NPZReader(path)
        let x = try Self.required("x", in: archive)
        let (rows, shape, encoding) = try Self.layout(of: x)
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
        let id = try archive.array("id")
        // Reading to the end finds damage before anything is imported.
        if let id { try NPZColumn(id, rows: rows, name: "id").forEach { _, _ in } }
        try NPZRows(x, rows: rows, features: shape.count, encoding: encoding).forEach { _, _ in }
        return Survey(
            shape: shape, encoding: encoding, classNames: names, labels: labels, groups: groups, groupNames: groupNames, hasIDs: id != nil)
    }

    public func forEachRow(_ body: (Int, String?, UnsafeRawBufferPointer) throws -> Void) throws {
        let archive = try NPZReader(path)
        let x = try Self.required("x", in: archive)
        let (rows, shape, encoding) = try Self.layout(of: x)
        var ids = try archive.array("id").map { try NPZColumn($0, rows: rows, name: "id") }
        try NPZRows(x, rows: rows, features: shape.count, encoding: encoding).forEach { position, features in
            try body(position, try ids?.next(), features)
        }
    }

    private static func required(_ name: String, in archive: NPZReader) throws -> NPZArray {
        guard let array = try archive.array(name) else {
            let names = archive.names
            throw Failure(
                .input, "\(archive.path) has no array '\(name)'; it holds \(names.isEmpty ? "none" : names.prefix(20).map { String($0.prefix(80)) }.joined(separator: ", ")); "
                    + "save arrays x and y, and id and group where there are any")
        }
        return array
    }

    private static func layout(of x: NPZArray) throws -> (rows: Int, shape: RowShape, encoding: FeatureEncoding) {
        let encoding: FeatureEncoding
        switch x.header.element {
        case .unsigned(bytes: 1): encoding = .image
        case .float: encoding = .floats
        default:
            throw Failure(.input, "\(x.place) has type '\(x.header.type)'; save it as unsigned bytes (astype('u1')) or single precision (astype('<f4'))")
        }
        let dimensions = x.header.shape
        let described = "(" + dimensions.map(String.init).joined(separator: ", ") + ")"
        guard (2...4).contains(dimensions.count) else {
            throw Failure(.input, "\(x.place) has shape \(described); give it (rows, features), (rows, height, width) or (rows, channels, height, width)")
        }
        let (rows, item) = (dimensions[0], dimensions.dropFirst())
        guard rows > 0 else { throw Failure(.input, "\(x.place) has no rows") }
        // Slots and classes are counted in 32 bits.
        guard rows <= Int(Int32.max), item.allSatisfy({ (1...mostFeatures).contains($0) }), item.reduce(1, { min($0, 1 << 32) * $1 }) <= mostFeatures else {
            throw Failure(.input, "\(x.place) has shape \(described); up to \(Int32.max) rows of 1 to \(mostFeatures) features are read")
        }
        let sizes = Array(item)
        let shape =
            switch sizes.count {
            case 1: RowShape(features: sizes[0])
            case 2: RowShape(channels: 1, height: sizes[0], width: sizes[1])
            default: RowShape(channels: sizes[0], height: sizes[1], width: sizes[2])
            }
        return (rows, shape, encoding)
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

/// The rows of `x` as stored, read block by block.
private struct NPZRows {
    private let array: NPZArray
    private let rows: Int
    private let features: Int
    private let encoding: FeatureEncoding

    /// Bytes that are read at once, unless one row takes more.
    private static let blockBytes = 256 * 1024

    init(_ array: NPZArray, rows: Int, features: Int, encoding: FeatureEncoding) {
        self.array = array
        self.rows = rows
        self.features = features
        self.encoding = encoding
    }

    func forEach(_ body: (_ position: Int, _ features: UnsafeRawBufferPointer) throws -> Void) throws {
        let size = array.header.element.size, rowBytes = features * size
        let rowsAtOnce = min(rows, max(1, Self.blockBytes / rowBytes))
        var block = [UInt8](repeating: 0, count: rowsAtOnce * rowBytes)
        // Double precision is narrowed here, one row at a time.
        var narrow = [Float](repeating: 0, count: size == 8 ? features : 0)
        var position = 0
        while position < rows {
            let count = min(rowsAtOnce, rows - position)
            try block.withUnsafeMutableBytes { try array.read(exactly: UnsafeMutableRawBufferPointer(rebasing: $0[..<(count * rowBytes)])) }
            try block.withUnsafeBytes { raw in
                for row in 0..<count {
                    var stored = UnsafeRawBufferPointer(rebasing: raw[row * rowBytes..<(row + 1) * rowBytes])
                    try narrow.withUnsafeMutableBytes { narrow in
                        if size == 8 { stored = Self.narrowed(stored, into: narrow) }
                        if encoding == .floats { try expectFinite(stored, position + row) }
                        try body(position + row, stored)
                    }
                }
            }
            position += count
        }
    }

    private static func narrowed(_ doubles: UnsafeRawBufferPointer, into floats: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
        let target = floats.assumingMemoryBound(to: Float.self)
        for index in target.indices { target[index] = Float(doubles.loadUnaligned(fromByteOffset: index * 8, as: Double.self)) }
        return UnsafeRawBufferPointer(floats)
    }

    private func expectFinite(_ floats: UnsafeRawBufferPointer, _ position: Int) throws {
        for index in 0..<features {
            let value = floats.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
            guard value.isFinite else {
                throw Failure(
                    .input, "\(array.place), row \(position + 1), feature \(index + 1) is not a finite number of single precision; mend or leave out the row")
            }
        }
    }
}
