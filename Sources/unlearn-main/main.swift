import Glibc
import unlearn_cli

exit(runProgram(Array(CommandLine.arguments.dropFirst())))
