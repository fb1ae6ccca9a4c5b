import Files

/// A row came under an id that another one has.
public struct DuplicateRowID: DescribedError, Equatable {
    public let id: String
    public init(id: String) { self.id = id }

    public var kind: FailureKind { .input }
    public var description: String { "the id '\(id.prefix(80))' occurs twice; ids must be unique" }
}
