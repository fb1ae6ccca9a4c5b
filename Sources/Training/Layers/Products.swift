internal import COpenBLAS
import Files
import Glibc

/// Single-precision matrix products by OpenBLAS, on the calling thread alone: its result changes with its own thread
/// count, ours must not.
enum Products {
    /// Row-major C (m,n) = alpha·op(A)·op(B) + beta·C, with op(A) (m,k) and op(B) (k,n).
    @inline(__always)
    static func multiply(
        _ m: Int, _ n: Int, _ k: Int, _ a: Input, _ b: Input, transposeA: Bool = false, transposeB: Bool = false,
        beta: Float, _ c: Output
    ) {
        cblas_sgemm(
            CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
            blasint(m), blasint(n), blasint(k), 1, a, blasint(transposeA ? m : k), b, blasint(transposeB ? k : n), beta,
            c, blasint(n))
    }

    /// Must have run before the first product.
    static let useOneThread: Void = openblas_set_num_threads(1)

    /// What OpenBLAS maps for each thread that multiplies, and once for itself.
    private static let bufferBytes = 128 << 20

    /// Throws where the address space is too small for the library's buffers: it would try to get them for ever.
    static func prepare(threads: Int) throws {
        useOneThread
        let bytes = bufferBytes * (threads + 2)
        let reserved = mmap(nil, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let reserved, reserved != MAP_FAILED else {
            throw Failure(
                .failed, "not enough memory: matrix products on \(threads) threads need \(bytes >> 20) MiB of address space; "
                    + "raise the limit (ulimit -v) or use fewer --threads")
        }
        munmap(reserved, bytes)
    }

    /// Library version, build options and the kernels chosen for this processor: they decide the bits. Read once: the
    /// library writes its description into one buffer that all threads share.
    static let library: String = {
        useOneThread
        return String(cString: openblas_get_config()) + " core " + String(cString: openblas_get_corename())
    }()
}
