import Files
import Glibc
import unlearn_cli

// Swift takes the command line from /proc. Without it every command would look like none at all, print the help and succeed.
guard CommandLine.argc > 0 else {
    let text = "unlearn: the command line cannot be read; mount /proc\n"
    write(STDERR_FILENO, text, text.utf8.count)
    exit(1)
}
exit(runProgram(PathText.arguments))
