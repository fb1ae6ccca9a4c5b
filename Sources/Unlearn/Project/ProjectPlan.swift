import Checkpoints
import Training

/// What `init` is asked to make.
public struct ProjectPlan {
    /// Of a model for so many rows of such a shape and so many classes.
    public var recipe: (_ rows: Int, _ survey: Survey) throws -> Recipe
    public var blockPolicy: BlockPolicy
    /// Nil: as many blocks as the recipe says, or one for each group under `--blocks-by group`, up to a thousand.
    public var blocks: Int?
    /// Nil: a chain.
    public var branches: BranchPlan?
    /// Nil: all rows count alike, or as in the twin.
    public var classWeighting: ClassWeighting?
    public var source: any RowSource
    public var sourceName: String
    /// Nil: `holdout` of the rows are set aside.
    public var testSource: ((Survey) throws -> any RowSource)?
    public var testSourceName: String?
    public var holdout: Double = 0.1
    /// The first so many rows.
    public var limit: Int?
    /// Ids whose slots are empty from the start, and ids that alone are imported.
    public var exclude: IDList?
    public var only: IDList?
    /// Group of each id, of training rows and of test rows; instead of the sources' own.
    public var groups: GroupsFile?
    public var encryption = Encryption.xchacha20poly1305
    /// Decides where rows go, so that another project can be made whose rows stand in the same places. Nil: the system's
    /// randomness, which nobody can have again.
    public var assignmentSeed: UInt64?
    /// A project whose rows' places, and whose encoding, this one takes over.
    public var twin: TwinPlaces?
    public var threads: Int

    public init(
        recipe: @escaping (_ rows: Int, _ survey: Survey) throws -> Recipe, blockPolicy: BlockPolicy, source: any RowSource, sourceName: String, threads: Int
    ) {
        self.recipe = recipe
        self.blockPolicy = blockPolicy
        self.source = source
        self.sourceName = sourceName
        self.threads = threads
    }

    /// A recipe that does not depend on the rows.
    public init(recipe: Recipe, blockPolicy: BlockPolicy, source: any RowSource, sourceName: String, threads: Int) {
        self.init(recipe: { _, _ in recipe }, blockPolicy: blockPolicy, source: source, sourceName: sourceName, threads: threads)
    }
}
