"""The client beside a program that writes down what it was asked, and, where UNLEARN names one, beside the real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_engine import PACKAGE
from unlearn_engine.project import Deletion, Project, UnlearnError

DELETION = {
    "request": "R1", "outcome": "done", "method": "exact", "exact": True, "rows_deleted": 2, "blocks_retrained": 3, "blocks_total": 9,
    "seconds": 0.5, "test_accuracy_before": 0.8, "test_accuracy": 0.81, "state_digest": "ab", "exactness_owed": False, "margin": None,
}
REQUEST = {"request": "R2", "state": "received", "found": 2, "not_found": 0, "deleted_before": 1, "received": "2026-11-30T22:02:03Z"}


class FakeProgram:
    """A program that writes its words and its input into a file, and then says and does what it was made for."""

    def __init__(self, folder: Path, output: str, errors: str = "", code: int = 0) -> None:
        self.path, self._log = folder / "unlearn", folder / "log"
        self.path.write_text(
            f"#!{sys.executable}\nimport json, sys\n"
            f"json.dump({{'words': sys.argv[1:], 'input': sys.stdin.read()}}, open({str(self._log)!r}, 'w'))\n"
            f"sys.stderr.write({errors!r})\nsys.stdout.write({output!r})\nsys.exit({code})\n"
        )
        self.path.chmod(0o755)

    def project(self, **options: Any) -> Project:
        return Project("shop", str(self.path), **options)

    @property
    def words(self) -> list[str]:
        words = json.loads(self._log.read_text())["words"]
        assert isinstance(words, list)
        return words

    @property
    def input(self) -> str:
        return str(json.loads(self._log.read_text())["input"])


def test_ids_go_through_standard_input_and_results_come_back_as_fields(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path, json.dumps(DELETION))
    deletion = program.project().delete(["c12", np.int64(15)], method="exact", dry_run=True, patience=None)
    assert program.words == ["-C", "shop", "delete", "--json", "--quiet", "--ids=-", "--method=exact", "--dry-run", "--"]
    assert program.input == "c12\n15\n"
    assert isinstance(deletion, Deletion)
    assert (deletion.request, deletion.exact, deletion.rows_deleted, deletion.test_accuracy) == ("R1", True, 2, 0.81)
    assert deletion.details == DELETION


@pytest.mark.parametrize(
    "options, words",
    [
        ({"learning_rate": 0.05, "blocks": 12}, ["--learning-rate=0.05", "--blocks=12"]),
        ({"hidden": [64, 32], "limit": None, "dry_run": False}, ["--hidden=64,32"]),
        ({"trainer": "python3 'my trainer.py'", "data": Path("a") / "b.npz"}, ["--trainer=python3 'my trainer.py'", "--data=a/b.npz"]),
        ({"seed": 0, "merge_step": -1.5}, ["--seed=0", "--merge-step=-1.5"]),
    ],
)
def test_options_become_words_of_the_command_line(tmp_path: Path, options: dict[str, Any], words: list[str]) -> None:
    program = FakeProgram(tmp_path, "{}")
    program.project().init(**options)
    assert program.words == ["-C", "shop", "init", "--json", "--quiet", *words, "--"]
    assert program.input == ""


def test_each_method_runs_its_command(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path, json.dumps({**DELETION, "requests": [REQUEST]}))
    project = program.project()
    expected = [
        (lambda: project.train(threads=2), ["train", "--threads=2", "--"]),
        (lambda: project.evaluate(on="train"), ["evaluate", "--on=train", "--"]),
        (project.status, ["status", "--"]),
        (lambda: project.delete(group="north"), ["delete", "--group=north", "--"]),
        (lambda: project.delete(persons=["p"]), ["delete", "--persons=-", "--"]),
        (lambda: project.request_add(["c1"], ticket="7"), ["request", "--ids=-", "--ticket=7", "--", "add"]),
        (project.request_list, ["request", "--", "list"]),
        (lambda: project.request_run("R2", yes=True), ["request", "--yes", "--", "run", "R2"]),
        (lambda: project.audit("R1"), ["audit", "--request=R1", "--"]),
        (lambda: project.certificate("R1", "R1.json", force=True), ["certificate", "--out=R1.json", "--force", "--", "R1"]),
        (lambda: project.value(players="groups"), ["value", "--players=groups", "--"]),
        (lambda: project.export("m.npz"), ["export", "--out=m.npz", "--"]),
    ]
    for call, words in expected:
        call()
        assert [word for word in program.words[2:] if word not in ("--json", "--quiet")] == words


def test_a_request_has_its_fields_and_none_where_nothing_was_said(tmp_path: Path) -> None:
    request = FakeProgram(tmp_path, json.dumps({"requests": [REQUEST]})).project().request_list()[0]
    assert (request.request, request.state, request.found, request.deleted_before) == ("R2", "received", 2, 1)
    assert request.due is None and request.ticket is None


def test_an_exit_code_becomes_an_error_with_the_programs_own_line(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path, "", "trainer: loading\nunlearn: 'c12' is deleted already (R1)\ntrainer: bye\n", 2)
    with pytest.raises(UnlearnError) as caught:
        program.project().delete(["c12"])
    assert (caught.value.code, caught.value.message, caught.value.result) == (2, "'c12' is deleted already (R1)", None)
    assert str(caught.value) == caught.value.message


def test_an_audit_that_says_no_keeps_its_figures(tmp_path: Path) -> None:
    with pytest.raises(UnlearnError) as caught:
        FakeProgram(tmp_path, '{"verdict": "mismatch"}', code=3).project().audit()
    assert caught.value.code == 3 and caught.value.result == {"verdict": "mismatch"}


def test_a_program_that_is_not_there_or_is_another_one_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnlearnError, match="cannot start .*No such file"):
        Project("shop", str(tmp_path / "nothing")).status()
    with pytest.raises(UnlearnError, match="printed no JSON object"):
        FakeProgram(tmp_path, "hello").project().status()


@pytest.mark.parametrize("ids", [["a\nb"], [""], ["  "], ["a\rb"]])
def test_an_id_that_is_no_line_is_refused_before_the_program_starts(tmp_path: Path, ids: list[str]) -> None:
    program = FakeProgram(tmp_path, "{}")
    with pytest.raises(ValueError, match="is no id"):
        program.project().delete(ids)
    assert not (tmp_path / "log").exists()


def test_rows_are_named_in_one_way_only() -> None:
    with pytest.raises(ValueError, match="one of the three"):
        Project("shop").delete(["a"], group="b")
    with pytest.raises(TypeError, match="is not a list of ids"):
        Project("shop").delete("c12")


def test_progress_is_shown_while_it_comes_and_errors_are_found_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = FakeProgram(tmp_path, "{}", "trainer: epoch 1\n")
    program.project(progress=True).train()
    assert "--quiet" not in program.words
    assert capsys.readouterr().err == "trainer: epoch 1\n"


def test_a_long_answer_beside_long_messages_does_not_block(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path, json.dumps({"text": "x" * 500_000}), "message\n" * 50_000)
    assert len(program.project().status()["text"]) == 500_000


def test_an_interrupt_reaches_the_program_which_is_waited_for(tmp_path: Path) -> None:
    script = tmp_path / "unlearn"
    script.write_text(
        f"#!{sys.executable}\nimport pathlib, signal, sys, time\n"
        f"def end(*_):\n    pathlib.Path({str(tmp_path)!r}, 'ended').touch()\n    sys.exit(130)\n"
        f"signal.signal(signal.SIGINT, end)\npathlib.Path({str(tmp_path)!r}, 'started').touch()\ntime.sleep(60)\n"
    )
    script.chmod(0o755)

    def interrupt() -> None:
        while not (tmp_path / "started").exists():
            time.sleep(0.02)
        # To this process alone, as a notebook does it.
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        Project("shop", str(script)).train()
    assert (tmp_path / "ended").exists()


def test_a_model_is_loaded_into_a_module_and_its_file_is_gone(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    import safetensors.torch

    source = torch.nn.Linear(3, 2)
    description = {"class_names": ["no", "yes"], "shape": [3]}
    safetensors.torch.save_file(source.state_dict(), tmp_path / "model", metadata={"unlearn": json.dumps(description)})
    program = tmp_path / "unlearn"
    program.write_text(
        f"#!{sys.executable}\nimport os, shutil, sys\nout = next(word[6:] for word in sys.argv if word.startswith('--out='))\n"
        f"assert os.stat(os.path.dirname(out)).st_mode & 0o077 == 0\nshutil.copy({str(tmp_path / 'model')!r}, out)\n"
        f"open({str(tmp_path / 'out')!r}, 'w').write(out)\nprint('{{}}')\n"
    )
    program.chmod(0o755)
    module = torch.nn.Linear(3, 2)
    assert Project("shop", str(program)).load_into(module) == description
    assert torch.equal(module.weight, source.weight) and torch.equal(module.bias, source.bias)
    assert not os.path.exists((tmp_path / "out").read_text())
    with pytest.raises(RuntimeError, match="size mismatch"):
        Project("shop", str(program)).load_into(torch.nn.Linear(4, 2))


@pytest.mark.skipif("UNLEARN" not in os.environ, reason="UNLEARN names no program")
def test_the_real_program_understands_every_command(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    ids, groups = np.array([f"p{row}" for row in range(600)]), np.array([f"g{row % 3}" for row in range(600)])
    np.savez(tmp_path / "rows.npz", x=(y[:, None] + rng.standard_normal((600, 5))).astype(np.float32), y=y, id=ids, group=groups)
    project = Project(tmp_path / "project", os.environ["UNLEARN"])
    project.init(data=f"npz:{tmp_path / 'rows.npz'}", blocks=4, model="mlp", hidden=[8])
    assert project.train().blocks_trained == 4
    accuracy = project.evaluate().accuracy
    assert accuracy is not None and accuracy > 0.6
    places = project.run("where", input="".join(f"p{row}\n" for row in range(50)), ids="-")["rows"]
    training_rows = [row["id"] for row in places if row["part"] == "train"]
    deletion = project.delete(training_rows[:1], method="exact")
    assert deletion.exact and deletion.request == "R1"
    assert project.audit()["verdict"] == "exact"
    assert project.request_add(training_rows[1:3]).found == 2
    assert project.request_run().rows_deleted == 2
    assert [request.state for request in project.request_list()] == ["closed", "closed"]
    project.certificate("R1", tmp_path / "R1.json")
    assert {player["player"] for player in project.value(players="groups", utility="additive")["players"]} == {"g0", "g1", "g2"}
    project.export(tmp_path / "model.safetensors")
    assert (tmp_path / "R1.json").exists() and (tmp_path / "model.safetensors").exists()
    with pytest.raises(UnlearnError, match="deleted already") as caught:
        project.delete(training_rows[:1])
    assert caught.value.code == 2
    with pytest.raises(UnlearnError) as caught:
        Project(tmp_path / "nowhere", os.environ["UNLEARN"]).status()
    assert caught.value.code == 10


def test_the_package_imports_without_pytorch() -> None:
    code = "import sys; sys.modules['torch'] = None; import unlearn_engine; print(unlearn_engine.__version__)"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(PACKAGE)}, capture_output=True, text=True)
    assert done.stdout.strip() == "0.2.0", done.stderr


def test_progress_is_shown_while_it_lasts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = tmp_path / "seen"
    program = tmp_path / "unlearn"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys, time\n"
        "assert os.environ['UNLEARN_PROGRESS'] == 'text'\n"
        "sys.stderr.buffer.write(b'training 1/2\\r')\nsys.stderr.flush()\n"
        f"while not os.path.exists({str(seen)!r}): time.sleep(0.01)\n"
        "sys.stderr.write('training 2/2\\r            \\runlearn: no room\\n')\nsys.exit(1)\n"
    )
    program.chmod(0o755)
    shown = ""

    def look() -> None:
        nonlocal shown
        while "training 1/2\r" not in shown:
            shown += capsys.readouterr().err
            time.sleep(0.01)
        seen.touch()

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    # What stood there is no message.
    with pytest.raises(UnlearnError, match="^no room$"):
        Project("shop", str(program), progress=True).train()
    watcher.join()
    assert "training 2/2\r" in shown + capsys.readouterr().err
