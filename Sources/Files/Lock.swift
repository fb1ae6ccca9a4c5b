import Glibc

/// A lock around work that one thread at a time may do and whose results stay on that thread; a `Mutex` asks for results that may be sent
/// to any.
package final class Lock: @unchecked Sendable {  // Its mutex is made for use by many threads, and never moves.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    package init() {
        let failure = pthread_mutex_init(mutex, nil)
        precondition(failure == 0, "a plain lock can always be made")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    package func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }
}
