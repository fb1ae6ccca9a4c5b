import Checkpoints
import Files

/// Where `value --out` writes `report.html`, `values.csv` and `utilities.csv`.
///
/// Made before the work begins, so that a place that cannot be written to or a name that cannot be listed costs nobody hours.
public struct ReportFolder: Sendable {
    public static let pageName = "report.html"
    public static let valuesName = "values.csv"
    public static let utilitiesName = "utilities.csv"

    public let path: String
    private let replacing: Bool
    /// By number, as coalitions count them.
    private let players: [String]

    /// Makes the folder where there is none.
    /// - Parameters:
    ///   - players: their names, by number.
    ///   - project: the folder whose own files it must not touch.
    ///   - replacing: whether a report that is there may be replaced.
    /// - Throws: `Failure(.input)` where `path` is a file, lies in no folder, or holds something under one of the names;
    ///   where a player's name is empty, occurs twice or contains `|`, which joins players in `utilities.csv`.
    public init(_ path: String, players: [String], besideProject project: String, replacing: Bool = false) throws {
        try Self.expectNames(players)
        // A slash at the end would hide the parent.
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        guard !path.isEmpty else { throw Failure(.input, "no folder to write the report to; name one after --out") }
        guard !FileSystem.exists(path) || FileSystem.isFolder(path) else {
            throw Failure(.input, "\(path) is a file, and the report is a folder of three files; name another")
        }
        try Store.refuseOwn(path, ofProject: project)
        try OutputFile.refuseProjects(path)
        try FileSystem.makeFolder(path)
        (self.path, self.players, self.replacing) = (path, players, replacing)
        for name in [Self.pageName, Self.valuesName, Self.utilitiesName] {
            try Store.expectOutput(path + "/" + name, besideProject: project, replacing: replacing)
        }
    }

    /// Writes the three files, each whole or not at all. The page comes last: where it is new, the
    /// tables are.
    public func write(_ report: ValueReport, utilities: [EvaluatedCoalition]) throws {
        precondition(Set(report.players.map(\.player)) == Set(players), "a report of other players")
        try publish(ReportFiles.values(report), Self.valuesName)
        try publish(ReportFiles.utilities(utilities, players: players), Self.utilitiesName)
        try publish(ReportPage(report).html(), Self.pageName)
    }

    private func publish(_ text: String, _ name: String) throws {
        try Array(text.utf8).withUnsafeBytes { try FileSystem.publish(output: $0, at: path + "/" + name, replacing: replacing) }
    }

    private static func expectNames(_ players: [String]) throws {
        // Names that Swift takes for equal (é, e + accent) differ in a file, but people could not tell them apart.
        var seen: Set<String> = []
        for player in players {
            guard !player.isEmpty else {
                throw Failure(.input, "a player without a name: \(utilitiesName) could not tell it from nobody; name its group")
            }
            guard !player.unicodeScalars.contains("|") else {
                throw Failure(.input, "the player '\(player)' has '|' in its name, which stands between players in \(utilitiesName); rename its group")
            }
            guard seen.insert(player).inserted else { throw Failure(.input, "two players are called '\(player)'; rename one") }
        }
    }
}
