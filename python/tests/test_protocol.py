"""A real trainer process, the NumPy example, beside a fake engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from fake_engine import EXAMPLES, PACKAGE, FakeEngine, TrainerDied, python

LOGISTIC = python(EXAMPLES / "numpy-logistic" / "train_me.py")
CLASSES, FEATURES, ROWS = 3, 4, 90


def three_clouds(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, ROWS)
    return (2 * np.eye(CLASSES, FEATURES)[y] + 0.3 * rng.standard_normal((ROWS, FEATURES))).astype(np.float32), y


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine(LOGISTIC) as engine:
        yield engine


def write(tmp_path: Path, text: str) -> list[str | Path]:
    """A trainer of a few lines, whose other methods do as little as they may."""
    script = tmp_path / "trainer.py"
    script.write_text(
        "import os, sys, time\nimport numpy as np\nfrom unlearn_engine.trainer import *\n"
        "class Plain(Trainer):\n"
        "    def describe(self): return [Tensor('w', (2,))]\n"
        "    def initialise(self, seed): return {'w': np.zeros(2, np.float32)}\n"
        "    def train_block(self, state, rows, place, progress): return {'w': state['w'] + 1}\n"
        "    def score(self, state, rows): return Scores(logits=np.tile(state['w'], (len(rows), 1)))\n" + text
    )
    return python(script)


def two_rows(engine: FakeEngine) -> str:
    return engine.rows(np.zeros((2, 1)), np.array([0, 1]))


def start(requests: Path, answers: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The example with these pipes and this folder, until it ends."""
    paths = {"UNLEARN_TRAINER_REQUESTS": requests, "UNLEARN_TRAINER_ANSWERS": answers, "UNLEARN_TRAINER_FOLDER": folder}
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), **{name: str(path) for name, path in paths.items()}}
    return subprocess.run(LOGISTIC, env=environment, capture_output=True, text=True, timeout=120)


# Every message.


def test_hello_gives_protocol_name_and_facts_as_texts(engine: FakeEngine) -> None:
    answer = engine.hello([FEATURES], CLASSES)
    assert answer["protocol"] == 1
    assert answer["name"] == "softmax regression"
    assert answer["facts"]["numpy"] == np.__version__
    assert all(isinstance(value, str) for value in answer["facts"].values())


def test_describe_names_every_tensor_of_the_initial_state(engine: FakeEngine) -> None:
    engine.hello([FEATURES], CLASSES)
    assert engine.ok("describe") == {
        "tensors": [
            {"name": "weight", "shape": [FEATURES, CLASSES], "dtype": "F32", "role": "parameter"},
            {"name": "bias", "shape": [CLASSES], "dtype": "F32", "role": "parameter"},
        ]
    }
    state = safetensors.numpy.load_file(engine.initialise(seed=3))
    assert {name: array.shape for name, array in state.items()} == {"weight": (FEATURES, CLASSES), "bias": (CLASSES,)}


def test_training_learns_and_its_state_scores_rows(engine: FakeEngine) -> None:
    x, y = three_clouds()
    engine.hello([FEATURES], CLASSES)
    state = engine.train(engine.initialise(), engine.rows(x, y), ROWS, rate=0.5, epochs=10)
    logits = engine.score(state, engine.rows(x, y))["logits"]
    assert logits.dtype == np.float32 and logits.shape == (ROWS, CLASSES)
    assert (logits.argmax(1) == y).mean() > 0.9


def test_the_same_request_gives_the_same_bytes_in_two_processes() -> None:
    x, y = three_clouds()
    files = []
    for _ in range(2):
        with FakeEngine(LOGISTIC) as engine:
            engine.hello([FEATURES], CLASSES)
            files.append(Path(engine.train(engine.initialise(), engine.rows(x, y), ROWS)).read_bytes())
    assert files[0] == files[1]


def test_a_seed_changes_the_result_of_training_and_of_initialising(engine: FakeEngine) -> None:
    x, y = three_clouds()
    engine.hello([FEATURES], CLASSES)
    first, second = engine.initialise(seed=1), engine.initialise(seed=2**53 - 1)
    assert Path(first).read_bytes() != Path(second).read_bytes()
    rows = engine.rows(x, y)
    assert Path(engine.train(first, rows, ROWS, seed=1)).read_bytes() != Path(engine.train(first, rows, ROWS, seed=2)).read_bytes()


def test_a_block_without_rows_leaves_the_state_as_it_was(engine: FakeEngine) -> None:
    engine.hello([FEATURES], CLASSES)
    state = engine.initialise()
    none = engine.rows(np.zeros((0, FEATURES)), np.zeros(0))
    assert Path(engine.train(state, none, ROWS)).read_bytes() == Path(state).read_bytes()
    assert engine.score(state, none)["logits"].shape == (0, CLASSES)


def test_shutdown_is_answered_and_ends_the_program_and_leaves_the_folder_to_the_engine(engine: FakeEngine) -> None:
    engine.hello([FEATURES], CLASSES)
    assert engine.ok("shutdown") == {}
    assert engine.process.wait(30) == 0
    assert engine.folder.exists()


def test_fields_that_nobody_knows_are_passed_over(engine: FakeEngine) -> None:
    engine.hello([FEATURES], CLASSES)
    assert engine.ok("describe", colour="green")["tensors"]


def test_a_score_may_be_a_loss_with_predictions(tmp_path: Path) -> None:
    losing = (
        "class Losing(Plain):\n    def score(self, state, rows):\n"
        "        return Scores(loss=np.ones(len(rows)), prediction=rows.y)\nserve(Losing())\n"
    )
    with FakeEngine(write(tmp_path, losing)) as engine:
        engine.hello([1], 2)
        scores = engine.score(engine.initialise(), two_rows(engine))
        assert scores["loss"].tolist() == [1, 1] and scores["loss"].dtype == np.float32
        assert scores["prediction"].tolist() == [0, 1] and scores["prediction"].dtype == np.int64


def test_place_and_rows_reach_the_trainer_as_they_were_sent(tmp_path: Path) -> None:
    telling = (
        "class Telling(Plain):\n    def train_block(self, state, rows, place, progress):\n"
        "        raise ValueError(f'{place} {rows.slots} {rows.slot.tolist()}')\nserve(Telling())\n"
    )
    with FakeEngine(write(tmp_path, telling)) as engine:
        engine.hello([1], 2)
        rows = engine.rows(np.zeros((2, 1)), np.array([0, 1]), np.array([3, 7]))
        fields = engine.train_fields(engine.initialise(), rows, 9, block=5, depth=4, branch=2, rate=0.25, epochs=3, seed=2**53 - 1)
        error = engine.ask("train", **fields)["error"]
        assert error == "ValueError: Place(block=5, depth=4, branch=2, rate=0.25, epochs=3, seed=9007199254740991) 9 [3, 7]"


HOLDING = (
    "class Holding(Plain):\n    def train_block(self, state, rows, place, progress):\n        raise ValueError(f'{rows.x.tolist()} {rows.slots}')\n"
)


def test_rows_that_the_trainer_holds_come_by_name_and_are_forgotten_by_name(tmp_path: Path) -> None:
    forgetting = HOLDING + "    def forget(self, rows, request):\n        raise ValueError(f'{request} {rows.x[1].id} {rows.x[1].locator} {rows.y.tolist()}')\nserve(Holding())\n"
    with FakeEngine(write(tmp_path, forgetting)) as engine:
        engine.hello([], 2, held_by="trainer")
        names = engine.names([("a", ""), ("größer", "s3://b/ü.wav")], np.array([1, 0]))
        error = engine.ask("train", **engine.train_fields(engine.initialise(), names, 5))["error"]
        assert error == "ValueError: [RowName(id='a', locator=''), RowName(id='größer', locator='s3://b/ü.wav')] 5"
        assert engine.score(engine.initialise(), names)["logits"].shape == (2, 2)
        assert engine.ask("forget", request="R7", rows=names)["error"] == "ValueError: R7 größer s3://b/ü.wav [1, 0]"


def test_a_trainer_that_could_erase_no_row_is_no_trainer_of_a_manifest(tmp_path: Path) -> None:
    with FakeEngine(write(tmp_path, HOLDING + "serve(Holding())\n")) as engine:
        rows = {"shape": [], "classes": 2, "class_names": ["0", "1"], "held_by": "trainer"}
        assert "give it a method forget" in engine.ask("hello", protocol=1, engine="1.0.0", rows=rows, worker=0)["error"]


# Errors.


def test_an_exception_is_answered_in_one_line_and_the_program_goes_on(tmp_path: Path) -> None:
    failing = (
        "class Failing(Plain):\n    def train_block(self, state, rows, place, progress):\n"
        "        if place.block == 1: raise RuntimeError('no luck\\n  today')\n"
        "        return super().train_block(state, rows, place, progress)\nserve(Failing())\n"
    )
    with FakeEngine(write(tmp_path, failing)) as engine:
        engine.hello([1], 2)
        state, rows = engine.initialise(), two_rows(engine)
        fields = engine.train_fields(state, rows, 2)
        assert engine.ask("train", **fields)["error"] == "RuntimeError: no luck today"
        assert not os.path.exists(fields["result"])
        assert "Traceback" in engine.output() and "train_block" in engine.output()
        assert safetensors.numpy.load_file(engine.train(state, rows, 2, block=2))["w"].tolist() == [1, 1]


def test_an_unknown_request_and_a_missing_field_are_errors_that_say_so(engine: FakeEngine) -> None:
    engine.hello([FEATURES], CLASSES)
    assert engine.ask("dance")["error"] == "this trainer knows no request 'dance'"
    assert engine.ask("initialise", seed=1)["error"] == "the request 'initialise' has no field 'result'"
    assert engine.ok("describe")["tensors"]


def test_a_protocol_that_is_not_known_is_refused_and_so_is_all_that_follows(engine: FakeEngine) -> None:
    rows = {"shape": [FEATURES], "classes": CLASSES, "class_names": ["a", "b", "c"]}
    error = engine.ask("hello", protocol=2, engine="9.0", rows=rows, worker=0)["error"]
    assert "version 1" in error and "version 2" in error
    assert engine.ask("describe")["error"] == "a request came before a hello that was answered"


@pytest.mark.parametrize(
    "result, message",
    [
        ("{}", "train_block gave no tensor 'w', which describe names"),
        ("{'w': state['w'], 'v': state['w']}", "train_block gave a tensor 'v', which describe does not name"),
        ("{'w': np.zeros(3, np.float32)}", "train_block gave 'w' as F32 (3,), described as F32 (2,)"),
        ("{'w': np.zeros(2)}", "train_block gave 'w' as F64 (2,), described as F32 (2,)"),
        ("{'w': np.zeros(2, np.uint64)}", "the protocol has no type for NumPy's uint64"),
        ("{'w': [0, 0]}", "a tensor is a list, and is to be a NumPy array"),
    ],
)
def test_a_result_that_is_not_as_described_is_refused_by_name(tmp_path: Path, result: str, message: str) -> None:
    wrong = f"class Wrong(Plain):\n    def train_block(self, state, rows, place, progress): return {result}\nserve(Wrong())\n"
    with FakeEngine(write(tmp_path, wrong)) as engine:
        engine.hello([1], 2)
        error = engine.ask("train", **engine.train_fields(engine.initialise(), two_rows(engine), 2))["error"]
        assert message in error


def test_scores_of_the_wrong_shape_are_refused(tmp_path: Path) -> None:
    with FakeEngine(write(tmp_path, "serve(Plain())\n")) as engine:
        engine.hello([1], 5)
        answer = engine.ask("score", state=engine.initialise(), rows=two_rows(engine), result=engine.new_path())
        assert answer["error"] == "ValueError: score gave logits of the shape (2, 2), which is to be (2, 5)"


def test_a_state_that_the_trainer_changes_in_place_is_an_error_and_not_another_state(tmp_path: Path) -> None:
    changing = (
        "class Changing(Plain):\n    def train_block(self, state, rows, place, progress):\n"
        "        state['w'] += 1\n        return state\nserve(Changing())\n"
    )
    with FakeEngine(write(tmp_path, changing)) as engine:
        engine.hello([1], 2)
        assert "read-only" in engine.ask("train", **engine.train_fields(engine.initialise(), two_rows(engine), 2))["error"]


@pytest.mark.parametrize("line", [b"no JSON\n", b"[1]\n", b'{"do":"hello"}\n', b'{"id":"1","do":"hello"}\n'])
def test_a_line_that_is_no_request_ends_the_program_with_a_line(line: bytes) -> None:
    with FakeEngine(LOGISTIC) as engine:
        engine.hello([FEATURES], CLASSES)
        engine.send_raw(line)
        with pytest.raises(TrainerDied, match="unlearn_engine: a request is no "):
            engine.read()
        assert engine.process.wait(30) == 1


# What is kept, and for how long.


def test_a_state_is_read_once_for_requests_that_follow_each_other(tmp_path: Path) -> None:
    with FakeEngine(write(tmp_path, "serve(Plain())\n")) as engine:
        engine.hello([1], 2)
        state, rows = engine.initialise(), two_rows(engine)
        first = engine.score(state, rows)["logits"]
        # Names are never used twice, so that a file that is gone may be known still.
        os.unlink(state)
        assert np.array_equal(engine.score(state, rows)["logits"], first)
        other = engine.initialise()
        engine.score(other, rows)
        assert "error" in engine.ask("score", state=state, rows=rows, result=engine.new_path())


def test_numbers_of_every_type_come_back_with_their_bits(tmp_path: Path) -> None:
    types = {"F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32", "I16": "int16"}
    types |= {"I8": "int8", "U8": "uint8", "BOOL": "bool"}
    every = (
        f"TYPES = {types}\nclass Every(Plain):\n"
        "    def describe(self):\n"
        "        return [Tensor(name, (3, 2), name, 'buffer', 7) for name in TYPES] + [Tensor('one', (), 'I64', 'buffer')]\n"
        "    def initialise(self, seed):\n"
        "        state = {name: np.arange(6).reshape(2, 3).T.astype(kind) for name, kind in TYPES.items()}\n"
        "        return {**state, 'one': np.array(5)}\n"
        "    def train_block(self, state, rows, place, progress): return state\nserve(Every())\n"
    )
    with FakeEngine(write(tmp_path, every)) as engine:
        engine.hello([1], 2)
        assert engine.ok("describe")["tensors"][0] == {"name": "F64", "shape": [3, 2], "dtype": "F64", "role": "buffer", "bits": 7}
        state = engine.initialise()
        read = safetensors.numpy.load_file(state)
        for name, kind in types.items():
            assert read[name].dtype == kind and read[name].tolist() == np.arange(6).reshape(2, 3).T.astype(kind).tolist()
        assert read["one"].shape == () and read["one"] == 5
        assert Path(engine.train(state, two_rows(engine), 2)).read_bytes() == Path(state).read_bytes()


# The engine's end.


def test_where_the_requests_end_the_folder_is_removed_and_the_program_ends_quietly(engine: FakeEngine) -> None:
    engine.hello([FEATURES], CLASSES)
    engine.initialise()
    engine.close_requests()
    assert engine.process.wait(30) == 0
    assert not engine.folder.exists()
    assert engine.output() == ""


def test_an_engine_that_ends_while_a_block_is_trained_ends_the_program_and_the_folder(tmp_path: Path) -> None:
    endless = "class Endless(Plain):\n    def train_block(self, state, rows, place, progress): time.sleep(600)\nserve(Endless())\n"
    with FakeEngine(write(tmp_path, endless)) as engine:
        engine.hello([1], 2)
        engine.send("train", **engine.train_fields(engine.initialise(), two_rows(engine), 2))
        engine.close_requests()
        assert engine.process.wait(30) == 0
        assert not engine.folder.exists()


def test_an_engine_that_ended_before_the_program_came_is_not_waited_for(tmp_path: Path) -> None:
    requests, answers, folder = tmp_path / "requests", tmp_path / "answers", tmp_path / "folder"
    for path in (requests, answers):
        os.mkfifo(path)
    folder.mkdir(mode=0o700)
    done = start(requests, answers, folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not folder.exists()


def test_half_a_request_is_the_engines_end_and_is_not_carried_out(engine: FakeEngine) -> None:
    engine.hello([FEATURES], CLASSES)
    engine.send_raw(json.dumps({"id": 2, "do": "describe"}).encode())
    engine.close_requests()
    assert engine.process.wait(30) == 0
    assert not engine.folder.exists()


# Started in other ways.


def test_a_trainer_that_is_started_by_hand_says_what_it_is_and_ends_with_status_2() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UNLEARN_TRAINER")}
    done = subprocess.run(LOGISTIC, env={**environment, "PYTHONPATH": str(PACKAGE)}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "is a trainer" in done.stderr and "unlearn init --trainer 'python3 " in done.stderr


def test_a_folder_that_others_may_read_is_refused_and_not_removed(tmp_path: Path) -> None:
    requests, folder = tmp_path / "requests", tmp_path / "folder"
    os.mkfifo(requests)
    folder.mkdir()
    folder.chmod(0o755)
    done = start(requests, requests, folder)
    assert done.returncode == 2 and "no folder of this user alone" in done.stderr
    assert folder.exists()


# Signs of life.


def test_progress_of_the_trainer_comes_before_its_answer_and_never_falls(tmp_path: Path) -> None:
    slow = (
        "class Slow(Plain):\n    def train_block(self, state, rows, place, progress):\n"
        "        for step in range(20):\n            progress((step + 1) / 20)\n            time.sleep(0.05)\n"
        "        progress(7); progress(float('nan'))\n        return {'w': state['w'] + 1}\nserve(Slow())\n"
    )
    with FakeEngine(write(tmp_path, slow)) as engine:
        engine.hello([1], 2)
        engine.train(engine.initialise(), two_rows(engine), 2)
        assert engine.progress[0] == 0.05
        assert engine.progress == sorted(engine.progress) and engine.progress[-1] <= 1
        # Some of the twenty are held back: the pace is limited.
        assert 2 <= len(engine.progress) < 20


def test_a_trainer_that_says_nothing_is_said_to_be_alive(tmp_path: Path) -> None:
    silent = (
        "class Silent(Plain):\n    def train_block(self, state, rows, place, progress):\n"
        "        progress(0.25); time.sleep(1.5)\n        return {'w': state['w'] + 1}\nserve(Silent())\n"
    )
    with FakeEngine(write(tmp_path, silent), {"UNLEARN_TRAINER_PATIENCE": "1"}) as engine:
        engine.hello([1], 2)
        engine.train(engine.initialise(), two_rows(engine), 2)
        assert len(engine.progress) >= 3
        assert set(engine.progress) == {0.25}


def test_messages_of_many_threads_never_mix(tmp_path: Path) -> None:
    many = (
        "import threading\n"
        "class Many(Plain):\n    def train_block(self, state, rows, place, progress):\n"
        "        send = progress.__self__._channel.send\n"
        "        def work():\n            for _ in range(200): send({'id': progress.__self__._request, 'progress': 0.5})\n"
        "        threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "        [thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "        return {'w': state['w'] + 1}\nserve(Many())\n"
    )
    with FakeEngine(write(tmp_path, many)) as engine:
        engine.hello([1], 2)
        engine.train(engine.initialise(), two_rows(engine), 2)
        assert len(engine.progress) >= 1600


def test_what_the_trainer_prints_is_no_part_of_the_protocol(tmp_path: Path) -> None:
    talking = (
        "print('loading')\nclass Talking(Plain):\n    def initialise(self, seed):\n"
        "        print('zeros'); return super().initialise(seed)\nserve(Talking())\n"
    )
    with FakeEngine(write(tmp_path, talking)) as engine:
        engine.hello([1], 2)
        engine.initialise()
        # At once, not when a buffer is full.
        assert engine.output() == "loading\nzeros\n"


def test_a_trainer_that_is_ended_by_a_signal_ends_at_once(engine: FakeEngine) -> None:
    engine.hello([FEATURES], CLASSES)
    engine.process.send_signal(signal.SIGTERM)
    assert engine.process.wait(30) == -signal.SIGTERM


def test_the_example_has_at_most_40_lines() -> None:
    assert len((EXAMPLES / "numpy-logistic" / "train_me.py").read_text().splitlines()) <= 40
