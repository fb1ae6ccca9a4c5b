internal import CVectorKernels
import Files
import Foundation

/// States as safetensors files in the tensors' own types: what an outside trainer reads and writes, and what is exported of its models.
///
/// Numbers are converted piece by piece between the file and the state, each touched once, so that nothing of a state's size is held
/// beside it.
public struct StateFile: Sendable {
    public let tensors: [StateTensor]
    public let layout: ParameterLayout

    /// Values of a piece: 256 KiB of Int32, within a core's own cache.
    private static let piece = 1 << 16

    public init(_ tensors: [StateTensor]) {
        self.tensors = tensors
        layout = ParameterLayout(tensors.map { TensorSpec($0.name, $0.shape) })
    }

    /// Why a file is no state of these tensors.
    public typealias Invalid = SafetensorsHeader.Invalid

    /// A number without a place on the lattice.
    public struct OffLattice: Error, Equatable {
        public let tensor: String
        public let value: Double
    }

    private func bytes(of index: Int) -> Int { layout.tensors[index].count * tensors[index].element.bytes }

    /// In the file, wider elements stand first, so that each tensor begins at a multiple of its own.
    private var order: [Int] { tensors.indices.sorted { (-tensors[$0].element.bytes, $0) < (-tensors[$1].element.bytes, $1) } }

    // MARK: Writing

    /// - Parameter metadata: texts that the format lets a file say of itself.
    public func write(_ state: LatticeVector, to file: borrowing OpenFile, metadata: [String: String] = [:]) throws {
        precondition(state.count == layout.count, "a state of these tensors")
        let order = order
        let head = try SafetensorsHeader.bytes(of: order.map { (tensors[$0].name, tensors[$0].element.rawValue, tensors[$0].shape, bytes(of: $0)) }, metadata: metadata)
        try head.withUnsafeBytes { try file.write($0, at: 0) }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.piece * 8, alignment: 64)
        let floats = UnsafeMutablePointer<Float>.allocate(capacity: Self.piece)
        defer {
            room.deallocate()
            floats.deallocate()
        }
        var place = head.count
        try state.steps.withUnsafeBufferPointer { steps in
            for index in order {
                let tensor = tensors[index], first = layout.offsets[index], count = layout.tensors[index].count
                for start in stride(from: 0, to: count, by: Self.piece) {
                    let length = min(Self.piece, count - start)
                    Self.unsnap(steps.baseAddress! + first + start, length, tensor, floats, into: room.baseAddress!)
                    try file.write(UnsafeRawBufferPointer(start: room.baseAddress!, count: length * tensor.element.bytes), at: place)
                    place += length * tensor.element.bytes
                }
            }
        }
    }

    /// A piece in the tensor's own type. What the type cannot hold becomes the nearest that it can.
    private static func unsnap(_ steps: UnsafePointer<Int32>, _ count: Int, _ tensor: StateTensor, _ floats: UnsafeMutablePointer<Float>, into target: UnsafeMutableRawPointer) {
        let unit = Double(sign: .plus, exponent: -tensor.bits, significand: 1)
        func integers<Integer: FixedWidthInteger>(_ type: Integer.Type) {
            let target = target.assumingMemoryBound(to: type)
            for index in 0..<count { target[index] = Integer(clamping: steps[index]) }
        }
        switch tensor.element {
        case .float32: vk_unsnap(steps, target.assumingMemoryBound(to: Float.self), count, Float(unit))
        case .float64:
            let target = target.assumingMemoryBound(to: Double.self)
            for index in 0..<count { target[index] = Double(steps[index]) * unit }
        case .float16:
            vk_unsnap(steps, floats, count, Float(unit))
            let target = target.assumingMemoryBound(to: UInt16.self)
            for index in 0..<count { target[index] = HalfPrecision.float16(floats[index]) }
        case .bfloat16:
            vk_unsnap(steps, floats, count, Float(unit))
            let target = target.assumingMemoryBound(to: UInt16.self)
            for index in 0..<count { target[index] = HalfPrecision.bfloat16(floats[index]) }
        case .int64: integers(Int64.self)
        case .int32: integers(Int32.self)
        case .int16: integers(Int16.self)
        case .int8: integers(Int8.self)
        case .uint8: integers(UInt8.self)
        case .bool:
            let target = target.assumingMemoryBound(to: UInt8.self)
            for index in 0..<count { target[index] = steps[index] > 0 ? 1 : 0 }
        }
    }

    // MARK: Reading

    /// - Parameter exactly: every number must be the one that `write` gives for the state, to its last bit: what lies between two steps is nobody's
    ///   model, and may be anything.
    /// - Throws: `Invalid` where the file holds other tensors; `OffLattice`.
    public func read(_ file: borrowing OpenFile, exactly: Bool = false) throws -> LatticeVector {
        let (starts, dataStart) = try places(file)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.piece * 8, alignment: 64)
        let floats = UnsafeMutablePointer<Float>.allocate(capacity: Self.piece), again = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.piece * 8, alignment: 64)
        defer {
            room.deallocate()
            floats.deallocate()
            again.deallocate()
        }
        return LatticeVector(
            try [Int32](unsafeUninitializedCapacity: layout.count) { buffer, initialised in
                for index in tensors.indices {
                    let tensor = tensors[index], first = layout.offsets[index], count = layout.tensors[index].count
                    for start in stride(from: 0, to: count, by: Self.piece) {
                        let length = min(Self.piece, count - start)
                        let bytes = UnsafeMutableRawBufferPointer(start: room.baseAddress!, count: length * tensor.element.bytes)
                        try file.read(into: bytes, at: dataStart + starts[index] + start * tensor.element.bytes)
                        try Self.snap(room.baseAddress!, length, tensor, floats, into: buffer.baseAddress! + first + start)
                        if exactly {
                            Self.unsnap(buffer.baseAddress! + first + start, length, tensor, floats, into: again.baseAddress!)
                            guard memcmp(again.baseAddress!, room.baseAddress!, bytes.count) == 0 else { throw Invalid(what: "has numbers between two steps of the lattice in tensor '\(tensor.name)'") }
                        }
                    }
                }
                initialised = layout.count
            })
    }

    /// The largest magnitude in each tensor of half precision; nil of the others.
    public func largest(_ file: borrowing OpenFile) throws -> [Double?] {
        let (starts, dataStart) = try places(file)
        var room = [UInt16](repeating: 0, count: Self.piece)
        return try tensors.indices.map { index in
            let tensor = tensors[index], count = layout.tensors[index].count
            guard tensor.element.isHalf else { return nil }
            var largest: Float = 0
            for start in stride(from: 0, to: count, by: Self.piece) {
                let length = min(Self.piece, count - start)
                try room.withUnsafeMutableBytes { try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<(2 * length)]), at: dataStart + starts[index] + 2 * start) }
                for word in room[..<length] {
                    let value = abs(tensor.element == .bfloat16 ? HalfPrecision.float(bfloat16: word) : HalfPrecision.float(float16: word))
                    guard value.isFinite else { throw OffLattice(tensor: tensor.name, value: Double(value)) }
                    largest = max(largest, value)
                }
            }
            return Double(largest)
        }
    }

    /// Where the tensors begin, behind the header.
    private func places(_ file: borrowing OpenFile) throws -> (starts: [Int], dataStart: Int) {
        let header = try SafetensorsHeader(file)
        let starts = try tensors.indices.map { index in
            let tensor = tensors[index]
            guard let entry = header.entries[tensor.name] else { throw Invalid(what: "has no tensor '\(tensor.name)'") }
            guard entry.type == tensor.element.rawValue, entry.shape == tensor.shape else {
                throw Invalid(what: "has tensor '\(tensor.name)' as \(entry.type) \(entry.shape), which is \(tensor.element.rawValue) \(tensor.shape)")
            }
            guard entry.end - entry.start == bytes(of: index) else { throw Invalid(what: "has tensor '\(tensor.name)' at an impossible place") }
            return entry.start
        }
        if header.entries.count > tensors.count, let other = Set(header.entries.keys).subtracting(tensors.map(\.name)).min() {
            throw Invalid(what: "has a tensor '\(other)' that was not described")
        }
        return (starts, header.dataStart)
    }

    private static func snap(_ source: UnsafeMutableRawPointer, _ count: Int, _ tensor: StateTensor, _ floats: UnsafeMutablePointer<Float>, into steps: UnsafeMutablePointer<Int32>) throws {
        let scale = Double(sign: .plus, exponent: tensor.bits, significand: 1)
        func snap(_ values: UnsafePointer<Float>) throws {
            let bad = vk_snap(values, steps, count, Float(scale))
            guard bad == count else { throw OffLattice(tensor: tensor.name, value: Double(values[bad])) }
        }
        func integers<Integer: FixedWidthInteger>(_ type: Integer.Type) throws {
            let source = source.assumingMemoryBound(to: type)
            for index in 0..<count {
                guard let step = Int32(exactly: source[index]) else { throw OffLattice(tensor: tensor.name, value: Double(source[index])) }
                steps[index] = step
            }
        }
        switch tensor.element {
        case .float32: try snap(source.assumingMemoryBound(to: Float.self))
        case .float64:
            let source = source.assumingMemoryBound(to: Double.self)
            for index in 0..<count {
                let step = (source[index] * scale).rounded(.toNearestOrEven)
                guard abs(step) <= Double(Int32.max) else { throw OffLattice(tensor: tensor.name, value: source[index]) }
                steps[index] = Int32(step)
            }
        case .float16:
            let source = source.assumingMemoryBound(to: UInt16.self)
            for index in 0..<count { floats[index] = HalfPrecision.float(float16: source[index]) }
            try snap(floats)
        case .bfloat16:
            let source = source.assumingMemoryBound(to: UInt16.self)
            for index in 0..<count { floats[index] = HalfPrecision.float(bfloat16: source[index]) }
            try snap(floats)
        case .int64: try integers(Int64.self)
        case .int32: try integers(Int32.self)
        case .int16: try integers(Int16.self)
        case .int8: try integers(Int8.self)
        case .uint8: try integers(UInt8.self)
        case .bool:
            let source = source.assumingMemoryBound(to: UInt8.self)
            for index in 0..<count { steps[index] = source[index] == 0 ? 0 : 1 }
        }
    }
}

/// Numbers of two bytes, as IEEE 754 (`float16`) and as the upper half of a float (`bfloat16`), rounded to the nearest, half to even.
/// In integers, so that they are the same wherever the program runs.
public enum HalfPrecision {
    public static func float(bfloat16 word: UInt16) -> Float { Float(bitPattern: UInt32(word) << 16) }

    public static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        guard value.isFinite else { return UInt16(bits >> 16) | (value.isNaN ? 0x40 : 0) }
        let rounded = UInt16((bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
        // The nearest that is finite.
        return rounded & 0x7FFF >= 0x7F80 ? (rounded & 0x8000) | 0x7F7F : rounded
    }

    public static func float(float16 word: UInt16) -> Float {
        let sign = UInt32(word & 0x8000) << 16, exponent = Int32(word >> 10 & 0x1F), fraction = UInt32(word & 0x3FF)
        switch exponent {
        case 0: return Float(bitPattern: sign) + (sign == 0 ? 1 : -1) * Float(fraction) * 0x1p-24
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | UInt32(exponent + 112) << 23 | fraction << 13)
        }
    }

    public static func float16(_ value: Float) -> UInt16 {
        let sign = UInt16(value.bitPattern >> 16) & 0x8000, magnitude = abs(value)
        guard !value.isNaN else { return sign | 0x7E00 }
        // The nearest that is finite.
        guard magnitude < 65520 else { return sign | (magnitude.isFinite ? 0x7BFF : 0x7C00) }
        guard magnitude >= 0x1p-14 else { return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven)) }
        let bits = magnitude.bitPattern &- 112 << 23
        return sign | UInt16((bits &+ 0xFFF &+ ((bits >> 13) & 1)) >> 13)
    }
}
