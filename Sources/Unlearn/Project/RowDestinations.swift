import Checkpoints
import Files
import Training

/// Where every row of a new project goes, and how many slots each stored block has.
struct RowDestinations {
    /// Where one row of a source goes.
    struct Destination {
        let part: Part
        let block: Int32
        let slot: Int32
    }

    /// Rows in one stored block of test rows.
    private static let testBlockRows = 1000

    /// By position in the source, and in the source of test rows; nil for rows that are not imported.
    private(set) var source: [Destination?]
    private(set) var testSource: [Destination?] = []
    let trainingSlots: [Int]
    let testSlots: [Int]

    /// Drawn anew.
    /// - Parameters:
    ///   - rows: in the source, of which `training` and `heldOut` are positions.
    ///   - testRows: in a source of their own; nil where test rows are held out.
    init(
        rows: Int, training: [Int], _ assignment: BlockAssignment, heldOut: [Int], testRows: Int?, using generator: inout PlacementGenerator
    ) {
        source = [Destination?](repeating: nil, count: rows)
        for (index, row) in training.enumerated() {
            source[row] = Destination(part: .train, block: assignment.blocks[index], slot: assignment.slots[index])
        }
        // Test rows, too, stand in an order that tells nothing of the one in which they came.
        let count = testRows ?? heldOut.count
        var order = Array(0..<count)
        generator.shuffle(&order)
        let destinations = order.map { Destination(part: .test, block: Int32($0 / Self.testBlockRows) + 1, slot: Int32($0 % Self.testBlockRows)) }
        if testRows == nil {
            for (index, row) in heldOut.enumerated() { source[row] = destinations[index] }
        } else {
            testSource = destinations
        }
        trainingSlots = assignment.sizes
        testSlots = stride(from: 0, to: count, by: Self.testBlockRows).map { min(Self.testBlockRows, count - $0) }
    }

    /// The places that rows have in another project, by their ids.
    /// - Parameter kept: positions of the rows to import; all rows of `testSource` are.
    init(
        like twin: TwinPlaces, kept: [Int], _ source: any RowSource, _ survey: Survey, testSource: (any RowSource)?, _ testSurvey: Survey?
    ) throws {
        (trainingSlots, testSlots) = (twin.trainingSlots, twin.testSlots)
        let wanted = Set(kept)
        self.source = try Self.destinations(source, survey, in: twin, isTest: false, mayBeHeldOut: twin.heldOutTestRows && testSource == nil) { wanted.contains($0) }
        if let testSource, let testSurvey { self.testSource = try Self.destinations(testSource, testSurvey, in: twin, isTest: true) { _ in true } }
    }

    private static func destinations(
        _ source: any RowSource, _ survey: Survey, in twin: TwinPlaces, isTest: Bool, mayBeHeldOut: Bool = false, where isWanted: (Int) -> Bool
    ) throws -> [Destination?] {
        var destinations = [Destination?](repeating: nil, count: survey.rows)
        func take(_ id: String?, _ position: Int) throws {
            guard isWanted(position) else { return }
            let named = id.map(IDList.canonical)
            // A row without an id has its position for one, with a prefix among test rows; held-out rows come with the others.
            let ids = named.map { [$0] } ?? (isTest ? [] : [String(position)]) + (isTest || mayBeHeldOut ? ["test:\(position)"] : [])
            guard let place = try ids.lazy.compactMap({ try twin.place(of: $0) }).first else {
                throw Failure(.input, "\(twin.folder) has no row '\(ids[0].prefix(80))'; --like takes the places of the same rows, or of some of them")
            }
            guard !isTest || place.part == .test else {
                throw Failure(.input, "the test row '\(ids[0].prefix(80))' is a training row in \(twin.folder); give the same test rows")
            }
            destinations[position] = Destination(part: place.part, block: Int32(place.block), slot: Int32(place.slot))
        }
        if survey.hasIDs {
            try source.forEachRow { position, id, _ in try take(id, position) }
        } else {
            for position in 0..<survey.rows { try take(nil, position) }
        }
        return destinations
    }
}
