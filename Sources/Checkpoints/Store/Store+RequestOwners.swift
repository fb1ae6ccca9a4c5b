import Files

/// Whose rows a request is for.
public enum RequestOwners: Sendable {
    case people([PersonName])
    case group(String)
}

/// Whom a request names is kept as long as it waits, in its own entry, sealed: people as keyed digests. More of their rows may come
/// meanwhile, and somebody should hear of it.
extension Store {
    private static let ofPeople = UInt8(1), ofGroup = UInt8(2)

    func encoded(_ owners: RequestOwners) -> [UInt8] {
        switch owners {
        case .people(let people): [Self.ofPeople] + people.flatMap { digest(ofPerson: $0) }
        case .group(let name): [Self.ofGroup] + Array(name.utf8)
        }
    }

    /// Keyed digests of the live rows that belong now to whom a waiting request names; nil where it names rows, not their owners.
    /// - Complexity: O(rows) openings of sealed cells.
    public func rowsNow(ofRequest number: Int) throws -> [String]? {
        guard let request = try request(number), request.state == .received, let content = Hexadecimal.decode(request.report), let kind = content.first else { return nil }
        let owners = content.dropFirst()
        var people: Set<[UInt8]> = [], group: Int?
        switch kind {
        case Self.ofPeople where owners.count % RowCell.nameBytes == 0:
            people = Set(stride(from: owners.startIndex, to: owners.endIndex, by: RowCell.nameBytes).map { Array(owners[$0..<$0 + RowCell.nameBytes]) })
        case Self.ofGroup:
            guard let name = String(validating: owners, as: UTF8.self) else { throw fault("the catalogue's entry of request \(number) is not readable") }
            group = try groupNames().firstIndex(of: name)
            if group == nil { return [] }
        default: throw fault("the catalogue's entry of request \(number) is not readable")
        }
        try expectVerifiedRows()
        var rows: [String] = []
        try forEachRow { id, cell in
            guard cell.request == nil else { return }
            if let group, cell.group == group { rows.append(Hexadecimal.encode(id)) }
            if let person = cell.person, people.contains(Array(person.prefix(RowCell.nameBytes))) { rows.append(Hexadecimal.encode(id)) }
        }
        return rows
    }
}
