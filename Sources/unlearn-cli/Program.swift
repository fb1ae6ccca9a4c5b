import Files
import Glibc
import Synchronization
import Unlearn

/// When the program began, as near to it as it can know.
let programStart = ContinuousClock.now

/// The whole program: runs what the words ask for and gives the exit code.
package func runProgram(_ arguments: [String]) -> Int32 {
    _ = programStart
    occupyStandardDescriptors()
    Interrupt.install()
    do {
        switch try CommandLineParser(commands: CommandSpec.all).parse(arguments) {
        case .help(let text): try Console.output(text)
        case .version: try Console.output("unlearn \(programVersion)\n")
        case .run(let command, let invocation):
            ProgramChannel.isQuiet.store(invocation.isQuiet, ordering: .relaxed)
            return try command.run(invocation)
        }
        return 0
    } catch let error as any DescribedError {
        Console.error("unlearn: \(error.description)")
        return error.kind.rawValue
    } catch {
        Console.error("unlearn: unexpected error: \(error)")
        return FailureKind.failed.rawValue
    }
}

/// A program may be started with standard input, output or error closed. The next file that it opens would take their
/// place, be read as a list of ids or written to as a result; something that gives and takes nothing stands there instead.
private func occupyStandardDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
        // The lowest free descriptor, which is this one. For reading only: a result that nobody gets is still a failure.
        _ = open("/dev/null", O_RDONLY)
    }
}
