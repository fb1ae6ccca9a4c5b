import Files

/// A request without what was done for it.
public struct StoredReceipt: Sendable {
    public let number: Int
    public let state: RequestState
    /// An empty one where the catalogue was of a version that kept none when the request came in.
    public let receipt: Receipt

    public init(number: Int, state: RequestState, receipt: Receipt) { (self.number, self.state, self.receipt) = (number, state, receipt) }
}

/// When requests came in and are due.
extension Store {
    fileprivate func context(ofReceipt request: Int) -> [UInt8] { Array("unlearn receipt \(request)".utf8) + keys.projectID }

    /// All requests in order, or one.
    /// - Complexity: one opening of a sealed cell each.
    public func receipts(ofRequest number: Int? = nil) throws -> [StoredReceipt] {
        let receipts = try hasReceipts ? "receipts" : "(SELECT NULL AS request, NULL AS cell)"
        let query = "SELECT q.number, q.state, r.cell FROM requests q LEFT JOIN \(receipts) r ON r.request = q.number WHERE q.number BETWEEN ? AND ? ORDER BY q.number"
        return try database.rows(query, .integer(number ?? 0), .integer(number ?? .max)) { row in
            let number = row.integer(0), cell = row.blob(2), state = try Self.state(row.integer(1), ofRequest: number)
            guard !cell.isEmpty else { return StoredReceipt(number: number, state: state, receipt: Receipt()) }
            guard let content = cell.withUnsafeBytes({ keys.ledger.open($0, context: context(ofReceipt: number)) }), let receipt = Receipt(content) else {
                throw fault("\(cataloguePath): the receipt of request \(number) cannot be opened")
            }
            return StoredReceipt(number: number, state: state, receipt: receipt)
        }
    }
}

extension StoreChange {
    func keep(_ receipt: Receipt, ofRequest number: Int) throws {
        let sealed = receipt.encoded.withUnsafeBytes { store.keys.ledger.seal($0, context: store.context(ofReceipt: number)) }
        try store.database.run("INSERT INTO receipts VALUES (?, ?)", .integer(number), .blob(sealed))
    }
}
