/// What kind of trouble a failure is. Commands map each kind to one exit code; code that throws thinks in kinds only.
public enum FailureKind: Int32, Sendable {
    /// The work could not be done: a system call failed, training diverged.
    case failed = 1
    /// The caller's options or files are wrong; nothing was changed.
    case input = 2
    /// An audit or a guard says no.
    case refused = 3
    /// Something in the project's own store is not what was written there.
    case damaged = 4
    /// Another process holds the project.
    case locked = 5
    /// There is no project at the given place.
    case noProject = 10
    /// The user asked to stop.
    case interrupted = 130
}

/// An error that a person can act on: one line that says what is wrong, where, and what to do next.
public protocol DescribedError: Error, CustomStringConvertible {
    var kind: FailureKind { get }
}

/// A failure without a type of its own: its kind and its line.
public struct Failure: DescribedError, Equatable {
    public let kind: FailureKind
    public let description: String

    public init(_ kind: FailureKind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    public static let interrupted = Failure(.interrupted, "interrupted; what is finished is kept, nothing is half done")
    /// Of what changes nothing before it is done.
    public static let interruptedUnchanged = Failure(.interrupted, "interrupted; nothing was changed")
}
