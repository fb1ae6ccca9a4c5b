/// A symmetric positive definite matrix A = L·Lᵀ, for systems of a few hundred unknowns.
struct Cholesky {
    let size: Int
    /// Row-major lower triangle L.
    private var lower: [Double]

    /// Of a row-major matrix, whose lower triangle alone is read. nil where it is not positive definite to working precision.
    /// - Complexity: O(size³ / 3).
    init?(_ matrix: [Double], size: Int) {
        precondition(matrix.count == size * size)
        var l = matrix
        for i in 0..<size {
            for j in 0...i {
                var sum = l[i * size + j]
                for k in 0..<j { sum -= l[i * size + k] * l[j * size + k] }
                if i == j {
                    guard sum > abs(matrix[i * size + i]) * 1e-13, sum.isFinite else { return nil }
                    l[i * size + i] = sum.squareRoot()
                } else {
                    l[i * size + j] = sum / l[j * size + j]
                }
            }
        }
        (self.size, lower) = (size, l)
    }

    /// x with A·x = b. - Complexity: O(size²).
    func solve(_ b: [Double]) -> [Double] {
        precondition(b.count == size)
        var x = b
        for i in 0..<size {
            for k in 0..<i { x[i] -= lower[i * size + k] * x[k] }
            x[i] /= lower[i * size + i]
        }
        for i in (0..<size).reversed() {
            for k in i + 1..<max(size, i + 1) { x[i] -= lower[k * size + i] * x[k] }
            x[i] /= lower[i * size + i]
        }
        return x
    }
}
