import Checkpoints
import Files
import Training
import Unlearn

/// A project's live training rows with every feature cut to a few levels.
///
/// Bytes (images): level = byte·levels/256. Floats (tables): each feature is standardised over these rows and cut into bins of
/// equal width within ±3 deviations, values beyond in the outermost; a constant feature is one level.
///
/// Rows are ordered by id, shorter first, then byte by byte: "2" comes before "10", and the order does not depend on how the
/// project spread its rows over blocks.
public struct QuantisedRows: Sendable {
    public let ids: [String]
    public let labels: [Int32]
    public let positions: Int
    public let levelCount: Int
    /// (rows, positions)
    let levels: [UInt8]

    public var count: Int { ids.count }

    /// - Parameter levels: 2…256.
    /// - Complexity: one pass over the rows, three for floats; one byte a feature, twice while they are put in order.
    public init(of project: Project, levels levelCount: Int) throws {
        precondition((2...256).contains(levelCount), "2 to 256 levels")
        let positions = project.settings.shape.count
        guard positions <= InformationScale.mostPositions else {
            throw Failure(.input, "rows have \(positions) features; reduce takes at most \(InformationScale.mostPositions)")
        }
        let quantise: ([UInt8]) -> [UInt8]
        switch project.settings.encoding {
        case .bytes: quantise = { $0.map { UInt8(Int($0) * levelCount / 256) } }
        case .locators: throw Failure(.input, "the rows of this project are its trainer's alone, and reduce looks at their features; reduce them where they are")
        case .floats:
            let bins = try StandardBins(positions: positions, levelCount: levelCount) { body in
                try Self.forEachRow(of: project) { _, _, stored in body(project.settings.encoding.decode(stored)) }
            }
            quantise = { bins.levels(of: project.settings.encoding.decode($0)) }
        }
        var ids: [String] = [], labels: [Int32] = [], levels: [UInt8] = []
        try Self.forEachRow(of: project) { id, label, stored in
            ids.append(id)
            labels.append(label)
            levels += quantise(stored)
        }
        try project.store.expectUnchanged()
        self.init(ids: ids, labels: labels, positions: positions, levelCount: levelCount, levels: levels)
    }

    /// Puts rows in order.
    init(ids: [String], labels: [Int32], positions: Int, levelCount: Int, levels: [UInt8]) {
        precondition(labels.count == ids.count && levels.count == ids.count * positions, "as many labels and features as rows")
        let keys = ids.map { Array($0.utf8) }
        let order = ids.indices.sorted { keys[$0].count == keys[$1].count ? keys[$0].lexicographicallyPrecedes(keys[$1]) : keys[$0].count < keys[$1].count }
        self.ids = order.map { ids[$0] }
        self.labels = order.map { labels[$0] }
        self.positions = positions
        self.levelCount = levelCount
        self.levels = [UInt8](unsafeUninitializedCapacity: levels.count) { ordered, initialised in
            for (place, row) in order.enumerated() {
                for position in 0..<positions { ordered.initializeElement(at: place * positions + position, to: levels[row * positions + position]) }
            }
            initialised = levels.count
        }
    }

    func tiles(_ rows: [Int], measure: InformationMeasure = .information) -> RowTiles {
        RowTiles(levels: levels, positions: positions, levelCount: levelCount, rows: rows, measure: measure)
    }

    private static func forEachRow(of project: Project, _ body: (String, Int32, [UInt8]) -> Void) throws {
        for block in try project.store.rowBlocks(.train) {
            let record = try project.store.rows(
                block, featureCount: project.settings.shape.count, bytesPerFeature: project.settings.encoding.bytesPerFeature)
            for slot in record.labels.indices where record.labels[slot] != RowsRecord.emptySlot {
                guard (0..<Int32(project.settings.classNames.count)).contains(record.labels[slot]) else {
                    throw Failure(.damaged, "the rows of block \(block.block) hold labels of no class; run 'unlearn check'")
                }
                body(record.ids[slot], record.labels[slot], Array(record.features[slot * record.rowBytes..<(slot + 1) * record.rowBytes]))
            }
        }
    }
}

/// Bins of equal width within ±3 deviations of each feature's mean.
struct StandardBins {
    static let deviations = 3.0

    private let levelCount: Int
    private let means: [Double]
    /// 1/deviation, or 0 where a feature is constant.
    private let inverses: [Double]

    /// - Parameter forEachRow: calls its argument with the features of every row; called twice.
    init(positions: Int, levelCount: Int, _ forEachRow: ((_ body: ([Float]) -> Void) throws -> Void)) rethrows {
        self.levelCount = levelCount
        var sums = [Double](repeating: 0, count: positions), rows = 0
        try forEachRow { row in
            rows += 1
            for position in 0..<positions { sums[position] += Double(row[position]) }
        }
        let means = sums.map { $0 / Double(max(1, rows)) }
        var squares = [Double](repeating: 0, count: positions)
        try forEachRow { row in
            for position in 0..<positions {
                let distance = Double(row[position]) - means[position]
                squares[position] += distance * distance
            }
        }
        self.means = means
        inverses = squares.map { $0 > 0 ? 1 / ($0 / Double(rows)).squareRoot() : 0 }
    }

    func levels(of row: [Float]) -> [UInt8] {
        row.indices.map { position in
            let standard = (Double(row[position]) - means[position]) * inverses[position]
            let bin = ((standard + Self.deviations) / (2 * Self.deviations) * Double(levelCount)).rounded(.down)
            return UInt8(min(max(bin, 0), Double(levelCount - 1)))
        }
    }
}
