import Checkpoints
import Files
import Foundation

/// What `request add` is told beside the rows.
public struct RequestOptions: Sendable {
    /// When the letter came; nil: now.
    public var received: Date?
    /// Until when it is to be carried out; nil: a month after it came.
    public var due: Date?
    /// The officer's own reference.
    public var ticket: String?
    /// Go on where a list names rows that were deleted before, or that were never in the project.
    public var ignoreMissing = false
    public var ignoreUnknown = false

    public init() {}
}

/// One request in a list.
public struct ListedRequest: Encodable, Sendable {
    public let request: String
    /// `received`, `planned`, `published`, `closed`, `undone`, `superseded` or `withdrawn`.
    public let state: String
    public let ticket: String?
    /// ISO 8601, UTC: a time; and a day, until whose end it is to be carried out. Nil where an earlier version recorded it, and a day, too, where it was
    /// carried out at once.
    public let received: String?
    public let due: String?
    /// Days until then, negative behind it; nil where it does not wait.
    public let daysLeft: Int?
    /// When it was recorded: live rows, names without a row, and rows that were deleted before.
    public let found: Int
    public let notFound: Int
    public let deletedBefore: Int
    /// Whether the trainer, which alone holds the rows, has still to say that it erased them; nil where none was ordered of it, or it has.
    public let erasurePending: Bool?
    /// How it ended, of one request that is looked at alone and was carried out; nil in lists.
    public var ending: Ending?

    /// What became of a request that was carried out.
    public struct Ending: Encodable, Sendable {
        /// ISO 8601, UTC.
        public let closed: String
        /// Days behind its due day; 0 where it was in time, or had none.
        public let daysLate: Int
        /// Whether the model is exact replay's only when 'replay' has been run.
        public let exactnessOwed: Bool
        /// The later request whose exact replay paid what this one owed.
        public let settledBy: String?
    }

    public var isWaiting: Bool { state == "\(RequestState.received)" }

    /// - Parameter pending: requests whose rows the trainer has still to erase.
    init(_ stored: StoredReceipt, now: Date, pending: Set<Int> = []) {
        let receipt = stored.receipt
        erasurePending = pending.contains(stored.number) ? true : nil
        request = Store.requestName(stored.number)
        state = "\(stored.state)"
        ticket = receipt.ticket
        received = receipt.received.map { RequestDates.time($0) }
        due = receipt.due.map { RequestDates.day($0) }
        daysLeft = stored.state == .received ? receipt.due.map { RequestDates.days(from: now, to: $0) } : nil
        (found, notFound, deletedBefore) = (receipt.found, receipt.notFound, receipt.deletedBefore)
    }
}

extension DeletionPlan {
    /// Of a request that is carried out at once.
    func receipt(ticket: String?) -> Receipt {
        let asked = asked!.rows
        return Receipt(
            received: Int(Date.now.timeIntervalSince1970), found: selection.live.count, notFound: asked.notFound.count, deletedBefore: selection.deleted.count, ticket: ticket)
    }
}

extension Project {
    /// What the ledger and certificates say of when a request came.
    private struct Received: Encodable {
        let received: String
        let due: String
    }

    /// Records a request that waits for a run.
    /// - Throws: kind `input` where a list names rows that cannot be deleted and that nothing forgives, or it is due before it came.
    public func addRequest(_ target: DeletionTarget, options: RequestOptions, now: Date = .now) throws -> (request: ListedRequest, list: ListFindings) {
        let selection = try selection(target, ignoringUnknown: options.ignoreUnknown)
        if let ids = target.list {
            try selection.expectAllowed(
                ids, naming: target.noun, ignoringUnknown: options.ignoreUnknown, ignoringDeleted: options.ignoreMissing, finished: [])
        }
        let received = options.received ?? now, due = options.due ?? RequestDates.due(after: received), asked = AskedRows(target, selection, in: store)
        let receipt = Receipt(
            received: Int(received.timeIntervalSince1970), due: Int(due.timeIntervalSince1970), found: selection.live.count, notFound: asked.notFound.count,
            deletedBefore: selection.deleted.count, ticket: options.ticket)
        guard RequestDates.day(receipt.due!) >= RequestDates.day(receipt.received!) else {
            throw Failure(.input, "--due \(RequestDates.day(receipt.due!)) lies before the day on which the request came, \(RequestDates.day(receipt.received!)); correct one of them")
        }
        let number = try store.record(
            Store.Reception(
                ids: selection.live.map(\.id), names: target.names(among: selection), asked: try JSONValue(asked), receipt: receipt, owners: target.owners,
                details: try JSONValue(Received(received: RequestDates.time(receipt.received!), due: RequestDates.day(receipt.due!)))),
            waiting: true)
        return (ListedRequest(.init(number: number, state: .received, receipt: receipt), now: now), selection.findings)
    }

    /// Ends a request that waits: nothing is erased for it.
    public func withdrawRequest(_ number: Int, now: Date = .now) throws -> ListedRequest {
        guard try store.requestNumbers(where: { $0 == .received }).contains(number) else { throw try notWaiting(number, "withdrawn") }
        try store.withdrawRequest(number)
        return try store.requestList(number, now: now)[0]
    }
}

extension Store {
    /// All requests in order, or one; nobody's rows are looked at.
    /// - Throws: kind `input` where there is no such request.
    /// - Complexity: one opening of a sealed cell each.
    public func requestList(_ number: Int? = nil, now: Date = .now) throws -> [ListedRequest] {
        let pending = Set(try requestsOfErasureOrders())
        let list = try receipts(ofRequest: number).map { ListedRequest($0, now: now, pending: pending) }
        if let number, list.isEmpty { throw Failure(.input, "no request \(Self.requestName(number)); 'unlearn request list' lists them") }
        return list
    }

    /// One request with how it ended, as the ledger's times have it.
    /// - Complexity: O(requests).
    public func request(_ number: Int, closed: String?) throws -> ListedRequest {
        var request = try requestList(number)[0]
        guard let closed else { return request }
        let (owed, settlements) = try owedAndSettled()
        let late = request.due.flatMap { due in RequestDates.date(closed).flatMap { closed in RequestDates.date(due).map { RequestDates.days(from: $0, to: Int(closed.timeIntervalSince1970)) } } }
        request.ending = ListedRequest.Ending(
            closed: closed, daysLate: max(0, late ?? 0), exactnessOwed: owed.contains(number), settledBy: settlements[number].map(Self.requestName))
        return request
    }
}
