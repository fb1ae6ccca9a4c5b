/// Ids of rows that requests deleted: what is left of them are their keyed digests.
public struct DeletedRowIDs {
    private let store: Store
    private let digests: Set<[UInt8]>

    /// - Complexity: O(rows) openings of sealed cells, and one digest an id that is asked about.
    public init(of store: Store) throws {
        self.store = store
        var digests: Set<[UInt8]> = []
        // 0 stands for a row that was left out when the project was made: nobody asked for its deletion.
        try store.forEachRow { id, cell in if cell.request ?? 0 > 0 { digests.insert(id) } }
        self.digests = digests
    }

    public var isEmpty: Bool { digests.isEmpty }

    /// - Parameter id: in Unicode's form C.
    public func contains(_ id: String) -> Bool { digests.contains(store.idDigest(id)) }
}
