import Checkpoints
import Files

/// The names that a request's rows were asked for by, to whoever knows them.
public struct RequestNames {
    private let store: Store
    private let number: Int
    private let commitments: Set<String>

    /// - Throws: kind `input` where there is no such request, or an earlier version carried it out.
    public init(ofRequest number: Int, in store: Store) throws {
        let name = Store.requestName(number)
        if let fault = try store.ledgerFaults().first { throw Failure(.damaged, "\(fault); run 'unlearn check'") }
        guard let entry = try store.ledger().lazy.map(\.entry).first(where: { $0.event == .deletionRequested && $0.request == name }) else {
            throw Failure(.input, "no request \(name); 'unlearn log' lists them")
        }
        guard let names = entry.names else {
            throw Failure(.input, "an earlier version carried \(name) out, and committed to no names; its certificate shows keyed digests of ids alone")
        }
        switch try store.receipts(ofRequest: number).first?.state {
        case .published, .closed, .planned, nil: break
        case .received: throw Failure(.input, "\(name) waits; an opening is for its certificate, which is there when 'unlearn request run' has carried it out")
        case .superseded: throw Failure(.input, "\(name) erased nothing, and has no certificate to open; 'unlearn log --request \(name)' says who erased its rows, and openings of those requests speak of them")
        case .withdrawn, .undone: throw Failure(.input, "\(name) was not carried out, and has no certificate to open")
        }
        (self.store, self.number, commitments) = (store, number, Set(names))
    }

    /// - Throws: kind `input` where the list names anybody whose rows the request did not erase.
    public func openings(of list: IDList) throws -> [(name: String, opening: NameOpening)] {
        let openings = list.entries.map { (name: $0.id, line: $0.line, opening: store.opening(of: $0.id, inRequest: number)) }
        let others = openings.filter { !commitments.contains($0.opening.commitment(to: $0.name)) }
        try list.expectNone(others.map { (id: $0.name, line: $0.line) }, "is no name that rows of \(Store.requestName(number)) were asked for by", "correct the list; a row that was deleted before has an opening of the request that deleted it")
        return openings.map { ($0.name, $0.opening) }
    }
}
