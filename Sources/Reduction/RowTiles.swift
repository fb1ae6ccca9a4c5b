internal import CVectorKernels

/// Quantised rows side by side, 64 to a tile, as the kernel reads them: byte r of (tile, position) is the level that row
/// 64·tile + r has there. The last tile is filled up with rows of level 0, which nobody asks for.
public struct RowTiles: Sendable {
    static let tileRows = Int(VK_TILE_ROWS)

    public let count: Int
    public let levelCount: Int
    public let scale: InformationScale
    /// (tiles, positions, 64)
    private let levels: [UInt8]
    /// (tiles, levels, 64): how often each row has each level.
    private let histograms: [UInt16]
    /// Σ c log₂ c over each row's own histogram: n log₂ n less it is the row's entropy, in units.
    let ownSums: [Int32]
    public let measure: InformationMeasure
    /// H^−½ of each row, H in units; 0 where a row has no entropy.
    private let inverseRoots: [Double]

    var positions: Int { scale.positions }
    var tileCount: Int { (count + Self.tileRows - 1) / Self.tileRows }

    /// - Parameters:
    ///   - levels: of all rows, (rows, positions), each below `levelCount`.
    ///   - rows: which of them, in the order that they get here.
    /// - Complexity: O(rows × positions).
    public init(levels all: [UInt8], positions: Int, levelCount: Int, rows: [Int], measure: InformationMeasure = .information) {
        precondition((2...256).contains(levelCount), "2 to 256 levels")
        count = rows.count
        self.levelCount = levelCount
        scale = InformationScale(positions: positions)
        let width = Self.tileRows, tiles = (rows.count + width - 1) / width
        var histograms = [UInt16](repeating: 0, count: tiles * levelCount * width)
        levels = [UInt8](unsafeUninitializedCapacity: tiles * positions * width) { levels, initialised in
            initialised = tiles * positions * width
            levels.initialize(repeating: 0)
            for place in 0..<tiles * width {
                let tile = place / width, lane = place % width
                guard place < rows.count else {
                    histograms[tile * levelCount * width + lane] = UInt16(positions)
                    continue
                }
                let source = rows[place] * positions
                for position in 0..<positions {
                    let level = all[source + position]
                    precondition(Int(level) < levelCount, "a level beyond the last")
                    levels[(tile * positions + position) * width + lane] = level
                    histograms[(tile * levelCount + Int(level)) * width + lane] += 1
                }
            }
        }
        self.histograms = histograms
        let weights = scale.weights
        let ownSums = (0..<rows.count).map { place in
            (0..<levelCount).reduce(Int32(0)) { $0 + weights[Int(histograms[(place / width * levelCount + $1) * width + place % width])] }
        }
        self.ownSums = ownSums
        self.measure = measure
        inverseRoots = ownSums.map { $0 < weights[positions] ? 1 / Double(weights[positions] - $0).squareRoot() : 0 }
    }

    /// The level of a row at a position.
    func level(_ row: Int, _ position: Int) -> UInt8 {
        levels[(row / Self.tileRows * positions + position) * Self.tileRows + row % Self.tileRows]
    }

    /// A row's entropy, in units.
    func entropy(_ row: Int) -> Int32 { scale.total - ownSums[row] }

    /// A row's positions in the order of its levels: what the kernel takes for the one row of many pairs.
    struct Sorted: Sendable {
        let row: Int
        let order: [UInt32]
        /// Where each level begins in `order`; the last entry is the number of positions.
        let starts: [UInt32]
    }

    func sorted(_ row: Int) -> Sorted {
        var starts = [UInt32](repeating: 0, count: levelCount + 1)
        let own = (0..<positions).map { level(row, $0) }
        for level in own { starts[Int(level) + 1] += 1 }
        for level in 0..<levelCount { starts[level + 1] += starts[level] }
        var next = starts
        var order = [UInt32](repeating: 0, count: positions)
        for (position, level) in own.enumerated() {
            order[Int(next[Int(level)])] = UInt32(position)
            next[Int(level)] += 1
        }
        return Sorted(row: row, order: order, starts: starts)
    }

    /// The mutual information of one row with each row of some tiles, in units; what stands for rows beyond the last has no
    /// meaning.
    /// - Parameter information: (tiles, 64).
    /// - Complexity: O(64 · tiles · (positions outside the row's most frequent level + levels²)), byte by byte in registers.
    func information(of one: Sorted, inTiles tiles: Range<Int>, into information: UnsafeMutableBufferPointer<Int32>) {
        precondition(tiles.upperBound <= tileCount && information.count >= tiles.count * Self.tileRows, "tiles that are not there")
        guard !tiles.isEmpty else { return }
        let width = Self.tileRows
        levels.withUnsafeBufferPointer { levels in
            histograms.withUnsafeBufferPointer { histograms in
                vk_joint_sums(
                    levels.baseAddress! + tiles.lowerBound * positions * width, histograms.baseAddress! + tiles.lowerBound * levelCount * width,
                    tiles.count, UInt32(levelCount), one.order, one.starts, scale.weights, information.baseAddress!)
            }
        }
        let constant = entropy(one.row), first = tiles.lowerBound * width
        for place in 0..<min(tiles.count * width, count - first) { information[place] += constant - ownSums[first + place] }
        guard measure == .normalised else { return }
        for place in 0..<min(tiles.count * width, count - first) {
            information[place] = normalised(information[place], one.row, first + place)
        }
    }

    /// A row without entropy counts as one that tells nothing new.
    private func normalised(_ information: Int32, _ a: Int, _ b: Int) -> Int32 {
        let factor = inverseRoots[a] * inverseRoots[b] * Self.normalisedUnit
        return factor > 0 ? Int32((Double(information) * factor).rounded()) : Int32(Self.normalisedUnit)
    }

    /// What one of normalised information is in units.
    private static let normalisedUnit = 0x1p20

    /// No pair of these rows has more: the smaller entropy, and room for the rounding of every cell.
    func mostInformation(_ a: Int, _ b: Int) -> Int64 {
        let most = min(entropy(a), entropy(b)) + Int32(levelCount * levelCount)
        return measure == .normalised ? Int64(normalised(most, a, b)) + 1 : Int64(most)
    }

    /// Units as they are reported: bits, or the fraction that two equal rows share all of.
    public func value(_ units: Int64) -> Double { measure == .normalised ? Double(units) / Self.normalisedUnit : scale.bits(units) }

    /// The information of a row with every row, itself included, in units.
    public func information(of row: Int) -> [Int32] {
        let result = [Int32](unsafeUninitializedCapacity: tileCount * Self.tileRows) { buffer, initialised in
            information(of: sorted(row), inTiles: 0..<tileCount, into: buffer)
            initialised = tileCount * Self.tileRows
        }
        return Array(result[..<count])
    }
}
