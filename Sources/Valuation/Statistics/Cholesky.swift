/// A symmetric positive definite matrix A = L·Lᵀ, for systems of up to ten thousand unknowns.
///
/// Large ones are factored a panel at a time by OpenBLAS, and a caller can stop it between panels; small ones, and all where OpenBLAS is not
/// installed, by the textbook's loops, which agree to rounding.
struct Cholesky {
    let size: Int
    /// Row-major lower triangle L. What lies above it means nothing.
    private var lower: [Double]
    private let blas: OpenBLAS?

    /// Unknowns that OpenBLAS eliminates between two looks at whether to go on: of 10,000, half a second at most. Plain loops look before each.
    private static let panel = 256

    /// Of a row-major matrix, whose lower triangle alone is read. nil where it is not positive definite to working precision.
    /// - Throws: what `checkpoint` throws, which is called again and again.
    /// - Complexity: O(size³ / 3).
    init?(_ matrix: [Double], size: Int, checkpoint: () throws -> Void) rethrows {
        try self.init(matrix, size: size, blas: .forSystem(of: size), checkpoint: checkpoint)
    }

    /// - Parameter blas: nil: by plain loops.
    init?(_ matrix: [Double], size: Int, blas: OpenBLAS?, checkpoint: () throws -> Void) rethrows {
        precondition(size > 0 && matrix.count == size * size)
        (self.size, lower, self.blas) = (size, matrix, blas)
        let smallest = (0..<size).map { abs(matrix[$0 * size + $0]) * 1e-13 }
        let isDefinite = if let blas = self.blas { try factor(blas, smallest, checkpoint) } else { try factor(smallest, checkpoint) }
        guard isDefinite else { return nil }
    }

    private mutating func factor(_ smallest: [Double], _ checkpoint: () throws -> Void) rethrows -> Bool {
        for i in 0..<size {
            try checkpoint()
            for j in 0...i {
                var sum = lower[i * size + j]
                for k in 0..<j { sum -= lower[i * size + k] * lower[j * size + k] }
                if i == j {
                    guard sum > smallest[i], sum.isFinite else { return false }
                    lower[i * size + i] = sum.squareRoot()
                } else {
                    lower[i * size + j] = sum / lower[j * size + j]
                }
            }
        }
        return true
    }

    /// Right-looking: each panel is factored, what stands right of it solved for, and its square taken off what is left.
    private mutating func factor(_ blas: OpenBLAS, _ smallest: [Double], _ checkpoint: () throws -> Void) rethrows -> Bool {
        let n = size
        return try lower.withUnsafeMutableBufferPointer { buffer in
            let a = buffer.baseAddress!
            for start in stride(from: 0, to: n, by: Self.panel) {
                try checkpoint()
                let end = min(n, start + Self.panel), width = end - start
                guard blas.factor(a + start * n + start, size: width, stride: n) else { return false }
                for i in start..<end {
                    let pivot = a[i * n + i]
                    guard pivot * pivot > smallest[i], pivot.isFinite else { return false }
                }
                guard end < n else { break }
                blas.solve(a + start * n + start, size: width, stride: n, isTransposed: true, a + end * n + start, columns: n - end, strideOfB: n)
                blas.addSquare(a + end * n + start, rows: width, stride: n, times: -1, to: a + end * n + end, size: n - end, strideOfC: n)
            }
            return true
        }
    }

    /// x with A·x = b. - Complexity: O(size²).
    func solve(_ b: [Double]) -> [Double] {
        precondition(b.count == size)
        return solve(b) {}
    }

    /// The same of several right sides, one behind the other.
    /// - Throws: what `checkpoint` throws, which is called again and again.
    /// - Complexity: O(size²) for each.
    func solve(_ right: [Double], checkpoint: () throws -> Void) rethrows -> [Double] {
        precondition(right.count % size == 0)
        var x = right
        let columns = right.count / size
        try x.withUnsafeMutableBufferPointer { x in
            for first in stride(from: 0, to: columns, by: Self.panel) {
                try checkpoint()
                let count = min(Self.panel, columns - first), b = x.baseAddress! + first * size
                lower.withUnsafeBufferPointer { lower in
                    if let blas {
                        for isTransposed in [true, false] {
                            blas.solve(lower.baseAddress!, size: size, stride: size, isTransposed: isTransposed, b, columns: count, strideOfB: size)
                        }
                    } else {
                        for column in 0..<count { Self.solve(lower, b + column * size, size: size) }
                    }
                }
            }
        }
        return x
    }

    private static func solve(_ lower: UnsafeBufferPointer<Double>, _ x: UnsafeMutablePointer<Double>, size: Int) {
        for i in 0..<size {
            for k in 0..<i { x[i] -= lower[i * size + k] * x[k] }
            x[i] /= lower[i * size + i]
        }
        for i in (0..<size).reversed() {
            for k in i + 1..<max(size, i + 1) { x[i] -= lower[k * size + i] * x[k] }
            x[i] /= lower[i * size + i]
        }
    }
}
