import Files
import Glibc
import Training

/// Ctrl-C asks the running command to stop at the next safe point; a second one ends the process at once, which the
/// store survives, too.
enum Interrupt {
    static func install() {
        // Made before a handler needs it.
        _ = StopRequest.isMade
        // A parent that starts programs from a worker thread may hand its blocked signals down.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        // A terminal that is closed, too: what lies in memory is to go.
        for number in [SIGINT, SIGTERM, SIGHUP] {
            // Whoever has it go on behind a closed terminal (nohup) is heard.
            var before = sigaction()
            if number == SIGHUP, sigaction(number, nil, &before) == 0, unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
            sigaddset(&wanted, number)
            // Without SA_RESTART: a signal ends waiting for input.
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in
                if StopRequest.make() { _exit(130) }
            }
            sigaction(number, &action, nil)
        }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
        // A file that reaches its limit (ulimit -f) is then a write that fails and says so, not an end without a word.
        signal(SIGXFSZ, SIG_IGN)
        // Nor must whoever stops reading progress or messages end a command whose result somebody waits for (`Console.output` knows better
        // of standard output).
        signal(SIGPIPE, SIG_IGN)
    }

    static var control: TrainingControl { TrainingControl { StopRequest.isMade } }
}
