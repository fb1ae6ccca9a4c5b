import Dispatch
import Synchronization

/// Tasks of a tree walk that several threads share: the deepest waiting one is taken first, and of these the one that came last.
///
/// What a task leaves to its children therefore waits in few places: while children of a node at some depth wait, no task at
/// that node's own depth is taken; so all nodes of one depth with waiting children were in work at one time, one a thread.
final class DepthFirstTasks<Element: Sendable>: Sendable {
    private struct Contents {
        var waiting: [[Element]]
        /// Waiting, or taken and not finished.
        var open = 0
        var isOver = false
    }

    private let contents: Mutex<Contents>
    private let changes = DispatchSemaphore(value: 0)

    init(depth: Int) { contents = Mutex(Contents(waiting: [[Element]](repeating: [], count: depth + 1))) }

    /// Does nothing where the walk was stopped: what is in work then still adds its children.
    func add(_ element: Element, depth: Int) {
        let isAdded = contents.withLock { contents in
            guard !contents.isOver else { return false }
            contents.waiting[depth].append(element)
            contents.open += 1
            return true
        }
        if isAdded { changes.signal() }
    }

    /// Waits for a task; nil when all are finished or the walk was stopped.
    func take() -> Element? {
        changes.wait()
        return contents.withLock { contents -> Element? in
            guard !contents.isOver else {
                // For the next thread.
                changes.signal()
                return nil
            }
            let deepest = contents.waiting.lastIndex { !$0.isEmpty }!
            return contents.waiting[deepest].removeLast()
        }
    }

    /// To be called once for each task that was taken, after its children were added.
    func finish() {
        contents.withLock { contents in
            contents.open -= 1
            if contents.open == 0 {
                contents.isOver = true
                changes.signal()
            }
        }
    }

    /// Gives out no more tasks.
    func stop() {
        contents.withLock { contents in
            contents.isOver = true
            contents.waiting = []
            changes.signal()
        }
    }
}
