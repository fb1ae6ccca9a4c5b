import Glibc
import Synchronization

/// Whether somebody asks this program to stop: with Ctrl-C, from another process, by closing the terminal.
///
/// A signal may come right before a wait without end, or on another thread than the one that waits, and then ends no wait. Whoever
/// waits for pipes and programs, waits here: the request is looked for again and again.
public enum StopRequest {
    private static let made = Atomic<Bool>(false)
    /// Whoever asks is heard within so many milliseconds.
    static let glance: Int32 = 50

    /// Safe within a handler of signals, once `isMade` was asked for: what comes first makes it.
    /// - Returns: whether it had been made before.
    public static func make() -> Bool { made.exchange(true, ordering: .relaxed) }

    public static var isMade: Bool { made.load(ordering: .relaxed) }

    /// - Throws: `Failure.interrupted` where it was made.
    public static func check() throws { if isMade { throw Failure.interrupted } }

    /// Waits until one of the descriptors has something, or for one glance.
    /// - Parameter milliseconds: less than a glance, where the caller looks for something else, too.
    /// - Throws: `Failure.interrupted`; `SystemCallError`.
    static func wait(for descriptors: inout [pollfd], milliseconds: Int32 = glance, _ operation: String, _ path: String) throws {
        try check()
        let count = poll(&descriptors, nfds_t(descriptors.count), milliseconds)
        let code = errno
        try check()
        guard count >= 0 || code == EINTR else { throw SystemCallError(operation: operation, path: path, code: code) }
    }

    /// Waits until there is something to read, or the end.
    public static func waitForInput(_ descriptor: Int32, _ path: String) throws {
        var one = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        repeat { try wait(for: &one, "read", path) } while one[0].revents == 0
    }
}
