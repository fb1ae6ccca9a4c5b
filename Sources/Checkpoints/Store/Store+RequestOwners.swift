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

    /// Keyed digests of the live rows that belong now to whom waiting requests name, by request; none for those that name rows.
    /// - Complexity: where any names owners, O(rows) openings of sealed cells.
    public func rowsNow(ofRequests numbers: [Int]) throws -> [Int: [String]] {
        var people: [[UInt8]: [Int]] = [:], groups: [Int: [Int]] = [:], rows: [Int: [String]] = [:]
        let wanted = Set(numbers), names = try groupNames()
        for request in try requests() where request.state == .received && wanted.contains(request.number) && !request.report.isEmpty {
            let owners = Hexadecimal.decode(request.report) ?? []
            let unreadable = fault("the catalogue's entry of request \(request.number) is not readable")
            rows[request.number] = []
            switch owners.first {
            case Self.ofPeople where (owners.count - 1) % RowCell.nameBytes == 0:
                for start in stride(from: 1, to: owners.count, by: RowCell.nameBytes) { people[Array(owners[start..<start + RowCell.nameBytes]), default: []].append(request.number) }
            case Self.ofGroup:
                guard let name = String(validating: owners.dropFirst(), as: UTF8.self) else { throw unreadable }
                if let group = names.firstIndex(of: name) { groups[group, default: []].append(request.number) }
            default: throw unreadable
            }
        }
        guard !people.isEmpty || !groups.isEmpty else { return rows }
        try expectVerifiedRows()
        try forEachRow { id, cell in
            guard cell.request == nil else { return }
            let owned = Set((cell.group.flatMap { groups[$0] } ?? []) + (cell.person.flatMap { people[Array($0.prefix(RowCell.nameBytes))] } ?? []))
            for number in owned { rows[number]!.append(Hexadecimal.encode(id)) }
        }
        return rows
    }
}
