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
}

extension Store {
    public static func requestName(_ number: Int) -> String { "R\(number)" }

    private func context(ofRequest number: Int) -> [UInt8] { Array("unlearn request \(number)".utf8) + keys.projectID }

    fileprivate func seal(_ report: String, ofRequest number: Int, by key: SecretKey) -> [UInt8] {
        Padding.padded(Array(report.utf8)).withUnsafeBytes { key.seal($0, context: context(ofRequest: number)) }
    }

    /// All requests in order, also those that were undone.
    public func requests() throws -> [StoredRequest] {
        try database.rows("SELECT number, state, cell FROM requests ORDER BY number") { row in
            let number = row.integer(0)
            guard let state = RequestState(rawValue: row.integer(1)) else {
                throw Failure(.damaged, "the catalogue's entry of request \(number) is not readable; run 'unlearn check'")
            }
            guard let content = row.blob(2).withUnsafeBytes({ keyring.open($0, context: context(ofRequest: number)) }),
                let report = String(validating: Padding.removed(content), as: UTF8.self)
            else { throw fault("the catalogue's entry of request \(number) cannot be opened") }
            return StoredRequest(number: number, state: state, report: report)
        }
    }

    /// Deletions that were done, in order.
    public func requestNumbers() throws -> [Int] { try requests().filter { $0.state == .closed || $0.state == .published }.map(\.number) }

    func requestNumbers(in state: RequestState) throws -> [Int] { try requests().filter { $0.state == state }.map(\.number) }

    public func request(_ number: Int) throws -> StoredRequest? { try requests().first { $0.number == number } }

    /// What an audit needs of the model before a deletion; nil where nothing was kept, or a later deletion destroyed it.
    public func evidence(of request: StoredRequest) throws -> StoredEvidence? {
        guard let object = index.object(.evidence, request.number) else { return nil }
        guard let evidence = StoredEvidence(decoding: try contents(of: object)) else {
            throw fault("\(description(of: object)) does not hold the evidence of \(Self.requestName(request.number))")
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
    /// - Parameters:
    ///   - ids: of the rows to be deleted.
    ///   - names: by which these rows were asked for, beside their ids: people, a provider.
    ///   - asked: what was asked for, beside these rows.
    ///   - ticket: the officer's reference, which no certificate shows.
    public func beginRequest(ids: [String], names: [String] = [], asked: JSONValue? = nil, ticket: String? = nil, details: JSONValue) throws -> Int {
        try commit { change in
            let number = try nextRequestNumber()
            try change.addRequest(number)
            let rows = ids.map { Hexadecimal.encode(idDigest($0)) }.sorted().map(JSONValue.string)
            var lasting: [String: JSONValue] = ["rows": .array(rows)]
            lasting[LedgerEntry.asked] = asked
            lasting[LedgerEntry.ticket] = ticket.map(JSONValue.string)
            lasting["names"] = .array(commitments(to: ids + names, inRequest: number).map(JSONValue.string))
            try change.append(LedgerEntry(.deletionRequested, request: number, details: details, lasting: lasting))
            return number
        }
    }

    /// What the ledger says of a deletion when its new records are in place.
    public struct Publication {
        /// What `requests` keeps, as JSON.
        public var report: String
        /// What was done, for good.
        public var details: JSONValue
        /// What depends on rows that a later deletion may take out.
        public var untilDeletion: [String: JSONValue] = [:]
        /// What was measured for a stitch.
        public var whileStitched: [String: JSONValue] = [:]

        public init(report: String, details: JSONValue) {
            self.report = report
            self.details = details
        }
    }

    /// Notes that a request ended with everything as it was. One that was published is past undoing and stays.
    public func undoRequest(_ number: Int, reason: String) throws {
        guard try requestNumbers(in: .begun).contains(number) else { return }
        try commit { change in
            try change.setState(.undone, of: number)
            try change.append(LedgerEntry(.deletionUndone, request: number, details: .object(["reason": .string(reason)])))
        }
    }

    func undoUnpublishedRequests() throws {
        for number in try requestNumbers(in: .begun) { try undoRequest(number, reason: "the program was cut off") }
    }
}

extension StoreChange {
    /// Seals all reports anew under another keyring key.
    func resealRequests(by next: SecretKey) throws {
        for request in try store.requests() { try setReport(request.report, of: request.number, by: next) }
    }

    fileprivate func addRequest(_ number: Int) throws {
        try store.database.run(
            "INSERT INTO requests VALUES (?, ?, ?)", .integer(number), .integer(RequestState.begun.rawValue),
            .blob(store.seal("", ofRequest: number, by: store.keyring)))
    }

    private func setReport(_ report: String, of number: Int, by key: SecretKey) throws {
        try store.database.run("UPDATE requests SET cell = ? WHERE number = ?", .blob(store.seal(report, ofRequest: number, by: key)), .integer(number))
    }

    /// Puts other reports in the place of those that are kept: `change` gives nil where one stays.
    public func changeReports(_ change: (StoredRequest) throws -> String?) throws {
        for request in try store.requests() {
            if let report = try change(request) { try setReport(report, of: request.number, by: store.keyring) }
        }
    }

    fileprivate func setState(_ state: RequestState, of number: Int) throws {
        try store.database.run("UPDATE requests SET state = ? WHERE number = ?", .integer(state.rawValue), .integer(number))
    }

    /// Together with the new records: what was written and the report go into the ledger.
    public func publishRequest(_ number: Int, _ publication: Store.Publication, written: [StagedObject], evidence: StagedObject?) throws {
        if let evidence { try register(evidence) }
        try setState(.published, of: number)
        try setReport(publication.report, of: number, by: store.keyring)
        let objects = written.map(ListedObject.init).sorted { ($0.kind.rawValue, $0.block) < ($1.kind.rawValue, $1.block) }
        try append(
            LedgerEntry(
                .deletionPublished, request: number, details: publication.details, lasting: ["written": try JSONValue(ObjectSummary(objects))],
                untilDeletion: publication.untilDeletion, whileStitched: publication.whileStitched))
    }

    /// Condemns the evidence of all requests so far: it samples models that knew the rows which this change deletes.
    public func condemnEvidence() throws {
        for old in store.index.inUse(where: { $0 == .evidence }) { try condemn(old) }
    }

    func closeRequest(_ number: Int, destroyed: [StoredObject]) throws {
        let objects = destroyed.map(ListedObject.init)
        try setState(.closed, of: number)
        try setDestroyed(objects, by: number)
        try append(LedgerEntry(.deletionClosed, request: number, lasting: ["destroyed": try JSONValue(ObjectSummary(objects))]))
    }
}
