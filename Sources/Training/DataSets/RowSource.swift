import Files

/// What a first pass over a source finds: enough to place every row, a few bytes a row.
public struct Survey: Sendable {
    public var shape: RowShape
    public var encoding: FeatureEncoding
    /// The name of each class; a row's label is an index into it.
    public var classNames: [String]
    /// Label of each row, in the source's order.
    public var labels: [Int32]
    /// Group of each row as an index into `groupNames`, or -1; empty where the source has no groups.
    public var groups: [Int32]
    public var groupNames: [String]
    /// The person whom each row belongs to as an index into `personNames`, of which an empty one is nobody's; empty where the source tells of no persons.
    public var persons: [Int32]
    public var personNames: [String]
    /// Whether rows carry ids of their own; otherwise a row's id is its position.
    public var hasIDs: Bool

    public var rows: Int { labels.count }

    public init(
        shape: RowShape, encoding: FeatureEncoding, classNames: [String], labels: [Int32], groups: [Int32], groupNames: [String], persons: [Int32] = [],
        personNames: [String] = [], hasIDs: Bool
    ) {
        self.shape = shape
        self.encoding = encoding
        self.classNames = classNames
        self.labels = labels
        self.groups = groups
        self.groupNames = groupNames
        self.persons = persons
        self.personNames = personNames
        self.hasIDs = hasIDs
    }
}

/// A data set that can be read from its first row to its last, as often as needed, in little memory.
public protocol RowSource: AnyObject {
    /// Reads everything once; throws on anything that is wrong with the files.
    func survey() throws -> Survey

    /// Visits every row in order: its position, its own id (nil where the source has none) and its encoded features
    /// (shape.count × bytesPerFeature), valid during the call.
    /// Every pass reads the same bytes as the first, or fails.
    func forEachRow(_ body: (_ position: Int, _ id: String?, _ features: UnsafeRawBufferPointer) throws -> Void) throws

    /// How people find a row in the source, for messages: "line 7 of rows.csv".
    func place(ofRow position: Int) throws -> String

    /// What the survey made of the source that its user may want to know.
    var remarks: [String] { get }
}

extension RowSource {
    public func place(ofRow position: Int) throws -> String { "row \(position + 1)" }
    public var remarks: [String] { [] }
}
