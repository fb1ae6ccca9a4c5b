/// Something that must not be: what an oracle says of a case that fails.
public struct Finding: Error, CustomStringConvertible, Equatable {
    public let description: String
    public init(_ description: String) { self.description = description }
}
