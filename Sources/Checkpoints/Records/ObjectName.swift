/// What an object is called: 128 random bits. The name says neither what the object is nor when it was written.
public struct ObjectName: Sendable, Hashable, Comparable, CustomStringConvertible {
    static let length = 16

    let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        precondition(bytes.count == Self.length)
        self.bytes = bytes
    }

    static func random() -> ObjectName { ObjectName(bytes: Sodium.random(length)) }

    /// 32 hexadecimal digits: the name of its file.
    public var description: String { Hexadecimal.encode(bytes) }

    public static func < (a: ObjectName, b: ObjectName) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}
