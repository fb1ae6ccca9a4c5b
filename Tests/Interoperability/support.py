"""What the checks share: the program under test, and the list of what was expected and is not so."""
import subprocess
import sys

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


def finish():
    sys.exit(1 if failures else 0)
