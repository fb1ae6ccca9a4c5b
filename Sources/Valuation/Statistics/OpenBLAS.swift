import Glibc

/// Debian's OpenBLAS, loaded when it is first needed: what solves no large system starts without it, and what has no OpenBLAS does without.
///
/// Its kernels add in orders that depend on the processor, so results differ in their last bits from one machine to another: values of very
/// many players may, models and what coalitions are worth never.
///
/// Matrices are column-major, as in Fortran: a row-major lower triangle is an upper one here.
struct OpenBLAS: Sendable {
    typealias Integer = UnsafePointer<Int32>
    typealias Letter = UnsafePointer<CChar>
    typealias Number = UnsafePointer<Double>
    typealias Numbers = UnsafeMutablePointer<Double>

    /// uplo, n, A, lda, info: A = Uᵀ·U.
    private typealias Factor = @convention(c) (Letter, Integer, Numbers, Integer, UnsafeMutablePointer<Int32>) -> Void
    /// side, uplo, trans, diag, m, n, alpha, A, lda, B, ldb: B becomes op(A)⁻¹·B.
    private typealias SolveTriangle = @convention(c) (Letter, Letter, Letter, Letter, Integer, Integer, Number, Number, Integer, Numbers, Integer) -> Void
    /// uplo, trans, n, k, alpha, A, lda, beta, C, ldc: C becomes αAᵀA + βC.
    private typealias AddSquare = @convention(c) (Letter, Letter, Integer, Integer, Number, Number, Integer, Number, Numbers, Integer) -> Void

    private let factorFunction: Factor
    private let solveFunction: SolveTriangle
    private let squareFunction: AddSquare

    /// Plain loops solve smaller systems in a moment, and to the same bits everywhere.
    private static let fewestUnknowns = 200

    /// Nil where the library is not installed.
    static let loaded = OpenBLAS()

    /// For a system of so many unknowns; nil where plain loops are to solve it.
    static func forSystem(of unknowns: Int) -> OpenBLAS? { unknowns >= fewestUnknowns ? loaded : nil }

    private init?() {
        // The threads of other builds of it would be started by loading it, and wait for work busily beside ours.
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL), let factor = dlsym(library, "dpotrf_"), let solve = dlsym(library, "dtrsm_"),
            let square = dlsym(library, "dsyrk_")
        else { return nil }
        factorFunction = unsafeBitCast(factor, to: Factor.self)
        solveFunction = unsafeBitCast(solve, to: SolveTriangle.self)
        squareFunction = unsafeBitCast(square, to: AddSquare.self)
    }

    private static let upper: [CChar] = [CChar(UInt8(ascii: "U"))], left: [CChar] = [CChar(UInt8(ascii: "L"))]
    private static let transposed: [CChar] = [CChar(UInt8(ascii: "T"))], notTransposed: [CChar] = [CChar(UInt8(ascii: "N"))]

    /// The upper triangle of A becomes U with A = Uᵀ·U. - Returns: whether A was positive definite.
    func factor(_ a: Numbers, size: Int, stride: Int) -> Bool {
        var n = Int32(size), lda = Int32(stride), info: Int32 = 0
        factorFunction(Self.upper, &n, a, &lda, &info)
        return info == 0
    }

    /// B (size × columns) becomes U⁻ᵀ·B, or U⁻¹·B.
    func solve(_ u: Number, size: Int, stride: Int, isTransposed: Bool, _ b: Numbers, columns: Int, strideOfB: Int) {
        var m = Int32(size), n = Int32(columns), lda = Int32(stride), ldb = Int32(strideOfB), one = 1.0
        solveFunction(Self.left, Self.upper, isTransposed ? Self.transposed : Self.notTransposed, Self.notTransposed, &m, &n, &one, u, &lda, b, &ldb)
    }

    /// The upper triangle of C (size × size) becomes C + α·Aᵀ·A, with A of `rows` rows.
    func addSquare(_ a: Number, rows: Int, stride: Int, times alpha: Double, to c: Numbers, size: Int, strideOfC: Int) {
        var n = Int32(size), k = Int32(rows), lda = Int32(stride), ldc = Int32(strideOfC), alpha = alpha, beta = 1.0
        squareFunction(Self.upper, Self.transposed, &n, &k, &alpha, a, &lda, &beta, c, &ldc)
    }
}
