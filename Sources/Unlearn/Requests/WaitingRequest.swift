import Checkpoints
import Files

/// A request that waits for a run: where its rows stand now.
struct WaitingRequest {
    let number: Int
    /// As the ledger has it: keyed digests of all its rows' ids.
    let rows: [String]
    let live: [RowPlace]
    /// Rows that other requests erased while it waited.
    let erasedMeanwhile: [RowSelection.Deleted]
    /// Live rows of the people or the provider that it names who came when it had been recorded.
    let cameLater: Int

    var name: String { Store.requestName(number) }

    var erasedByRequest: [String: Int] { Dictionary(erasedMeanwhile.map { (Store.requestName($0.number), 1) }, uniquingKeysWith: +) }
}

extension Project {
    /// Requests that wait, in order, with the rows that they were recorded with.
    /// - Parameters:
    ///   - numbers: nil: all that wait.
    ///   - naming: false, for a plan: live rows come without their ids, and no block is read for these.
    /// - Throws: kind `input` where one of them does not wait, or is none.
    /// - Complexity: O(ledger + rows), and where they are named reads every block that holds one.
    func waitingRequests(_ numbers: [Int]?, naming: Bool = true) throws -> [WaitingRequest] {
        let waiting = try store.requestNumbers { $0 == .received }, wanted = numbers.map { Set($0).sorted() } ?? waiting
        for number in wanted where !waiting.contains(number) { throw try notWaiting(number, "carried out") }
        guard !wanted.isEmpty else { return [] }
        let names = Set(wanted.map(Store.requestName)), times = try store.requestTimes()
        let received = Dictionary(
            try store.verifiedLedger().lazy.map(\.entry).filter { $0.event == .deletionRequested && names.contains($0.request ?? "") }.map { ($0.request!, $0.rows) },
            uniquingKeysWith: { first, _ in first })
        let lists = try wanted.map { number in
            guard let rows = received[Store.requestName(number)] ?? nil else {
                throw Failure(.damaged, "the ledger does not say which rows \(Store.requestName(number)) is for; run 'unlearn check' and restore the project from a backup")
            }
            return rows
        }
        // Each row is looked up once, however many requests name it.
        let all = Dictionary(try store.rows(ofDigests: Array(Set(lists.joined()))).map { ($0.digest, $0) }) { first, _ in first }
        let live = all.values.filter { !$0.isDeleted }
        var places = Dictionary(uniqueKeysWithValues: live.map { ($0.digest, RowPlace(id: $0.digest, part: $0.part, block: $0.block, slot: $0.slot, group: nil, request: nil)) })
        if naming { places = Dictionary(uniqueKeysWithValues: try named(live.map { ($0.part, $0.block, $0.slot) }).map { (store.rowDigest($0.id), $0) }) }
        let owners = try store.rowsNow(ofRequests: wanted)
        return try zip(wanted, lists).map { number, rows in
            let found = rows.compactMap { all[$0] }
            guard found.count == rows.count else {
                throw Failure(.damaged, "\(Store.requestName(number)) is for rows that the catalogue does not list; run 'unlearn check' and restore the project from a backup")
            }
            return WaitingRequest(
                number: number, rows: rows, live: found.compactMap { places[$0.digest] },
                erasedMeanwhile: found.compactMap { row in
                    row.request.map { .init(row: RowDeletedBefore("", $0, times), digest: row.digest, part: row.part, block: row.block, number: $0, line: 0) }
                }, cameLater: owners[number].map { Set($0).subtracting(rows).count } ?? 0)
        }
    }

    /// Why a request cannot be carried out, or withdrawn.
    func notWaiting(_ number: Int, _ verb: String) throws -> Failure {
        let name = Store.requestName(number)
        guard let state = try store.receipts(ofRequest: number).first?.state else { return Failure(.input, "no request \(name); 'unlearn request list' lists them") }
        let why =
            switch state {
            case .received: "waits"
            case .planned: "was cut off, and the next command that writes undoes it"
            case .published, .closed: "was carried out already; what is erased does not come back"
            case .undone: "was cut off, and undone; ask for its rows again with 'unlearn request add'"
            case .withdrawn: "is withdrawn; ask for its rows again with 'unlearn request add'"
            case .superseded: "has no rows left"
            }
        return Failure(.input, "\(name) cannot be \(verb): it \(why)")
    }
}
