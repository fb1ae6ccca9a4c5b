/// When a request came in and until when it is to be carried out, and what of it had a row then: what a list of requests is made of without
/// opening the ledger, which holds the rest.
public struct Receipt: Sendable, Equatable {
    /// Seconds since 1970-01-01, UTC; nil where the catalogue was of a version that kept none.
    public var received: Int?
    /// As `received`; nil where the request was carried out at once.
    public var due: Int?
    /// Live rows, names without a row, and rows that were deleted before.
    public var found = 0
    public var notFound = 0
    public var deletedBefore = 0
    /// The officer's reference, which no certificate shows.
    public var ticket: String?

    public init(received: Int? = nil, due: Int? = nil, found: Int = 0, notFound: Int = 0, deletedBefore: Int = 0, ticket: String? = nil) {
        (self.received, self.due, self.found, self.notFound, self.deletedBefore, self.ticket) = (received, due, found, notFound, deletedBefore, ticket)
    }

    /// Five numbers of 8 bytes, of which the least stands for nil, and the ticket; with zeros up to one length, which tells nothing.
    private static let numbers = 5
    private static let length = 8 * numbers + 256
    private static let none = Int64.min
    /// In UTF-8.
    public static let longestTicket = length - 8 * numbers - 1

    var encoded: [UInt8] {
        var writer = ByteWriter(capacity: Self.length)
        for number in [received, due, found, notFound, deletedBefore] { writer.append(number.map { Int64($0) } ?? Self.none) }
        let text = Array((ticket ?? "").utf8)
        precondition(text.count <= Self.longestTicket, "a ticket is a reference, and no letter")
        writer.append(UInt8(text.count))
        writer.append(text)
        writer.append([UInt8](repeating: 0, count: Self.length - writer.bytes.count))
        return writer.bytes
    }

    init?(_ content: [UInt8]) {
        guard content.count == Self.length else { return nil }
        let values = content.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            return (0..<Self.numbers).map { _ in reader.take(Int64.self) }
        }
        let start = 8 * Self.numbers + 1, end = start + Int(content[start - 1])
        guard end <= content.count, values[2...].allSatisfy({ $0 >= 0 }), let text = String(validating: content[start..<end], as: UTF8.self) else { return nil }
        func number(_ index: Int) -> Int? { values[index] == Self.none ? nil : Int(values[index]) }
        self.init(received: number(0), due: number(1), found: Int(values[2]), notFound: Int(values[3]), deletedBefore: Int(values[4]), ticket: text.isEmpty ? nil : text)
    }
}
