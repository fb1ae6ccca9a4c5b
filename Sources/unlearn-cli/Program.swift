import Files
import Unlearn

/// The whole program: runs what the words ask for and gives the exit code.
package func runProgram(_ arguments: [String]) -> Int32 {
    Interrupt.install()
    do {
        switch try CommandLineParser(commands: CommandSpec.all).parse(arguments) {
        case .help(let text): try Console.output(text)
        case .version: try Console.output("unlearn \(programVersion)\n")
        case .run(let command, let invocation): return try command.run(invocation)
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
