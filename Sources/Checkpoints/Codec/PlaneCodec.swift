import Glibc
internal import CVectorKernels
internal import CZstd
import Files
import Tensors

/// Compresses lattice vectors: zigzag, transposition into 32 bit planes, and zstd for each plane that gains by it.
///
/// Influences are small integers around zero, so their high planes are nearly empty and their low ones are noise: the
/// noise is stored as it is, and zstd's entropy stage comes within a few per cent of the order-0 entropy on the rest
/// (LZ4, which has none, stays 8 to 9 % above it; `unlearn bench` prints both figures for the project at hand).
///
/// - Complexity: O(n) either way, one pass for the planes and one for zstd.
public struct PlaneCodec {
    static let groupValues = 512
    static let groupWords = 16
    static let planeCount = 32
    private static let zstdLevel: Int32 = 1

    /// The most values in one vector: keeps every size below within Int32.
    public static let mostValues = 1 << 30

    static func groups(_ count: Int) -> Int { (count + groupValues - 1) / groupValues }
    /// Bytes of one uncompressed plane.
    package static func planeBytes(_ count: Int) -> Int { groups(count) * groupWords * 4 }

    /// One plane as stored; a plane as long as `planeBytes` is uncompressed.
    struct Plane {
        let bytes: [UInt8]
    }

    /// The planes up to the highest that is not empty.
    static func encode(_ vector: LatticeVector) throws -> [Plane] {
        precondition(vector.count > 0 && vector.count <= mostValues)
        let groups = groups(vector.count), size = planeBytes(vector.count)
        return try withUnsafeTemporaryAllocation(of: UInt32.self, capacity: planeCount * groups * groupWords) { planes in
            vector.steps.withUnsafeBufferPointer { vk_planes_encode($0.baseAddress!, $0.count, planes.baseAddress!, groups) }
            let raw = UnsafeRawBufferPointer(planes)
            var used = planeCount
            while used > 0, planes[(used - 1) * groups * groupWords..<used * groups * groupWords].allSatisfy({ $0 == 0 }) { used -= 1 }
            guard let context = ZSTD_createCCtx() else { throw Failure(.failed, "out of memory in zstd") }
            defer { ZSTD_freeCCtx(context) }
            return (0..<used).map { plane in
                let source = UnsafeRawBufferPointer(rebasing: raw[plane * size..<(plane + 1) * size])
                var stored = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                    // Fails (an error is a huge number) where the result would not be smaller than the plane.
                    let length = ZSTD_compressCCtx(context, buffer.baseAddress!, size - 1, source.baseAddress!, size, zstdLevel)
                    count = ZSTD_isError(length) == 0 ? length : 0
                }
                if stored.isEmpty { stored = Array(source) }
                return Plane(bytes: stored)
            }
        }
    }

    /// The vector of `count` values, or nil where the planes are not what `encode` makes.
    package static func decode(_ planes: [UnsafeRawBufferPointer], count: Int) -> LatticeVector? {
        precondition(count > 0 && count <= mostValues && planes.count <= planeCount)
        let groups = groups(count), size = planeBytes(count)
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: planeCount * groups * groupWords) { words in
            let raw = UnsafeMutableRawBufferPointer(words)
            for (index, plane) in planes.enumerated() {
                let target = UnsafeMutableRawBufferPointer(rebasing: raw[index * size..<(index + 1) * size])
                if plane.count == size {
                    target.copyMemory(from: plane)
                } else {
                    guard ZSTD_decompress(target.baseAddress!, size, plane.baseAddress, plane.count) == size else { return nil }
                }
            }
            UnsafeMutableRawBufferPointer(rebasing: raw[(planes.count * size)...]).initializeMemory(as: UInt8.self, repeating: 0)
            return LatticeVector([Int32](unsafeUninitializedCapacity: count) { buffer, initialised in
                vk_planes_decode(words.baseAddress!, groups, buffer.baseAddress!, count)
                initialised = count
            })
        }
    }

    /// Order-0 entropy of the step counts, in bits a value: what no coder that treats values alike can go below.
    /// - Complexity: O(n) and a table of the distinct values.
    public static func orderZeroEntropy(_ vector: LatticeVector) -> Double {
        var occurrences: [Int32: Int] = [:]
        for value in vector.steps { occurrences[value, default: 0] += 1 }
        let total = Double(vector.count)
        // Summed in a fixed order, so that the figure is the same in every run.
        return occurrences.values.sorted().reduce(0) { $0 - Double($1) / total * log2(Double($1) / total) }
    }
}
