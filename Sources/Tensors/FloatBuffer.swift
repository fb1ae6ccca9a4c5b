import Glibc

/// A fixed number of floats, zero at first, aligned to 64 bytes so that products see the same alignment in every run.
public final class FloatBuffer {
    public let count: Int
    public let pointer: UnsafeMutablePointer<Float>

    public init(count: Int) {
        self.count = count
        let bytes = max(64, (count * MemoryLayout<Float>.stride + 63) / 64 * 64)
        guard let memory = aligned_alloc(64, bytes) else { fatalError("out of memory: \(bytes) bytes") }
        memset(memory, 0, bytes)
        pointer = memory.assumingMemoryBound(to: Float.self)
    }

    deinit { free(pointer) }

    public var values: UnsafeBufferPointer<Float> { UnsafeBufferPointer(start: pointer, count: count) }
}
