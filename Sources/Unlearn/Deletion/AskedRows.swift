import Checkpoints

/// What a request asked for, as the ledger keeps it for good, sealed: numbers and keyed digests, but no name.
public struct AskedRows: Codable, Sendable, Equatable {
    /// How rows were named.
    public enum Way: String, Codable, Sendable {
        case ids, persons, group
        /// No rows: what stitches had left was to be replayed.
        case nothing
    }

    public let way: Way
    /// Names of the list, each once; 1 for a group.
    public let names: Int
    /// How many names stood there more than once.
    public let repeated: Int
    /// Keyed digests of names that no row of the project has.
    public let notFound: [String]
    /// By request, rows of the list that it had deleted; those left out when the project was made under "".
    public let deletedBefore: [String: Int]

    init(_ target: DeletionTarget, _ selection: RowSelection, in store: Store) {
        (way, names) =
            switch target {
            case .list(let ids): (.ids, ids.entries.count)
            case .persons(let people): (.persons, people.entries.count)
            case .group: (.group, 1)
            case .chain: (.nothing, 0)
            }
        repeated = selection.findings.repeated.count
        notFound = selection.unknown.map { store.rowDigest($0.id) }.sorted()
        deletedBefore = Dictionary(selection.deleted.map { ($0.row.request ?? "", 1) }, uniquingKeysWith: +)
    }
}

/// The officer's own reference of a request: what whoever asked is known by elsewhere. The ledger keeps it for good, sealed; certificates do
/// not show it.
public enum Ticket {
    /// Bytes in UTF-8: it is a reference, and no place for a letter.
    public static let longest = 200

    /// Whether a text is one line that can be read.
    public static func isAllowed(_ text: String) -> Bool {
        let joiners: [Unicode.Scalar] = ["\u{200C}", "\u{200D}"]
        return (1...longest).contains(text.utf8.count) && text.contains { !$0.isWhitespace }
            && text.unicodeScalars.allSatisfy { scalar in
                joiners.contains(scalar)
                    || ![.control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned].contains(scalar.properties.generalCategory)
            }
    }
}
