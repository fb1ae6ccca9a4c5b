"""What a person at a terminal is asked before a deletion, and what each answer does."""
import json
import os
import pathlib
import pty
import signal
import sys
import tempfile

from support import expect, finish, unlearn


def asked(project, answer):
    """Runs a deletion on a terminal of its own, answers when it asks, and gives its exit status and the rest of what it wrote."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[1], [sys.argv[1], "-C", str(project), "delete", "--ids", str(project.parent / "one.txt")])
    text = b""
    while b"[y/N] " not in text:
        text += os.read(terminal, 4096)
    if isinstance(answer, bytes):
        os.write(terminal, answer)
    else:
        os.kill(child, answer)
    rest = b""
    try:
        while chunk := os.read(terminal, 4096):
            rest += chunk
    except OSError:
        pass  # The terminal's end.
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), rest.decode()


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    (folder / "rows.csv").write_text("id,x,label\n" + "".join(f"r{i},{i % 7},{'ab'[i % 7 > 3]}\n" for i in range(60)))
    (folder / "one.txt").write_text("r5\n")
    project = folder / "project"
    unlearn(project, "init", "--data", f"csv:{folder / 'rows.csv'}", "--id-column", "id", "--label-column", "label", "--model", "logistic", "--blocks", "3",
            "--assignment-seed", "1")
    unlearn(project, "train")

    def rows_deleted():
        return json.loads(unlearn(project, "status", "--json").stdout)["rows_deleted"]

    for answer, status, words in [
        (b"n\n", 2, "not confirmed; nothing was changed"), (b"\n", 2, "not confirmed"), (b"yesno\n", 2, "not confirmed"), (b"\x04", 2, "not confirmed"),
        (b"yes\x04\x04", 2, "not confirmed"),
        (b"\x03", 130, "interrupted; nothing was changed"), (signal.SIGINT, 130, "interrupted; nothing was changed"),
        (signal.SIGTERM, 130, "interrupted; nothing was changed"),
    ]:
        found, text = asked(project, answer)
        expect(found == status and words in text and rows_deleted() == 0, f"{answer!r} ends with {status}: {words} ({found}, {text[-200:]!r})")
    found, text = asked(project, b"YES\n")
    expect(found == 0 and "erased 1 row" in text and rows_deleted() == 1, f"yes deletes ({found}, {text[-200:]!r})")

finish()
