import Dispatch
import Synchronization
import Testing

@testable import Valuation

@Suite("A tree walk that threads share")
struct DepthFirstTasksTests {
    @Test("The deepest task is taken first, and of these the latest")
    func depthFirst() throws {
        let tasks = DepthFirstTasks<String>(depth: 3)
        for (name, depth) in [("a", 1), ("b", 3), ("c", 2), ("d", 3), ("e", 0)] { tasks.add(name, depth: depth) }
        var taken: [String] = []
        while let task = tasks.take() {
            taken.append(task)
            tasks.finish()
        }
        #expect(taken == ["d", "b", "c", "a", "e"] && tasks.take() == nil)
    }

    @Test("Whoever is at work when a walk is stopped may still add children, which nobody gets")
    func stopped() {
        let tasks = DepthFirstTasks<String>(depth: 2)
        tasks.add("parent", depth: 0)
        #expect(tasks.take() == "parent")
        tasks.stop()
        tasks.add("child", depth: 1)
        tasks.finish()
        #expect(tasks.take() == nil && tasks.take() == nil)
    }

    @Test("What waits for children stays within threads times depth", arguments: [1, 2, 3])
    func memory(threads: Int) {
        let count = StateCount(), depth = 10
        let tasks = DepthFirstTasks<(base: CountedState, depth: Int)>(depth: depth)
        @Sendable func extend(_ state: CountedState, to depth: Int) { for _ in 0..<2 { tasks.add((state, depth), depth: depth) } }
        extend(CountedState(count), to: 1)
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while let task = tasks.take() {
                let state = CountedState(count)
                if task.depth < depth { extend(state, to: task.depth + 1) }
                tasks.finish()
            }
        }
        #expect(count.most <= (2 * threads + 1) * (depth + 1) && count.most >= depth)
        #expect(threads > 1 || count.most <= depth + 1)
    }
}

/// How many states there are, and the most there were.
private final class StateCount: Sendable {
    private let counts = Mutex((now: 0, most: 0))
    func change(_ by: Int) {
        counts.withLock {
            $0.now += by
            $0.most = max($0.most, $0.now)
        }
    }
    var most: Int { counts.withLock { $0.most } }
}

private final class CountedState: Sendable {
    private let count: StateCount

    init(_ count: StateCount) {
        self.count = count
        count.change(1)
    }

    deinit { count.change(-1) }
}
