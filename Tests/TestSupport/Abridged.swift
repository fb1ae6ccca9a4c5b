import Testing

/// A test's argument that may be long: the runner's log shows how it begins, and how much there is.
public struct Abridged<Value: Collection & Sendable>: Sendable, CustomTestStringConvertible {
    public let value: Value

    public init(_ value: Value) { self.value = value }

    public var testDescription: String {
        value.count <= 40 ? String(reflecting: value) : "\(String(reflecting: value.prefix(10)))… (\(value.count))"
    }
}
