import Files

/// How far a request has come.
public enum RequestState: Int, Sendable, CustomStringConvertible {
    /// A run of its own is under way; nothing that anybody sees has changed.
    case planned = 0
    /// The new records are in place; the old ones are being destroyed.
    case published = 1
    /// Done, and the ledger says so.
    case closed = 2
    /// Ended before it was published: everything is as it was before.
    case undone = 3
    /// Waits for a run that carries it out.
    case received = 4
    /// Other requests erased all its rows while it waited, or none of its names had a row: there is nothing to carry out.
    case superseded = 5
    /// Taken back while it waited.
    case withdrawn = 6

    /// As the contract has it. (What the compiler would print of a case is looked up by reflection: of thousands, that takes longest.)
    public var description: String {
        switch self {
        case .planned: "planned"
        case .published: "published"
        case .closed: "closed"
        case .undone: "undone"
        case .received: "received"
        case .superseded: "superseded"
        case .withdrawn: "withdrawn"
        }
    }

    /// Whether the model is one behind this request.
    public var isCarriedOut: Bool { self == .published || self == .closed }
}

/// One request as the store remembers it.
public struct StoredRequest: Sendable {
    public let number: Int
    public let state: RequestState
    /// What was done, as JSON, when it is published. Before that whom a request that waits names (`RequestOwners`), or nothing.
    public let report: String
}

extension Store {
    public static func requestName(_ number: Int) -> String { "R\(number)" }

    private func context(ofRequest number: Int) -> [UInt8] { Array("unlearn request \(number)".utf8) + keys.projectID }

    fileprivate func seal(_ report: String, ofRequest number: Int, by key: SecretKey) -> [UInt8] {
        Padding.padded(Array(report.utf8)).withUnsafeBytes { key.seal($0, context: context(ofRequest: number)) }
    }

    /// All requests in order, also those that were undone, or one.
    public func requests(_ number: Int? = nil) throws -> [StoredRequest] {
        try database.rows("SELECT number, state, cell FROM requests WHERE number BETWEEN ? AND ? ORDER BY number", .integer(number ?? 0), .integer(number ?? .max)) { row in
            let number = row.integer(0)
            let state = try Self.state(row.integer(1), ofRequest: number)
            guard let content = row.blob(2).withUnsafeBytes({ keyring.open($0, context: context(ofRequest: number)) }),
                let report = String(validating: Padding.removed(content), as: UTF8.self)
            else { throw fault("the catalogue's entry of request \(number) cannot be opened") }
            return StoredRequest(number: number, state: state, report: report)
        }
    }

    /// The numbers of requests that were carried out, in order. Nothing is opened.
    public func requestNumbers() throws -> [Int] { try requestNumbers { $0.isCarriedOut } }

    /// The numbers of requests in some states, in order. Nothing is opened.
    public func requestNumbers(where isWanted: (RequestState) -> Bool) throws -> [Int] {
        try database.rows("SELECT number, state FROM requests ORDER BY number") { ($0.integer(0), try Self.state($0.integer(1), ofRequest: $0.integer(0))) }
            .filter { isWanted($0.1) }.map(\.0)
    }

    static func state(_ value: Int, ofRequest number: Int) throws -> RequestState {
        guard let state = RequestState(rawValue: value) else {
            throw Failure(.damaged, "the catalogue's entry of request \(number) is not readable; run 'unlearn check'")
        }
        return state
    }

    func requestNumbers(in state: RequestState) throws -> [Int] { try requestNumbers { $0 == state } }

    public func request(_ number: Int) throws -> StoredRequest? { try requests(number).first }

    /// What an audit needs of the model before a run; nil where nothing was kept, or a later run destroyed it.
    /// - Parameter run: its place among all runs, which is the number of the evidence.
    public func evidence(ofRun run: Int) throws -> StoredEvidence? {
        guard let object = index.object(.evidence, run) else { return nil }
        guard let evidence = StoredEvidence(decoding: try contents(of: object)) else {
            throw fault("\(description(of: object)) does not hold the evidence of a run")
        }
        return evidence
    }

    /// The runs of which evidence is kept.
    public func runsWithEvidence() -> [Int] { index.inUse { $0 == .evidence }.map(\.block) }

    public func stage(_ evidence: StoredEvidence, ofRun run: Int) throws -> StagedObject {
        try stage(.evidence, block: run, evidence.encoded())
    }

    // MARK: - The life of a request

    /// The number that the next request gets.
    public func nextRequestNumber() throws -> Int { 1 + (try database.rows("SELECT max(number) FROM requests") { $0.integer(0) }.first ?? 0) }

    /// What is recorded of a request when it comes in, for good.
    public struct Reception {
        /// Of the rows that are to be erased.
        public var ids: [String]
        /// By which these rows were asked for, beside their ids: people, a provider.
        public var names: [String] = []
        /// What was asked for, beside these rows.
        public var asked: JSONValue?
        public var receipt: Receipt
        /// Whose rows these are, where they were named by their owners.
        public var owners: RequestOwners?
        /// What certificates show beside the rows.
        public var details: JSONValue

        public init(ids: [String], names: [String] = [], asked: JSONValue? = nil, receipt: Receipt = Receipt(), owners: RequestOwners? = nil, details: JSONValue) {
            (self.ids, self.names, self.asked, self.receipt, self.owners, self.details) = (ids, names, asked, receipt, owners, details)
        }
    }

    /// Records a request, durably, before any work is done; gives its number.
    /// - Parameter waiting: false: its run begins at once, and the request is undone where that is cut off.
    public func record(_ reception: Reception, waiting: Bool) throws -> Int {
        try commit { change in
            let number = try nextRequestNumber()
            let owners = waiting ? reception.owners.map { Hexadecimal.encode(encoded($0)) } : nil
            try change.addRequest(number, waiting ? .received : .planned, owners ?? "")
            try change.keep(reception.receipt, ofRequest: number)
            let rows = reception.ids.map { Hexadecimal.encode(idDigest($0)) }.sorted().map(JSONValue.string)
            var lasting: [String: JSONValue] = ["rows": .array(rows)]
            lasting[LedgerEntry.asked] = reception.asked
            lasting[LedgerEntry.ticket] = reception.receipt.ticket.map(JSONValue.string)
            lasting["names"] = .array(commitments(to: reception.ids + reception.names, inRequest: number).map(JSONValue.string))
            try change.append(LedgerEntry(.deletionRequested, request: number, details: reception.details, lasting: lasting))
            return number
        }
    }

    /// Records a request whose run begins at once.
    public func beginRequest(ids: [String], details: JSONValue) throws -> Int { try record(Reception(ids: ids, details: details), waiting: false) }

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
        guard try requestNumbers(in: .planned).contains(number) else { return }
        try commit { change in
            try change.setState(.undone, of: number)
            try change.append(LedgerEntry(.deletionUndone, request: number, details: .object(["reason": .string(reason)])))
        }
    }

    /// Notes that a request that waited was taken back.
    public func withdrawRequest(_ number: Int) throws {
        let isWaiting = try requestNumbers(in: .received).contains(number)
        precondition(isWaiting, "a request that waits")
        try commit { change in
            try change.setState(.withdrawn, of: number)
            try change.setReport("", of: number, by: keyring)
            try change.append(LedgerEntry(.deletionUndone, request: number, details: .object(["reason": .string("withdrawn")])))
        }
    }

    /// Notes that whoever holds the rows of a request says that they are erased there. The setting that named them gets another value, and
    /// what it was goes with its key.
    public func recordErasureAcknowledged(ofRequest number: Int, rows: Int, setting: String, to value: String) throws {
        keyring = try commitAlone { change in
            try change.append(LedgerEntry(.erasureAcknowledged, request: number, details: .object(["rows": .integer(rows)])))
            try change.set(setting, to: value)
            return try change.renewKeyring()
        }
        try emptyLog()
        try updateWitness()
    }

    func undoUnpublishedRequests() throws {
        for number in try requestNumbers(in: .planned) { try undoRequest(number, reason: "the program was cut off") }
    }
}

extension StoreChange {
    /// Seals all reports anew under another keyring key.
    func resealRequests(by next: SecretKey) throws {
        for request in try store.requests() { try setReport(request.report, of: request.number, by: next) }
    }

    fileprivate func addRequest(_ number: Int, _ state: RequestState, _ content: String) throws {
        try store.database.run(
            "INSERT INTO requests VALUES (?, ?, ?)", .integer(number), .integer(state.rawValue),
            .blob(store.seal(content, ofRequest: number, by: store.keyring)))
    }

    fileprivate func setReport(_ report: String, of number: Int, by key: SecretKey) throws {
        try store.database.run("UPDATE requests SET cell = ? WHERE number = ?", .blob(store.seal(report, ofRequest: number, by: key)), .integer(number))
    }

    /// Puts other reports in the place of those of requests that were carried out: `change` gives nil where one stays.
    public func changeReports(_ change: (StoredRequest) throws -> String?) throws {
        for request in try store.requests() where request.state.isCarriedOut {
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

    /// Notes that a request that waited has nothing left to carry out.
    /// - Parameter details: who erased its rows meanwhile.
    public func supersedeRequest(_ number: Int, details: JSONValue) throws {
        try setState(.superseded, of: number)
        try setReport("", of: number, by: store.keyring)
        try append(LedgerEntry(.requestSuperseded, request: number, details: details))
    }

    /// Condemns the evidence of all runs so far: it samples models that knew the rows which this change deletes.
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
