import Checkpoints
import Files

/// A table beside the page, as it is written.
public struct ReportTable: Sendable {
    public let name: String
    public let bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) { (self.name, self.bytes) = (name, bytes) }
}

/// Where `value --out` writes `report.html`, `values.csv`, `utilities.csv` and `statement.json`.
///
/// Made before the work begins, so that a place that cannot be written to or a name that cannot be listed costs nobody hours.
public struct ReportFolder: Sendable {
    public static let pageName = "report.html"
    public static let valuesName = "values.csv"
    public static let utilitiesName = "utilities.csv"
    public static let statementName = "statement.json"
    static let tables = [valuesName, utilitiesName]

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
        let names = [Self.pageName, Self.valuesName, Self.utilitiesName, Self.statementName]
        self.path = try OutputFile.makeFolder(path, for: names, besideProject: project, replacing: replacing)
        (self.players, self.replacing) = (players, replacing)
    }

    /// The two tables, to be written by `write`.
    public func tables(_ report: ValueReport, utilities: [EvaluatedCoalition]) -> [ReportTable] {
        precondition(Set(report.players.map(\.player)) == Set(players), "a report of other players")
        return [
            ReportTable(name: Self.valuesName, bytes: Array(ReportFiles.values(report).utf8)),
            ReportTable(name: Self.utilitiesName, bytes: Array(ReportFiles.utilities(utilities, players: players).utf8)),
        ]
    }

    /// Writes the files, each whole or not at all. The page comes last: where it is new, the others are.
    /// - Parameter statement: nil where none could be signed; one of earlier values does not stay beside these.
    public func write(_ report: ValueReport, _ tables: [ReportTable], statement: [UInt8]?) throws {
        let old = path + "/" + Self.statementName
        if replacing, FileSystem.exists(old) { try FileSystem.remove(old) }
        for table in tables { try publish(table.bytes, table.name) }
        if let statement { try publish(statement, Self.statementName) }
        try publish(Array(ReportPage(report).html().utf8), Self.pageName)
    }

    private func publish(_ bytes: [UInt8], _ name: String) throws {
        try bytes.withUnsafeBytes { try FileSystem.publish(output: $0, at: path + "/" + name, replacing: replacing) }
    }

    private static func expectNames(_ players: [String]) throws {
        // Names that Swift takes for equal (é, e + accent) differ in a file, but people could not tell them apart.
        var seen: Set<String> = []
        for player in players {
            guard !player.isEmpty else {
                throw Failure(.input, "a player without a name: \(utilitiesName) could not tell it from nobody; name its group")
            }
            guard !player.unicodeScalars.contains("|") else {
                throw Failure(.input, "the player '\(player.prefix(80))' has '|' in its name, which stands between players in \(utilitiesName); rename its group")
            }
            guard seen.insert(player).inserted else { throw Failure(.input, "two players are called '\(player.prefix(80))'; rename one") }
        }
    }
}
