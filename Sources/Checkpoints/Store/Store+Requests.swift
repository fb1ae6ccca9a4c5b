import Files

/// How far a deletion has come.
public enum RequestState: Int, Sendable {
    /// Recorded as an intention; nothing that anybody sees has changed.
    case begun = 0
    /// The new records are in place; the old ones are being destroyed.
    case published = 1
    /// Done, and the ledger says so.
    case closed = 2
    /// Ended before it was published: everything is as it was before.
    case undone = 3
}

/// One deletion as the store remembers it.
public struct StoredRequest: Sendable {
    public let number: Int
    public let state: RequestState
    /// What was done, as JSON; empty until it is published.
    public let report: String
    /// The object that keeps what an audit needs of the model before the deletion, until the next deletion.
    let evidence: Int?
}

extension Store {
    public static func requestName(_ number: Int) -> String { "R\(number)" }

    /// All requests in order, also those that were undone.
    public func requests() throws -> [StoredRequest] {
        try database.rows("SELECT number, state, report, evidence FROM requests ORDER BY number") {
            guard let state = RequestState(rawValue: $0.integer(1)) else {
                throw Failure(.damaged, "the catalogue's entry of request \($0.integer(0)) is not readable; run 'unlearn check'")
            }
            return StoredRequest(number: $0.integer(0), state: state, report: $0.text(2), evidence: $0.isNull(3) ? nil : $0.integer(3))
        }
    }

    /// Deletions that were done, in order.
    public func requestNumbers() throws -> [Int] { try requests().filter { $0.state == .closed || $0.state == .published }.map(\.number) }

    func requestNumbers(in state: RequestState) throws -> [Int] { try requests().filter { $0.state == state }.map(\.number) }

    public func request(_ number: Int) throws -> StoredRequest? { try requests().first { $0.number == number } }

    public func evidence(of request: StoredRequest) throws -> StoredEvidence? {
        guard let number = request.evidence else { return nil }
        let object = try object(number)
        guard object.kind == .evidence, object.block == request.number, let evidence = StoredEvidence(decoding: try contents(of: object)) else {
            throw fault("\(path(of: object)) does not hold the evidence of \(Self.requestName(request.number))")
        }
        return evidence
    }

    public func stage(_ evidence: StoredEvidence, ofRequest number: Int) throws -> StagedObject {
        try stage(.evidence, block: number, evidence.encoded())
    }

    // MARK: - The life of a request

    /// The number that the next request gets.
    public func nextRequestNumber() throws -> Int { 1 + (try database.rows("SELECT max(number) FROM requests") { $0.integer(0) }.first ?? 0) }

    /// Records the intention, durably, before any work is done; gives the request's number.
    /// - Parameter ids: of the rows to be deleted.
    public func beginRequest(ids: [String], details: JSONValue) throws -> Int {
        try commit {
            let number = try nextRequestNumber()
            try database.run("INSERT INTO requests VALUES (?, ?, '', NULL)", .integer(number), .integer(RequestState.begun.rawValue))
            var entry = LedgerEntry(.deletionRequested, request: number)
            entry.rows = ids.map { Hexadecimal.encode(idDigest($0)) }.sorted()
            entry.details = details
            try append(entry)
            return number
        }
    }

    /// Inside the transaction that puts the new records in place: their digests, what they replace and the report go into
    /// the ledger with it.
    public func publishRequest(_ number: Int, report: String, details: JSONValue, written: [StagedObject], evidence: StagedObject?) throws {
        if let evidence { try register(evidence) }
        try database.run(
            "UPDATE requests SET state = ?, report = ?, evidence = ? WHERE number = ?", .integer(RequestState.published.rawValue), .text(report),
            evidence.map { .integer($0.number) } ?? .null, .integer(number))
        var entry = LedgerEntry(.deletionPublished, request: number)
        entry.written = written.map { LedgerObject($0.kind, $0.block, $0.bytes, $0.digest) }
        entry.details = details
        try append(entry)
    }

    /// Condemns the evidence of all requests so far, inside the transaction of the next one: it samples models that knew the
    /// rows which that one deletes.
    public func condemnEvidence() throws {
        for old in try database.rows("SELECT evidence FROM requests WHERE evidence IS NOT NULL", map: { $0.integer(0) }) { try condemn(old) }
        try database.run("UPDATE requests SET evidence = NULL")
    }

    func closeRequest(_ number: Int, destroyed: [StoredObject]) throws {
        try database.run("UPDATE requests SET state = ? WHERE number = ?", .integer(RequestState.closed.rawValue), .integer(number))
        var entry = LedgerEntry(.deletionClosed, request: number)
        entry.destroyed = destroyed.map { LedgerObject($0.kind, $0.block, $0.bytes, $0.digest) }
        try append(entry)
    }

    /// Notes that a request ended with everything as it was. One that was published is past undoing and stays.
    public func undoRequest(_ number: Int, reason: String) throws {
        guard try requestNumbers(in: .begun).contains(number) else { return }
        try commit {
            try database.run("UPDATE requests SET state = ? WHERE number = ?", .integer(RequestState.undone.rawValue), .integer(number))
            var entry = LedgerEntry(.deletionUndone, request: number)
            entry.details = .object(["reason": .string(reason)])
            try append(entry)
        }
    }

    func undoUnpublishedRequests() throws {
        for number in try requestNumbers(in: .begun) { try undoRequest(number, reason: "the program was cut off") }
    }
}
