/// What an audit needs of the model before a deletion, after that model is gone. The format is specified in
/// Documentation/Formats.md.
public struct StoredEvidence: Sendable, Equatable {
    /// A sparse sample of the model's steps.
    public var sample: [Int32]
    /// The class that the model gave each test slot, in order.
    public var classes: [Int32]

    public init(sample: [Int32], classes: [Int32]) {
        self.sample = sample
        self.classes = classes
    }

    static let magic = Array("UNLREVID".utf8)
    static let version: UInt32 = 1
    static let headerLength = 20

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.headerLength + 4 * (sample.count + classes.count))
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(UInt32(sample.count))
        writer.append(UInt32(classes.count))
        for value in sample + classes { writer.append(value) }
        return writer.bytes
    }

    /// Nil where the bytes are not what `encoded` makes.
    init?(decoding bytes: [UInt8]) {
        guard bytes.count >= Self.headerLength, bytes.starts(with: Self.magic) else { return nil }
        let found: ([Int32], [Int32])? = bytes.withUnsafeBytes { raw in
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[8...]))
            guard reader.take(UInt32.self) == Self.version else { return nil }
            let samples = Int(reader.take(UInt32.self)), classes = Int(reader.take(UInt32.self))
            guard reader.remaining == 4 * (samples + classes) else { return nil }
            return ((0..<samples).map { _ in reader.take(Int32.self) }, (0..<classes).map { _ in reader.take(Int32.self) })
        }
        guard let found else { return nil }
        (sample, classes) = found
    }
}
