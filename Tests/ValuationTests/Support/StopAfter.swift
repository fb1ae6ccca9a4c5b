import Synchronization

/// Says stop from the given call on.
final class StopAfter: Sendable {
    private let left: Atomic<Int>
    init(calls: Int) { left = Atomic(calls) }
    func isDue() -> Bool { left.subtract(1, ordering: .relaxed).newValue < 0 }
}
