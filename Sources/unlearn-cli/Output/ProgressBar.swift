import Foundation
import Glibc

/// Progress with rate and time left, rewritten in place on standard error.
final class ProgressBar {
    private let unit: String
    private let isShown: Bool
    private let clock = ContinuousClock()
    private var start: ContinuousClock.Instant
    private var startedAt: Int?
    private var last: ContinuousClock.Instant?
    private var hasDrawn = false
    private static let secondsBetweenDrawings = 0.1
    private static let width = 24

    /// A bar needs a terminal that can go back to the start of a line.
    static var terminalIsCapable: Bool {
        guard isatty(STDERR_FILENO) == 1 else { return false }
        return ProcessInfo.processInfo.environment["TERM"].map { $0 != "dumb" && !$0.isEmpty } ?? false
    }

    init(unit: String, isShown: Bool) {
        self.unit = unit
        self.isShown = isShown
        start = clock.now
    }

    deinit { finish() }

    /// - Parameter what: what is being done; a change of it starts the clock anew, and so does a step back.
    func update(_ what: String, _ done: Int, of total: Int) {
        guard isShown, total > 0 else { return }
        if what != current || done < lastDone {
            finish()
            (current, start, startedAt, last) = (what, clock.now, done, nil)
        }
        lastDone = done
        let now = clock.now
        if let last, (now - last) / .seconds(1) < Self.secondsBetweenDrawings, done < total { return }
        last = now
        let filled = min(Self.width, Self.width * done / total)
        let seconds = (now - start) / .seconds(1)
        let finished = done - (startedAt ?? 0)
        var rate = ""
        if finished > 0, seconds > 0.2 {
            let speed = Double(finished) / seconds
            rate = String(format: "  %.1f %@/s", speed, unit) + (done < total ? "  " + duration(Double(total - done) / speed) + " left" : "")
        }
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        Console.write("\r\u{1B}[K\(what) [\(bar)] \(done)/\(total)\(rate)")
        hasDrawn = true
    }

    private var current: String?
    private var lastDone = 0

    /// Work whose end is not known: how much is done, and how fast.
    func count(_ what: String, _ done: Int) {
        guard isShown else { return }
        let now = clock.now
        if what != current { (current, start, last) = (what, now, nil) }
        if let last, (now - last) / .seconds(1) < Self.secondsBetweenDrawings { return }
        last = now
        hasDrawn = true
        Console.write("\r\u{1B}[K\(what) \(done) \(unit), \(Int(Double(done) / max(1e-3, (now - start) / .seconds(1)))) \(unit)/s")
    }

    /// Clears the line.
    func finish() {
        if hasDrawn { Console.write("\r\u{1B}[K") }
        hasDrawn = false
    }
}
