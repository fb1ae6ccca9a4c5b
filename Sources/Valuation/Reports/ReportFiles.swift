/// A coalition that was scored, as `utilities.csv` lists it.
public struct EvaluatedCoalition: Sendable {
    public var coalition: Coalition
    /// Score of the model that learned only this coalition, in the metric's units.
    public var utility: Double
    /// How it was found: exact, stitch, additive; base-rate of the empty coalition where it has no model.
    public var source: String

    public init(coalition: Coalition, utility: Double, source: String) {
        (self.coalition, self.utility, self.source) = (coalition, utility, source)
    }
}

/// The two tables beside the page: CSV after RFC 4180 with lines that end in a line feed alone, as the tools of Unix expect.
/// Numbers are the shortest that read back as the same double; what is not known or no number is an empty field.
enum ReportFiles {
    static let valuesHeader = "player,rows,value,low,high,share,rank,rank_best,rank_worst,leave_one_out,deletion_blocks,amount"
    static let utilitiesHeader = "coalition,utility,source"
    /// Stands between players in `utilities.csv`, so no player's name may contain it.
    static let separator: Character = "|"

    /// One line per player, in the report's order.
    static func values(_ report: ValueReport) -> String {
        lines(
            valuesHeader,
            report.players.map { player in
                [
                    player.player, "\(player.rows)", number(player.value), player.low.map(number) ?? "", player.high.map(number) ?? "", number(player.share),
                    "\(player.rank)", player.rankBest.map(String.init) ?? "", player.rankWorst.map(String.init) ?? "", player.leaveOneOut.map(number) ?? "",
                    "\(player.deletionBlocks)", player.amount.flatMap(Pool.cents).map(Pool.text) ?? "",
                ]
            })
    }

    /// One line per coalition and source, by the size of the coalition, then by the players' numbers, then by source; the players
    /// of a line by their names' Unicode code points.
    static func utilities(_ evaluated: [EvaluatedCoalition], players: [String]) -> String {
        // UTF-8 keeps the order of code points; `String`'s own order is another.
        let places = players.indices.sorted { players[$0].utf8.lexicographicallyPrecedes(players[$1].utf8) }
        return lines(
            utilitiesHeader,
            evaluated.sorted { $0.coalition != $1.coalition ? $0.coalition < $1.coalition : $0.source < $1.source }.map { one in
                precondition(one.coalition.playerCount == players.count, "a coalition of another game")
                let names = places.filter(one.coalition.contains).map { players[$0] }
                return [names.joined(separator: String(separator)), number(one.utility), one.source]
            })
    }

    private static func lines(_ header: String, _ records: [[String]]) -> String {
        records.reduce(into: header + "\n") { $0 += $1.map(field).joined(separator: ",") + "\n" }
    }

    /// Quoted where a reader would take it for something else.
    static func field(_ text: String) -> String {
        let needsQuotes = text.utf8.contains { [UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\r"), UInt8(ascii: "\n")].contains($0) }
        // Some readers strip white space at the ends.
        let hasOuterSpace = text.first?.isWhitespace == true || text.last?.isWhitespace == true
        return needsQuotes || hasOuterSpace ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }

    private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "" }
}
