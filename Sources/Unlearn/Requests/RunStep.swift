/// What happens in a command that looks after requests, for whoever watches it from outside.
public enum RunStep: Sendable, Equatable {
    case received(request: String, rows: Int)
    case withdrawn(request: String)
    /// Before anything is retrained.
    case interimWritten(stateDigest: String)
    case begun(requests: [String], rows: Int)
    /// Nothing that anybody sees has changed yet.
    case retrained(blocks: Int)
    /// The new model is in place, and what it replaced is destroyed.
    case closed(requests: [String], outcome: RunOutcome, stateDigest: String?)
    /// Of rows that only the trainer holds.
    case erasureAcknowledged(requests: [String])
    case erasureNotAcknowledged(requests: [String], error: String)
    /// No live row was named.
    case nothingToDo
    /// Nothing was changed, or the error says what was.
    case failed(outcome: RunOutcome?, error: String)
}
