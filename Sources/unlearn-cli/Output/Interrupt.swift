import Files
import Glibc
import Synchronization
import Training

/// Ctrl-C asks the running command to stop at the next safe point; a second one ends the process at once, which the
/// store survives, too.
enum Interrupt {
    private static let requested = Atomic<Bool>(false)

    static func install() {
        _ = requested.load(ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                if Interrupt.requested.exchange(true, ordering: .relaxed) { _exit(128 + number) }
            }
        }
    }

    static var isRequested: Bool { requested.load(ordering: .relaxed) }

    static func check() throws {
        if isRequested { throw Failure.interrupted }
    }

    static var control: TrainingControl { TrainingControl { isRequested } }
}
