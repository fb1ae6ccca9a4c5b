/// Floats between two fences of known bits, which a write outside its bounds breaks. Their first values are NaN, so
/// that what is never set shows.
final class GuardedFloats {
    private static let fence = 16
    private static let mark = Float(bitPattern: 0x7FC0_BEEF)

    private let memory: UnsafeMutableBufferPointer<Float>
    let count: Int

    init(count: Int) {
        self.count = count
        memory = .allocate(capacity: count + 2 * Self.fence)
        memory.initialize(repeating: Self.mark)
    }

    convenience init(_ values: [Float]) {
        self.init(count: values.count)
        pointer.update(from: values, count: count)
    }

    deinit { memory.deallocate() }

    var pointer: UnsafeMutablePointer<Float> { memory.baseAddress! + Self.fence }
    var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    var isIntact: Bool {
        let outside = Array(memory.prefix(Self.fence)) + Array(memory.suffix(Self.fence))
        return outside.allSatisfy { $0.bitPattern == Self.mark.bitPattern }
    }
}
