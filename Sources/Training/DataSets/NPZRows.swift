import Files
import Tensors

/// What the array `x` of a NumPy file holds: how many rows, of which shape, and how they are kept.
///
/// Unsigned bytes are kept as bytes and scaled to −1…1 as images are; floats are kept in single precision as they are, and so are
/// integers, each of which must be one that single precision holds.
struct NPZLayout {
    let rows: Int
    let shape: RowShape
    let encoding: FeatureEncoding
    /// (rows, height, width, channels), as most image libraries have it; rows are handed out with their channels first.
    let isChannelsLast: Bool

    /// Rows of more features than this are taken for damage.
    private static let mostFeatures = 1 << 24
    /// Of pictures: grey, red green blue, and opacity with them.
    private static let usualChannels = [1, 3, 4]
    private static let leastSide = 8

    /// - Throws: `Failure` of kind `input` where the array is of another type or shape.
    init(of x: NPZArray) throws {
        switch x.header.element {
        case .unsigned(bytes: 1): encoding = .image
        case .float, .signed, .unsigned: encoding = .floats
        case .unicode, .bytes:
            throw Failure(.input, "\(x.place) has type '\(x.header.type)'; save it as unsigned bytes (astype('u1')) or single precision (astype('<f4'))")
        }
        let dimensions = x.header.shape
        let described = "(" + dimensions.map(String.init).joined(separator: ", ") + ")"
        guard (2...4).contains(dimensions.count) else {
            throw Failure(.input, "\(x.place) has shape \(described); give it (rows, features), (rows, height, width) or (rows, channels, height, width)")
        }
        let sizes = Array(dimensions.dropFirst())
        rows = dimensions[0]
        guard rows > 0 else { throw Failure(.input, "\(x.place) has no rows") }
        // Slots and classes are counted in 32 bits.
        guard rows <= Int(Int32.max), sizes.allSatisfy({ (1...Self.mostFeatures).contains($0) }),
            sizes.reduce(1, { min($0, 1 << 32) * $1 }) <= Self.mostFeatures
        else { throw Failure(.input, "\(x.place) has shape \(described); up to \(Int32.max) rows of 1 to \(Self.mostFeatures) features are read") }
        // Read with its channels first, such an array would be dozens of channels of a picture three pixels wide.
        isChannelsLast = sizes.count == 3 && Self.usualChannels.contains(sizes[2]) && sizes[..<2].allSatisfy { $0 >= Self.leastSide }
        shape =
            switch sizes.count {
            case 1: RowShape(features: sizes[0])
            case 2: RowShape(channels: 1, height: sizes[0], width: sizes[1])
            default:
                isChannelsLast
                    ? RowShape(channels: sizes[2], height: sizes[0], width: sizes[1]) : RowShape(channels: sizes[0], height: sizes[1], width: sizes[2])
            }
    }

    /// For each feature of a row its place among the array's elements, counted from the first of the row; nil where they simply
    /// follow each other.
    func places(_ header: NPYHeader) -> [Int]? {
        guard header.isFortranOrder || isChannelsLast else { return nil }
        let sizes = Array(header.shape.dropFirst())
        var steps = [Int](repeating: 1, count: sizes.count)
        if header.isFortranOrder {
            steps[0] = rows
            for axis in sizes.indices.dropFirst() { steps[axis] = steps[axis - 1] * sizes[axis - 1] }
        } else {
            for axis in sizes.indices.dropLast().reversed() { steps[axis] = steps[axis + 1] * sizes[axis + 1] }
        }
        // The axes in the order in which features are handed out.
        let axes = isChannelsLast ? [2, 0, 1] : Array(sizes.indices)
        return axes.reduce([0]) { places, axis in places.flatMap { place in (0..<sizes[axis]).map { place + $0 * steps[axis] } } }
    }
}

/// The rows of `x`, read block by block. An array in Fortran order has the first feature of all rows, then the second, and
/// so on: it is held in memory whole.
struct NPZRows {
    private let array: NPZArray
    private let layout: NPZLayout
    private let features: Int

    /// Bytes that are read at once, unless one row takes more.
    private static let blockBytes = 256 * 1024
    private static let mostBytesHeld = 1 << 32

    init(_ array: NPZArray, _ layout: NPZLayout) throws {
        self.array = array
        self.layout = layout
        features = layout.shape.count
        guard !array.header.isFortranOrder || array.header.bytes <= Self.mostBytesHeld else {
            throw Failure(.input, "\(array.place) is in Fortran order and too long to be turned in memory; save numpy.ascontiguousarray of it")
        }
    }

    /// - Throws: `Failure` of kind `input` for a value that cannot be kept, with its row and feature, and for a damaged file.
    func forEach(_ body: (_ position: Int, _ features: UnsafeRawBufferPointer) throws -> Void) throws {
        let size = array.header.element.size, rowBytes = features * size
        let isWhole = array.header.isFortranOrder
        let rowsAtOnce = isWhole ? layout.rows : min(layout.rows, max(1, Self.blockBytes / rowBytes))
        // Stored rows that are the kept ones as they stand are handed out without a copy.
        let isKept = !isWhole && !layout.isChannelsLast && (layout.encoding != .floats || array.header.element == .float(bytes: 4))
        var kept = [UInt8](repeating: 0, count: isKept ? 0 : features * layout.encoding.bytesPerFeature)
        var block: [UInt8] = [], places: [Int]?
        var position = 0
        while position < layout.rows {
            let count = min(rowsAtOnce, layout.rows - position)
            try read(count * rowBytes, into: &block)
            // Behind the first read: what a header claims costs no memory until the bytes are there.
            if position == 0 { places = layout.places(array.header) }
            try block.withUnsafeBytes { raw in
                for row in 0..<count {
                    let first = isWhole ? row : row * features
                    if isKept {
                        let stored = UnsafeRawBufferPointer(rebasing: raw[first * size..<first * size + rowBytes])
                        if layout.encoding == .floats { try expectFinite(stored, position + row) }
                        try body(position + row, stored)
                    } else {
                        try kept.withUnsafeMutableBytes { kept in
                            try gather(raw, first: first, places, into: kept, position + row)
                            if layout.encoding == .floats { try expectFinite(UnsafeRawBufferPointer(kept), position + row) }
                            try body(position + row, UnsafeRawBufferPointer(kept))
                        }
                    }
                }
            }
            position += count
        }
    }

    /// Grown as bytes arrive, so that a wrong count costs no memory.
    private func read(_ count: Int, into block: inout [UInt8]) throws {
        block.removeAll(keepingCapacity: true)
        while block.count < count {
            let start = block.count, more = min(count - start, max(Self.blockBytes, start))
            block.append(contentsOf: repeatElement(0, count: more))
            try block.withUnsafeMutableBytes { try array.read(exactly: UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
        }
    }

    /// - Parameter first: where the row's first element lies, in elements.
    private func gather(_ raw: UnsafeRawBufferPointer, first: Int, _ places: [Int]?, into kept: UnsafeMutableRawBufferPointer, _ position: Int) throws {
        let place: (Int) -> Int = { index in first + (places?[index] ?? index) }
        switch array.header.element {
        case .unsigned(bytes: 1): for index in 0..<features { kept[index] = raw[place(index)] }
        case .float(bytes: 4): fill(kept) { raw.loadUnaligned(fromByteOffset: place($0) * 4, as: Float.self) }
        case .float: fill(kept) { Float(raw.loadUnaligned(fromByteOffset: place($0) * 8, as: Double.self)) }
        case .signed(bytes: 1): try fill(kept, raw, Int8.self, position, place)
        case .signed(bytes: 2): try fill(kept, raw, Int16.self, position, place)
        case .signed(bytes: 4): try fill(kept, raw, Int32.self, position, place)
        case .signed: try fill(kept, raw, Int64.self, position, place)
        case .unsigned(bytes: 2): try fill(kept, raw, UInt16.self, position, place)
        case .unsigned(bytes: 4): try fill(kept, raw, UInt32.self, position, place)
        case .unsigned: try fill(kept, raw, UInt64.self, position, place)
        case .unicode, .bytes: preconditionFailure("text is refused with its layout")
        }
    }

    private func fill(_ kept: UnsafeMutableRawBufferPointer, _ value: (Int) throws -> Float) rethrows {
        for index in 0..<features { kept.storeBytes(of: try value(index), toByteOffset: index * 4, as: Float.self) }
    }

    private func fill<Value: FixedWidthInteger & BitwiseCopyable>(
        _ kept: UnsafeMutableRawBufferPointer, _ raw: UnsafeRawBufferPointer, _: Value.Type, _ position: Int, _ place: (Int) -> Int
    ) throws {
        try fill(kept) { index in
            let value = raw.loadUnaligned(fromByteOffset: place(index) * (Value.bitWidth / 8), as: Value.self)
            guard let number = Float(exactly: value) else {
                throw Failure(
                    .input, "\(array.place), row \(position + 1), feature \(index + 1) is \(value), which single precision does not hold exactly; "
                        + "scale the column, or leave it out where it is an id (astype('<f4') rounds it)")
            }
            return number
        }
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
