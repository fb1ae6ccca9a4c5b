import Checkpoints
import Files
import Training
import Unlearn

/// Where players come from.
public enum PlayerSource: Sendable, Equatable {
    /// The groups of rows that `init` was told of, in the order of their names.
    case groups
    /// Blocks of the chain, as "block 7".
    case blocks
    /// A file: `player,id` a line below that header, or one id a line, each row a player of its own.
    case file(String)

    var kind: String {
        switch self {
        case .groups: "group"
        case .blocks: "block"
        case .file: "set"
        }
    }
}

extension PlayerSet {
    /// - Throws: `Failure` of kind `input` where a file names what is no live training row or gives a row to two players, or where
    ///   there are fewer than two players.
    /// - Complexity: O(rows).
    public init(_ source: PlayerSource, of project: Project) throws {
        let store = project.store
        let (live, slots, names) = try store.snapshot {
            try store.verifyRows()
            return (try store.livePlaces(.train), try store.rowBlocks(.train), try store.groupNames())
        }
        guard slots.map(\.block) == Array(1...project.settings.recipe.plan.blocks),
            live.allSatisfy({ (1...slots.count).contains($0.block) && (0..<slots[$0.block - 1].slots).contains($0.slot) })
        else { throw Failure(.damaged, "the catalogue names rows where no block is; run 'unlearn check' and restore the project from a backup") }
        let named: [String], owned: [Owned]
        switch source {
        case .groups:
            let present = Set(live.compactMap(\.group)).filter { names.indices.contains($0) && !names[$0].isEmpty }
            let numbers = present.sorted { names[$0] < names[$1] }
            let player = Dictionary(uniqueKeysWithValues: numbers.enumerated().map { ($1, $0) })
            named = numbers.map { names[$0] }
            owned = live.compactMap { row in row.group.flatMap { player[$0] }.map { Owned(block: row.block, slot: row.slot, player: $0) } }
        case .blocks:
            let present = Set(live.map(\.block)).sorted()
            let player = Dictionary(uniqueKeysWithValues: present.enumerated().map { ($1, $0) })
            named = present.map { "block \($0)" }
            owned = live.map { Owned(block: $0.block, slot: $0.slot, player: player[$0.block]!) }
        case .file(let path):
            let file = try PlayersFile(path)
            named = file.players
            owned = try file.places(in: project)
        }
        guard named.count >= 2 else {
            let (there, advice) =
                switch source {
                case .groups:
                    ("the project's live rows have \(named.isEmpty ? "no groups" : "one group")", "value blocks with --players blocks, or sets of rows with --players FILE")
                case .blocks: ("one block holds all live rows", "name sets of rows with --players FILE")
                case .file(let path): ("\(path) names one player", "name two at least")
                }
            throw Failure(.input, "\(there), and values compare players; \(advice)")
        }
        self.init(
            names: named, kind: source.kind, owned: owned, slots: slots.map(\.slots), live: live.map { ($0.block, $0.slot) },
            groups: source == .groups ? [] : Self.groups(of: owned, named.count, live, names))
    }

    /// The players of each group of rows, by its name; players with rows of several groups, or of none, are in none.
    private static func groups(
        of owned: [Owned], _ count: Int, _ live: [(block: Int, slot: Int, group: Int?)], _ names: [String]
    ) -> [(name: String, players: [Int])] {
        struct Place: Hashable { let block, slot: Int }
        let group = Dictionary(uniqueKeysWithValues: live.map { (Place(block: $0.block, slot: $0.slot), $0.group) })
        var found = [Set<Int?>](repeating: [], count: count)
        for row in owned { found[row.player].insert(group[Place(block: row.block, slot: row.slot)] ?? nil) }
        var players: [Int: [Int]] = [:]
        for (player, groups) in found.enumerated() {
            if groups.count == 1, let group = groups.first!, names.indices.contains(group), !names[group].isEmpty { players[group, default: []].append(player) }
        }
        return players.map { (names[$0.key], $0.value) }.sorted { $0.0 < $1.0 }
    }
}

/// Players as a file names them.
private struct PlayersFile {
    let path: String
    private(set) var players: [String] = []
    private static let mostBytes = 1 << 30
    /// Canonical, in the file's order, each once.
    private var rows: [(id: String, player: Int, line: Int)] = []

    init(_ path: String) throws {
        self.path = path
        // Opened once: it may be a pipe.
        let file = try OpenFile.input(path, "the path of the players' file", digits: .mayBeMeant)
        let bytes = try FileSystem.read(file, most: Self.mostBytes)
        guard Self.isTable(bytes) else {
            let list = try IDList(bytes, path: path)
            players = list.entries.map(\.id)
            rows = list.entries.enumerated().map { ($1.id, $0, $1.line) }
            return
        }
        var number: [String: Int] = [:], first: [String: Int] = [:], isHeader = true
        try CSVFile.forEachRecord(in: InputFile(file)) { line, fields in
            defer { isHeader = false }
            guard fields.count == 2 else { throw Failure(.input, "\(path) line \(line) has \(fields.count) fields; write player,id") }
            if isHeader {
                guard fields == ["player", "id"] else { throw Failure(.input, "\(path) line \(line) is no header; begin the file with the line player,id") }
                return
            }
            guard !fields[0].isEmpty, !fields[0].unicodeScalars.contains("|") else {
                throw Failure(.input, "\(path) line \(line) names a player '\(fields[0].prefix(80))'; give it a name, without '|'")
            }
            if let fault = NameText.fault(fields[0], "a player's name") ?? NameText.fault(fields[1], "an id") { throw Failure(.input, "\(path) line \(line) \(fault)") }
            let id = IDList.canonical(fields[1])
            let player = number[fields[0]] ?? players.count
            if player == players.count {
                number[fields[0]] = player
                players.append(fields[0])
            }
            if let known = first[id] {
                guard rows[known].player == player else {
                    throw Failure(
                        .input, "\(path) line \(line) gives the id '\(id.prefix(80))' to '\(fields[0].prefix(80))' and line \(rows[known].line) to "
                            + "'\(players[rows[known].player].prefix(80))'; give each id one player")
                }
                return
            }
            first[id] = rows.count
            rows.append((id, player, line))
        }
        guard !rows.isEmpty else { throw Failure(.input, "\(path) names no players; write one player,id a line below the header") }
    }

    /// Whether the first line that is neither blank nor a comment has a comma.
    private static func isTable(_ bytes: [UInt8]) -> Bool {
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.contains(where: { $0 > 0x20 }) && line.first != UInt8(ascii: "#") {
            return line.contains(UInt8(ascii: ","))
        }
        return false
    }

    /// Where the rows stand, each compared with the id that is stored with the row itself.
    func places(in project: Project) throws -> [PlayerSet.Owned] {
        let places = try project.store.snapshot { try project.store.places(ofRows: rows.map(\.id)) }
        var owned: [PlayerSet.Owned] = []
        for (row, place) in zip(rows, places) {
            func wrong(_ what: String) -> Failure {
                let id = IDList.mayShowKey(row.id) ? "" : "'\(row.id.prefix(80))' "
                return Failure(.input, "\(path) line \(row.line): the id \(id)\(what); correct the file")
            }
            guard let place else { throw wrong("is not in the project") }
            guard !place.isDeleted else { throw wrong("is deleted already") }
            guard place.part == .train else { throw wrong("is a test row's, and players own training rows") }
            owned.append(PlayerSet.Owned(block: place.block, slot: place.slot, player: row.player))
        }
        return owned
    }
}
