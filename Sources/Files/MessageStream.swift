import Glibc
import Synchronization

/// Standard error, which messages, the progress of long work and what a program of the user's prints all go to. One writer knows what
/// stands in the last line: a message clears the progress that stands there, and the progress comes back behind it.
///
/// Where nobody can read it, nothing can be done.
public final class MessageStream: Sendable {
    public static let standardError = MessageStream(STDERR_FILENO)

    /// How progress is rewritten in place.
    public enum Progress: Sendable {
        /// On a terminal that can go back to the start of a line and clear it.
        case terminal
        /// For whoever shows what comes, a notebook for one: text that ends with a carriage return, so that the next stands in its place.
        case text
    }

    private let descriptor: Int32
    /// The progress that stands in the last line; empty where none does.
    private let shown = Mutex((text: "", form: Progress.terminal))

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Writes one line. Who calls has taken out what would end it or steer a terminal.
    public func line(_ text: String) {
        shown.withLock { shown in
            // In one piece, so that what other programs write to the same place comes before or behind it.
            send(replacing(shown.text, by: "", shown.form) + text + "\n" + replacing("", by: shown.text, shown.form))
        }
    }

    /// Writes what no line's end follows, a question for one; progress that stands there is gone.
    public func text(_ text: String) {
        shown.withLock { shown in
            send(replacing(shown.text, by: "", shown.form) + text)
            shown.text = ""
        }
    }

    /// Shows progress in the place of what was shown before; empty text clears it.
    public func show(_ text: String, _ form: Progress) {
        shown.withLock { shown in
            send(replacing(shown.text, by: text, form))
            shown = (text, form)
        }
    }

    /// What puts one text in the place of another in the last line.
    private func replacing(_ old: String, by new: String, _ form: Progress) -> String {
        guard !old.isEmpty || !new.isEmpty else { return "" }
        return switch form {
        case .terminal: "\r\u{1B}[K" + new
        case .text: new + String(repeating: " ", count: max(0, old.count - new.count)) + "\r"
        }
    }

    private func send(_ text: String) { _ = writeAll(Array(text.utf8)[...], to: descriptor) }
}
