import Files

/// One deletion as the store remembers it.
public struct StoredRequest: Sendable {
    public let number: Int
    /// What was done, as JSON.
    public let report: String
    /// A sparse sample of the model's steps before the deletion.
    public let sample: [Int32]
    /// The class that the model before the deletion gave each test slot, in order.
    public let classes: [Int32]

    public init(number: Int, report: String, sample: [Int32], classes: [Int32]) {
        self.number = number
        self.report = report
        self.sample = sample
        self.classes = classes
    }
}

extension Store {
    public func requestNumbers() throws -> [Int] { try database.rows("SELECT number FROM requests ORDER BY number") { $0.integer(0) } }

    public func request(_ number: Int) throws -> StoredRequest? {
        try database.rows("SELECT number, report, sample, classes FROM requests WHERE number = ?", .integer(number)) {
            StoredRequest(number: $0.integer(0), report: $0.text(1), sample: Self.integers($0.blob(2)), classes: Self.integers($0.blob(3)))
        }.first
    }

    /// Inside a transaction.
    public func insert(_ request: StoredRequest) throws {
        try database.run(
            "INSERT INTO requests VALUES (?, ?, ?, ?)", .integer(request.number), .text(request.report), .blob(Self.bytes(request.sample)),
            .blob(Self.bytes(request.classes)))
    }

    /// Inside a transaction.
    public func setClasses(_ classes: [Int32], ofRequest number: Int) throws {
        try database.run("UPDATE requests SET classes = ? WHERE number = ?", .blob(Self.bytes(classes)), .integer(number))
    }

    private static func bytes(_ integers: [Int32]) -> [UInt8] {
        var writer = ByteWriter(capacity: integers.count * 4)
        for integer in integers { writer.append(integer) }
        return writer.bytes
    }

    private static func integers(_ bytes: [UInt8]) -> [Int32] {
        bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            return (0..<bytes.count / 4).map { _ in reader.take(Int32.self) }
        }
    }
}
