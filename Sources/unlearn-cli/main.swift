import Files
import Foundation
import Unlearn

Interrupt.install()
do {
    switch try CommandLineParser(commands: CommandSpec.all).parse(Array(CommandLine.arguments.dropFirst())) {
    case .help(let text): try Console.output(text)
    case .version: try Console.output("unlearn \(programVersion)\n")
    case .run(let command, let invocation): exit(try command.run(invocation))
    }
} catch let error as any DescribedError {
    Console.error("unlearn: \(error.description)")
    exit(error.kind.rawValue)
} catch {
    Console.error("unlearn: unexpected error: \(error)")
    exit(FailureKind.failed.rawValue)
}
