import Checkpoints

/// Counts rows that a project is asked to predict although their ids were deleted from it: whoever asks may be using data that is
/// to be gone everywhere.
public struct DeletedAmongPredicted {
    private let deleted: DeletedRowIDs
    public private(set) var count = 0
    private var named: [String] = []
    /// More than these are counted, not named.
    private static let mostNamed = 3

    /// Nil where no request deleted a row, so that there is nothing to find.
    public init?(of project: Project) throws {
        guard try !project.store.requestNumbers().isEmpty else { return nil }
        let deleted = try project.store.snapshot { try DeletedRowIDs(of: project.store) }
        guard !deleted.isEmpty else { return nil }
        self.deleted = deleted
    }

    public mutating func add(_ ids: [String?]) {
        for case let id? in ids.lazy.map({ $0.map(IDList.canonical) }) where deleted.contains(id) {
            count += 1
            if named.count < Self.mostNamed { named.append("'\(id.prefix(80))'") }
        }
    }

    /// Nil where there was none.
    public var remark: String? {
        guard count > 0 else { return nil }
        let names = count <= Self.mostNamed ? " (\(named.joined(separator: ", ")))" : ""
        return "\(count) row\(count == 1 ? " has an id that was" : "s have ids that were") deleted from this project\(names): if it is the same data, it should be gone from this table, too"
    }
}
