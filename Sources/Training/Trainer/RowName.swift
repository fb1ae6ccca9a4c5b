/// A row that only the trainer holds: what the engine knows of it in place of its features.
public struct RowName: Sendable, Codable, Equatable {
    public let id: String
    /// Where the trainer finds it, in words of the trainer's own; empty where the id says that.
    public let locator: String

    public init(id: String, locator: String) { (self.id, self.locator) = (id, locator) }

    /// All rows of a project have equally much room for it, in whole steps: its length tells nothing.
    private static let step = 64

    /// The room for locators of up to so many bytes.
    static func room(for longest: Int) -> Int { max(1, (longest + step - 1) / step) * step }

    /// A locator with zeros behind its end.
    static func stored(_ locator: String, room: Int) -> [UInt8] {
        precondition(locator.utf8.count <= room)
        return Array(locator.utf8) + [UInt8](repeating: 0, count: room - locator.utf8.count)
    }

    /// A row from its id and its locator as it is stored; nil where that is no text.
    public init?(id: String, stored: ArraySlice<UInt8>) {
        guard let locator = String(validating: stored.prefix { $0 != 0 }, as: UTF8.self) else { return nil }
        self.init(id: id, locator: locator)
    }
}
