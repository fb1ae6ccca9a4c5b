/// What a coalition of players is worth: v(S).
public protocol Utility: AnyObject {
    var playerCount: Int { get }

    /// v of each coalition, in order. Asking for many at once lets them share work: prefixes of the chain, threads.
    ///
    /// A pure function of the coalition: asked twice, it gives the same bits.
    func values(of coalitions: [Coalition]) throws -> [Double]

    /// Stores what it has found and not stored yet, where it stores anything.
    func flush() throws
}

extension Utility {
    public func flush() throws {}
}
