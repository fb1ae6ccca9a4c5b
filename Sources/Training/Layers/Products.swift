internal import CVectorKernels

/// Single-precision matrix products with the same bits on every processor: each element is one chain of fused
/// multiplications and additions, in order.
enum Products {
    /// What a product adds to.
    enum Start {
        case zero
        /// What the result's memory holds.
        case sum
        /// One value for each row of the result.
        case rowBias(Input)
    }

    /// C (m,n) = start + op(A) B, all row-major and dense; op(A) is (m,k), B is (k,n).
    @inline(__always)
    static func multiply(_ m: Int, _ n: Int, _ k: Int, _ a: Input, transposeA: Bool = false, _ b: Input, bRow: Int? = nil, from start: Start, _ c: Output, cRow: Int? = nil) {
        let (mode, bias): (vk_start, Input?) =
            switch start {
            case .zero: (VK_FROM_ZERO, nil)
            case .sum: (VK_FROM_C, nil)
            case .rowBias(let bias): (VK_FROM_ROW_BIAS, bias)
            }
        vk_product(m, n, k, a, transposeA ? 1 : k, transposeA ? m : 1, b, bRow ?? n, c, cRow ?? n, mode, bias)
    }
}
