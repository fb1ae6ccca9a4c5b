import Files
import Foundation
import Glibc

/// Progress with rate and time left, rewritten in place on standard error.
final class ProgressBar {
    private let unit: String
    /// Nil: nobody looks.
    private let form: MessageStream.Progress?
    private let clock = ContinuousClock()
    private var start: ContinuousClock.Instant
    private var startedAt: Int?
    private var last: ContinuousClock.Instant?
    private var hasDrawn = false
    private var secondsBetweenDrawings: Double { form == .terminal ? 0.1 : 0.5 }
    private static let width = 24

    /// What standard error is good for; `UNLEARN_PROGRESS=text` says that it is shown by another program.
    static var possibleForm: MessageStream.Progress? {
        let environment = ProcessInfo.processInfo.environment
        if environment["UNLEARN_PROGRESS"] == "text" { return .text }
        guard isatty(STDERR_FILENO) == 1, let terminal = environment["TERM"], terminal != "dumb", !terminal.isEmpty else { return nil }
        return .terminal
    }

    init(unit: String, form: MessageStream.Progress?) {
        self.unit = unit
        self.form = form
        start = clock.now
    }

    deinit { finish() }

    /// - Parameter what: what is being done; a change of it starts the clock anew, and so does a step back.
    func update(_ what: String, _ done: Int, of total: Int) {
        guard form != nil, total > 0 else { return }
        if what != current || done < lastDone {
            finish()
            (current, start, startedAt, last) = (what, clock.now, done, nil)
        }
        lastDone = done
        let now = clock.now
        if let last, (now - last) / .seconds(1) < secondsBetweenDrawings, done < total { return }
        last = now
        let seconds = (now - start) / .seconds(1)
        let finished = done - (startedAt ?? 0)
        var rate = ""
        if finished > 0, seconds > 0.2 {
            let speed = Double(finished) / seconds
            rate = String(format: "  %.1f %@/s", speed, unit) + (done < total ? "  " + duration(Double(total - done) / speed) + " left" : "")
        }
        draw("\(what) \(form == .terminal ? bar(done, of: total) : "")\(done)/\(total)\(rate)")
    }

    private func bar(_ done: Int, of total: Int) -> String {
        let filled = min(Self.width, Self.width * done / total)
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled) + "] "
    }

    private func draw(_ text: String) {
        guard let form else { return }
        MessageStream.standardError.show(text, form)
        hasDrawn = !text.isEmpty
    }

    private var current: String?
    private var lastDone = 0

    /// Work whose end is not known: how much is done, and how fast.
    func count(_ what: String, _ done: Int) {
        guard form != nil else { return }
        let now = clock.now
        if what != current { (current, start, last) = (what, now, nil) }
        if let last, (now - last) / .seconds(1) < secondsBetweenDrawings { return }
        last = now
        draw("\(what) \(done) \(unit), \(Int(Double(done) / max(1e-3, (now - start) / .seconds(1)))) \(unit)/s")
    }

    /// Clears the line.
    func finish() {
        if hasDrawn { draw("") }
    }
}
