import Files
import Glibc
import unlearn_cli

exit(runProgram(PathText.arguments))
