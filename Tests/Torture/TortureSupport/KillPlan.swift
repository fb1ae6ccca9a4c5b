import TestSupport

/// Where a kill ends a command.
enum Cut: Equatable, Sendable {
    /// Before one of the changes that it makes to files: at this share of them, 0 is the first.
    case change(Double)
    /// Before the last change but so many.
    case end(Int)
    /// At this share of the time that it takes, wherever that is.
    case moment(Double)
}

/// One operation of a project's life, and the kills that end it, one after the other.
struct KillRound: Equatable, Sendable {
    enum Kind: CaseIterable, Sendable { case initialise, train, exact, stitch, add, run, compact }

    let kind: Kind
    let cuts: [Cut]
    /// What chooses the rows of a deletion.
    let seed: UInt64
}

/// What is killed, and where: the seed and the number of rounds say it alone. However many do the work, and however fast
/// they are, it is the same work.
struct KillPlan: Equatable, Sendable {
    /// Projects from their beginning; those who do the work share them out.
    let lives: [[KillRound]]

    private static let roundsPerLife = 10

    /// - Parameters:
    ///   - compacts: whether the program knows `compact`.
    ///   - queues: whether it knows `request`.
    init(seed: UInt64, rounds: Int, compacts: Bool, queues: Bool) {
        var random = SeededGenerator(seed)
        let count = max(1, rounds / Self.roundsPerLife)
        let deletions: [KillRound.Kind] = [.exact, .stitch] + (queues ? [.add, .run] : []) + (compacts ? [.compact] : [])
        lives = (0..<count).map { life in
            // However short, a life has every operation once.
            let length = max(rounds / count + (life < rounds % count ? 1 : 0), 2 + deletions.count)
            // What waits is carried out behind it.
            var kinds = [.initialise, .train] + deletions.shuffled(using: &random)
            if let add = kinds.firstIndex(of: .add), let run = kinds.firstIndex(of: .run), run < add { kinds.swapAt(add, run) }
            while kinds.count < length { kinds.append(([.exact, .stitch] + deletions).randomElement(using: &random) ?? .exact) }
            var before: [KillRound.Kind: Int] = [:]
            return kinds.map { kind in
                defer { before[kind, default: 0] += 1 }
                return KillRound(kind: kind, cuts: Self.cuts(before[kind, default: 0] + life, &random), seed: random.next())
            }
        }
    }

    /// By turns: early and at the end, anywhere one after the other, and by the clock.
    private static func cuts(_ turn: Int, _ random: inout SeededGenerator) -> [Cut] {
        func share(_ range: Range<Double>) -> Double { Double.random(in: range, using: &random) }
        switch turn % 3 {
        case 0: return [.change(share(0..<0.5)), .end(Int.random(in: 0..<4, using: &random))]
        case 1: return [.change(share(0.1..<0.9)), .change(share(0.5..<1))]
        default: return [.moment(share(0..<1)), .end(Int.random(in: 0..<8, using: &random))]
        }
    }
}

/// Where kills ended a command, told by what they left.
public struct KillHits: Equatable, Sendable {
    /// Nothing was written yet.
    public var before = 0
    /// Something was, and the project is not yet as after the command.
    public var within = 0
    /// The project is as after the command, which had no time to say so.
    public var behind = 0
    /// The command was done before its kill came.
    public var missed = 0

    public var description: String { "\(before) before, \(within) within, \(behind) behind, \(missed) too late" }
}
