import CVectorKernels
import Foundation
import TestSupport
import Testing

@Suite("Matrix products")
struct ProductTests {
    private static let levels: [vk_instructions] = [VK_ANY, VK_X86_64_V3, VK_X86_64_V4].filter { $0.rawValue <= vk_best_instructions().rawValue }

    /// Each element as one chain of fused operations in order, written down as the definition has it.
    private func reference(
        _ m: Int, _ n: Int, _ k: Int, _ a: [Float], row: Int, column: Int, _ b: [Float], bRow: Int, _ c: [Float], cRow: Int, _ start: vk_start,
        _ bias: [Float]
    ) -> [Float] {
        var result = c
        for i in 0..<m {
            for j in 0..<n {
                var sum: Float = start == VK_FROM_ZERO ? 0 : start == VK_FROM_C ? c[i * cRow + j] : bias[i]
                for p in 0..<k { sum = fma(a[i * row + p * column], b[p * bRow + j], sum) }
                result[i * cRow + j] = sum
            }
        }
        return result
    }

    @Test(
        "Products of all sizes have the bits of their definition, with the instructions of every level",
        arguments: [1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 25, 33], [1, 2, 10, 15, 16, 17, 31, 32, 33, 48, 49, 63, 64, 65, 100, 129])
    func sizes(_ m: Int, _ n: Int) {
        var random = SeededGenerator(UInt64(1000 * m + n))
        for k in [0, 1, 3, 20] {
            for isTransposed in [false, true] {
                let bRow = n + m % 3, cRow = n + n % 2
                let a = random.floats(m * k), b = random.floats(k * bRow), c = random.floats(m * cRow), bias = random.floats(m)
                for start in [VK_FROM_ZERO, VK_FROM_C, VK_FROM_BIAS] {
                    let (row, column) = isTransposed ? (1, m) : (k, 1)
                    let expected = reference(m, n, k, a, row: row, column: column, b, bRow: bRow, c, cRow: cRow, start, bias)
                    for level in Self.levels {
                        let result = GuardedFloats(c)
                        vk_product_by(level, m, n, k, a, row, column, b, bRow, result.pointer, cRow, start, bias)
                        #expect(bits(result.values) == bits(expected), "level \(level.rawValue), k \(k)")
                        #expect(result.isIntact)
                    }
                    let result = GuardedFloats(c)
                    vk_product(m, n, k, a, row, column, b, bRow, result.pointer, cRow, start, bias)
                    #expect(bits(result.values) == bits(expected))
                }
            }
        }
    }

    @Test(
        "Products of rows have the bits of their definition, with the instructions of every level", arguments: [1, 3, 4, 5, 9, 16], [1, 2, 4, 7, 10, 25])
    func rows(_ m: Int, _ n: Int) {
        var random = SeededGenerator(UInt64(2000 * m + n))
        for k in [0, 1, 15, 16, 17, 48, 100, 131] {
            let aRow = k + n % 2, bRow = k + m % 3, cRow = n + 1
            let a = random.floats(m * aRow + 1), b = random.floats(n * bRow + 1), c = random.floats(m * cRow), bias = random.floats(n)
            for start in [VK_FROM_ZERO, VK_FROM_C, VK_FROM_BIAS] {
                var expected = c
                for i in 0..<m {
                    for j in 0..<n {
                        var chains = [Float](repeating: 0, count: 16)
                        for p in 0..<k { chains[p % 16] = fma(a[i * aRow + p], b[j * bRow + p], chains[p % 16]) }
                        while chains.count > 1 { chains = (0..<chains.count / 2).map { chains[$0] + chains[$0 + chains.count / 2] } }
                        expected[i * cRow + j] = (start == VK_FROM_ZERO ? 0 : start == VK_FROM_C ? c[i * cRow + j] : bias[j]) + chains[0]
                    }
                }
                for level in Self.levels {
                    let result = GuardedFloats(c)
                    vk_product_of_rows_by(level, m, n, k, a, aRow, b, bRow, result.pointer, cRow, start, bias)
                    #expect(bits(result.values) == bits(expected), "level \(level.rawValue), k \(k)")
                    #expect(result.isIntact)
                }
            }
        }
    }

    @Test("Nothing beyond the end of B and C is touched: memory that ends where they do")
    func reads() throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        for n in [1, 15, 17, 33] {
            let memory = try #require(mmap(nil, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
            try #require(memory != MAP_FAILED)
            defer { munmap(memory, 4 * page) }
            // B ends at the end of the first page, C at the end of the third; behind each lies a page that nobody may touch.
            mprotect(memory + page, page, PROT_NONE)
            mprotect(memory + 3 * page, page, PROT_NONE)
            let b = (memory + page).assumingMemoryBound(to: Float.self) - 3 * n, c = (memory + 3 * page).assumingMemoryBound(to: Float.self) - 2 * n
            for level in Self.levels { vk_product_by(level, 2, n, 3, [1, 2, 3, 4, 5, 6], 3, 1, b, n, c, n, VK_FROM_C, nil) }
            #expect((0..<2 * n).allSatisfy { c[$0] == 0 })
        }
    }

    @Test("Transposing moves every element to its place, and adding adds it there", arguments: [1, 2, 15, 16, 17, 33, 48], [1, 5, 16, 25, 32, 40])
    func transposes(_ rows: Int, _ columns: Int) {
        var random = SeededGenerator(27)
        let from = random.floats(rows * columns), apart = rows + 3, start = random.floats(rows * columns)
        let moved = GuardedFloats(count: columns * apart - 3), sum = GuardedFloats(start)
        vk_transpose(from, rows, columns, moved.pointer, apart)
        vk_add_transposed(from, rows, columns, sum.pointer)
        for row in 0..<rows {
            for column in 0..<columns {
                #expect(moved.pointer[column * apart + row] == from[row * columns + column])
                #expect(sum.pointer[column * rows + row] == start[column * rows + row] + from[row * columns + column])
            }
        }
        #expect(moved.isIntact && sum.isIntact)
    }
}
