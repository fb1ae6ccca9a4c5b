internal import CVectorKernels

/// Single-precision matrix products with the same bits on every processor: the order in which each element is summed is
/// part of their definition.
enum Products {
    /// What a product adds to.
    enum Start {
        case zero
        /// What the result's memory holds.
        case sum
        /// One value for each row of the result, or for each column in `multiplyRows`.
        case bias(Input)

        fileprivate var mode: vk_start {
            switch self {
            case .zero: VK_FROM_ZERO
            case .sum: VK_FROM_C
            case .bias: VK_FROM_BIAS
            }
        }

        fileprivate var values: Input? { if case .bias(let values) = self { values } else { nil } }
    }

    /// C (m,n) = start + A B, all row-major and dense; A is (m,k), B is (k,n).
    @inline(__always)
    static func multiply(_ m: Int, _ n: Int, _ k: Int, _ a: Input, _ b: Input, from start: Start, _ c: Output) {
        vk_product(m, n, k, a, k, 1, b, n, c, n, start.mode, start.values)
    }

    /// The same for C (m,n) = start + Aᵀ B where A lies in the first m columns of a matrix (k, aRow).
    @inline(__always)
    static func multiplyColumns(_ m: Int, _ n: Int, _ k: Int, _ a: Input, aRow: Int, _ b: Input, from start: Start, _ c: Output) {
        vk_product(m, n, k, a, 1, aRow, b, n, c, n, start.mode, start.values)
    }

    /// C (m,n) = start + A Bᵀ, all row-major and dense; A is (m,k), B is (n,k).
    @inline(__always)
    static func multiplyRows(_ m: Int, _ n: Int, _ k: Int, _ a: Input, _ b: Input, from start: Start, _ c: Output) {
        vk_product_of_rows(m, n, k, a, k, b, k, c, n, start.mode, start.values)
    }
}
