import Checkpoints
import Files
import Foundation
import Training

/// What the trainer is to erase for a request, of rows that it alone holds. Kept, sealed, from the request's publication until the trainer
/// says that it has: then it goes with its key.
struct ErasureOrder: Codable, Equatable {
    struct Row: Codable, Equatable {
        let name: RowName
        let label: Int32
    }

    let request: Int
    let rows: [Row]
}

/// What became of erasures that were ordered of the trainer.
public struct ErasureOrders: Encodable, Sendable, Equatable {
    /// Requests whose rows it acknowledged to have erased in this command.
    public var acknowledged: [String] = []
    /// Requests whose rows it has still to erase, and why that is so.
    public var pending: [String] = []
    public var reason: String?

    public init() {}

    /// Whether any were to be carried out.
    public var isEmpty: Bool { acknowledged.isEmpty && pending.isEmpty }
}

extension Store {
    fileprivate static let ordersKey = "erasure-orders"

    /// Those that the trainer has not acknowledged, in the order of requests.
    func erasureOrders() throws -> [ErasureOrder] { try orders(ErasureOrder.self) }

    /// The requests that they are of. Nothing is made of the rows that they name.
    func requestsOfErasureOrders() throws -> [Int] { try orders(Heading.self).map(\.request) }

    private struct Heading: Codable { let request: Int }

    private func orders<Order: Decodable>(_: Order.Type) throws -> [Order] {
        guard let text = try setting(Self.ordersKey) else { return [] }
        guard let orders = try? JSONDecoder().decode([Order].self, from: Data(text.utf8)) else {
            throw Failure(.damaged, "the catalogue's erasure orders are not readable; restore the project from a backup")
        }
        return orders
    }
}

extension Project {
    /// Requests whose rows the trainer has still to erase.
    public func requestsToAcknowledge() throws -> [String] { try store.requestsOfErasureOrders().map(Store.requestName) }

    /// What the trainer is to erase for a request, while the rows' names are still there.
    func erasureOrder(_ request: Int, _ rows: [RowPlace]) throws -> ErasureOrder {
        let blocks = Dictionary(grouping: rows) { RowBlockPlace(part: $0.part, block: $0.block) }.sorted { $0.key < $1.key }
        return ErasureOrder(
            request: request,
            rows: try blocks.flatMap { place, rows -> [ErasureOrder.Row] in
                guard let block = try store.rowBlock(place.part, place.block) else {
                    throw Failure(.damaged, "the rows of block \(place.block) are missing; run 'unlearn check' and restore the project from a backup")
                }
                let record = try storedRows(block)
                return try rows.map(\.slot).sorted().map { ErasureOrder.Row(name: try name(ofSlot: $0, in: record), label: record.labels[$0]) }
            })
    }

    private struct RowBlockPlace: Hashable, Comparable {
        let part: Part
        let block: Int

        static func < (a: Self, b: Self) -> Bool { (a.part.rawValue, a.block) < (b.part.rawValue, b.block) }
    }

    /// - Parameter orders: without rows there is nothing to order.
    func keep(_ orders: [ErasureOrder], in change: borrowing StoreChange) throws {
        let orders = orders.filter { !$0.rows.isEmpty }
        if !orders.isEmpty { try change.set(Store.ordersKey, to: Self.text(of: store.erasureOrders() + orders)) }
    }

    private static func text(of orders: [ErasureOrder]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(orders), as: UTF8.self)
    }

    /// Has the trainer carry out what it has not acknowledged, one request after the other. That it does not is no failure of whoever asks:
    /// the requests are carried out here, and the next deletion, run or replay orders it again.
    public func carryOutErasureOrders(_ told: (RunStep) -> Void, isInterrupted: () -> Bool) throws -> ErasureOrders {
        var orders = try store.erasureOrders(), result = ErasureOrders()
        guard let trainer = trainer as? ProgramTrainer, !orders.isEmpty else { return result }
        while let order = orders.first {
            let name = Store.requestName(order.request)
            do {
                try trainer.forget(BlockRows(names: order.rows.map(\.name), labels: order.rows.map(\.label)), request: name, isInterrupted: isInterrupted)
            } catch let fault as any DescribedError {
                result.pending = orders.map { Store.requestName($0.request) }
                result.reason = fault.description
                told(.erasureNotAcknowledged(requests: result.pending, error: fault.description))
                break
            }
            orders.removeFirst()
            do {
                try store.recordErasureAcknowledged(ofRequest: order.request, rows: order.rows.count, setting: Store.ordersKey, to: Self.text(of: orders))
            } catch {
                throw Failure(.failed, "\(name) is carried out and its rows are erased by the trainer, but that could not be put on record (\(error)); 'unlearn replay' orders it again")
            }
            result.acknowledged.append(name)
        }
        if !result.acknowledged.isEmpty { told(.erasureAcknowledged(requests: result.acknowledged)) }
        return result
    }
}
