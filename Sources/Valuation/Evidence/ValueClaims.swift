import Checkpoints
import Files
import Foundation

/// What the ledger says of a valuation for good: nothing that depends on what a row held.
struct ValueMethod: Codable, Sendable, Equatable {
    let source: String
    let testSource: String?
    let playerKind: String
    let estimator: String
    let utility: String
    let metric: String
    let none: ValueReport.NoneModel
    let orders: Int
    let confidence: Double
    let seed: String

    init(_ report: ValueReport) {
        (source, testSource, playerKind, estimator) = (report.source, report.testSource, report.playerKind, report.estimator)
        (utility, metric, none, orders) = (report.utility, report.metric, report.none, report.orders)
        (confidence, seed) = (report.confidence, report.seed)
    }
}

/// What it says until the next deletion: values depend on what the rows held, and names of players go with their rows.
struct ValueFigures: Codable, Sendable, Equatable {
    struct Player: Codable, Sendable, Equatable {
        let player: String
        let rows: Int
        let value: Double
        let low: Double?
        let high: Double?
        let share: Double
        let amount: Double?
        let rank: Int
        let leaveOneOut: Double?

        init(_ player: ValueReport.Player) {
            // JSON knows no infinite ends of intervals.
            func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
            (self.player, rows, value, share, rank) = (player.player, player.rows, player.value, player.share, player.rank)
            (low, high, amount, leaveOneOut) = (finite(player.low), finite(player.high), player.amount, finite(player.leaveOneOut))
        }
    }

    let stateDigest: String
    /// Of the same model as it is served; nil where nothing said so.
    let servingDigest: String?
    let vAll: Double
    let all: ValueReport.AllModel
    let vAllOwnOrder: Double?
    let vEmpty: Double
    let evaluations: Int
    let noInterval: String?
    let blocks: Int
    let trainingRows: Int
    let valuationRows: Int
    let finalTestRows: Int
    let pool: Double?
    let players: [Player]

    init(_ report: ValueReport, servingDigest: String? = nil) {
        self.servingDigest = servingDigest
        (stateDigest, vAll, all, vAllOwnOrder, vEmpty) = (report.stateDigest, report.vAll, report.all, report.vAllOwnOrder, report.vEmpty)
        (evaluations, noInterval, blocks, trainingRows) = (report.evaluations, report.noInterval, report.blocks, report.trainingRows)
        (valuationRows, finalTestRows, pool) = (report.valuationRows, report.finalTestRows, report.pool)
        players = report.players.map(Player.init)
    }

    /// What does not follow from the values, in words; nil where ranks, shares and amounts all do.
    var fault: String? {
        let values = players.map(\.value)
        if players.contains(where: { $0.rows < 0 }) || !values.reduce(0, { $0 + max(0, $1) }).isFinite { return "its values are not readable" }
        if players.map(\.rank) != Ranking(values: values, low: values, high: values).ranks { return "its ranks do not follow from its values" }
        let shares = PaymentShares(values: values).shares
        if zip(players, shares).contains(where: { abs($0.share - $1) > Self.roundingOfShares }) { return "its shares do not follow from its values" }
        guard let pool else { return players.contains { $0.amount != nil } ? "it names amounts of no pool" : nil }
        let amounts = players.map { $0.amount.flatMap(Pool.cents) }
        // Nobody is paid where all together are worth nothing; earlier versions paid all the same.
        guard let cents = Pool.cents(pool), cents > 0, amounts == Pool(cents: cents).amounts(values) || vAll <= vEmpty && amounts.allSatisfy({ $0 == 0 })
        else { return "its amounts do not follow from its values" }
        return nil
    }

    /// A share is a quotient of sums, which other programs add in another order.
    private static let roundingOfShares = 1e-12
}

/// What a statement claims of one valuation: a function of the ledger's entry alone.
struct ValueClaims: Codable, Equatable {
    let valued: String
    let program: String
    /// `ValueMethod`, as the ledger has it.
    let method: JSONValue
    /// `ValueFigures`.
    let figures: JSONValue

    /// - Returns: nil where the entry is of something else, or what opened its figures is destroyed.
    init?(_ entry: LedgerEntry) {
        guard entry.event == .valued, entry.request == nil, let method = entry.details, let figures = entry["figures"] else { return nil }
        (valued, program, self.method, self.figures) = (entry.time, entry.program, method, figures)
    }

    func readMethod() throws -> ValueMethod { try Self.read(method) }
    func readFigures() throws -> ValueFigures { try Self.read(figures) }

    private static func read<Value: Decodable>(_ json: JSONValue) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Value.self, from: JSONEncoder().encode(json))
    }
}
