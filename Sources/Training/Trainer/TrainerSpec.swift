/// What a trainer is, so that any number of the same kind can be made: with one thread or several, all give the same bits.
public struct TrainerSpec: Sendable, Equatable {
    public let recipe: Recipe
    public let input: RowShape
    public let classes: Int

    public init(recipe: Recipe, input: RowShape, classes: Int) {
        self.recipe = recipe
        self.input = input
        self.classes = classes
    }

    /// - Throws: `Failure` of kind `input` where the model does not fit the rows, or is too large.
    public func makeTrainer(threads: Int) throws -> any BlockTrainer { try SGDTrainer(recipe: recipe, input: input, classes: classes, threads: threads) }
}
