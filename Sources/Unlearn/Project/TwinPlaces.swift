import Checkpoints
import Files
import Training

/// Where the rows of a project stand, for another project that is to be trained on the same rows in the same places, or on some
/// of them: what a deletion is compared with. Rows that were deleted since still have their places.
public final class TwinPlaces {
    public let folder: String
    public let settings: ProjectSettings
    /// Slots of each block of training rows, and of test rows.
    let trainingSlots: [Int]
    let testSlots: [Int]
    /// Whether its test rows come from the same source as its training rows.
    var heldOutTestRows: Bool { settings.testSource == nil }
    private let store: Store

    /// Opens the other project, which takes its key.
    public init(of folder: String) throws {
        self.folder = folder
        store = try Store(opening: folder, .read)
        try store.verifyRows()
        settings = try ProjectSettings.load(from: store)
        trainingSlots = try store.rowBlocks(.train).map(\.slots)
        testSlots = try store.rowBlocks(.test).map(\.slots)
    }

    func place(of id: String) throws -> RowPlace? { try store.place(ofRow: id) }

    func fits(_ survey: Survey) -> Bool {
        survey.shape == settings.shape && survey.encoding == settings.encoding && survey.classNames == settings.classNames
    }

    /// Its own, whatever rows there are now: counted anew, they could differ by a row.
    /// - Throws: `Failure` of kind `input` where weights are asked for and it has none.
    func classWeights(asked: ClassWeighting?) throws -> [Float]? {
        guard asked == nil || settings.recipe.network?.classWeights != nil else {
            throw Failure(.input, "--class-weights does not go with --like: the project in \(folder) has no class weights; leave it out")
        }
        return settings.recipe.network?.classWeights
    }

    var misfit: Failure {
        Failure(.input, "these rows are not of the shape, kind and classes that \(folder) has; --like needs rows of the same data")
    }
}
