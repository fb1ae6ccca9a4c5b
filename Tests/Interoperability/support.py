"""What the checks share: the program under test, and the list of what was expected and is not so."""
import os
import runpy
import subprocess
import sys
import tempfile
import traceback

program = sys.argv[1]
failures = []


def expect(condition, what):
    print(("ok      " if condition else "FAILED  ") + what)
    if not condition:
        failures.append(what)


def unlearn(project, *arguments, **options):
    """Runs a command on a project's folder; throws where it fails unless `check=False`. No verdict depends on how blocks are drawn."""
    if "init" in arguments and not {"--assignment-seed", "--like"} & set(arguments):
        arguments += "--assignment-seed", "1"
    options = {"check": True, "capture_output": True, "text": True} | options
    return subprocess.run([program, "-C", str(project), *arguments], **options)


def script(path, *arguments):
    """Runs a script in a process of its own that has imported what this one has: most of a start is that."""
    arguments = [str(path), *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        child = os.fork()
        if child == 0:
            status = code = 1
            try:
                for file, number in (output, 1), (errors, 2):
                    os.dup2(file.fileno(), number)
                sys.argv, sys.stdout, sys.stderr = arguments, open(1, "w", closefd=False), open(2, "w", closefd=False)
                try:
                    runpy.run_path(arguments[0], run_name="__main__")
                    code = 0
                except SystemExit as end:
                    code = end.code if type(end.code) is int else int(end.code is not None)
                    if type(end.code) is str:
                        print(end.code, file=sys.stderr)
                except BaseException:
                    traceback.print_exc()
                sys.stdout.flush()
                sys.stderr.flush()
                # Whoever cannot say what he found has not done it.
                status = code
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for file in output, errors:
            file.seek(0)
        return subprocess.CompletedProcess(arguments, status, output.read(), errors.read())


def finish():
    sys.exit(1 if failures else 0)
