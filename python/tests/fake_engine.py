"""The engine's side of the trainer protocol, for tests: pipes, a folder, one real trainer process, and nothing else."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import safetensors.numpy

PACKAGE = Path(__file__).resolve().parents[1]
EXAMPLES = PACKAGE.parent / "Examples"
#: Seconds after which a test gives a trainer up; only hangs are that long.
_PATIENCE = 240.0


class TrainerDied(Exception):
    """The trainer ended where an answer was due."""


class FakeEngine:
    """Starts a trainer and asks it; a request's name of a file is given without its folder."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str] = {}) -> None:
        # The pipes lie outside of the folder: it is removed while they are in use.
        self._home = Path(tempfile.mkdtemp())
        self.folder = Path(tempfile.mkdtemp())
        names = {"UNLEARN_TRAINER_REQUESTS": self._home / "requests", "UNLEARN_TRAINER_ANSWERS": self._home / "answers"}
        for path in names.values():
            os.mkfifo(path, 0o600)
        self._requests: int | None = os.open(self._home / "requests", os.O_RDWR)
        self._answers: int | None = os.open(self._home / "answers", os.O_RDONLY | os.O_NONBLOCK)
        self._unread = b""
        self._id = self._files = 0
        self.progress: list[float] = []
        self._output = open(self._home / "output", "wb+")
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output,
            env={
                **os.environ, "PYTHONPATH": str(PACKAGE), **{name: str(path) for name, path in names.items()},
                "UNLEARN_TRAINER_FOLDER": str(self.folder), **environment,
            },
        )

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close_requests()
        self.close_answers()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._output.close()
        shutil.rmtree(self._home)
        shutil.rmtree(self.folder, ignore_errors=True)

    # The pipes.

    def close_requests(self) -> None:
        if self._requests is not None:
            os.close(self._requests)
        self._requests = None

    def close_answers(self) -> None:
        if self._answers is not None:
            os.close(self._answers)
        self._answers = None

    def output(self) -> str:
        """What the trainer printed."""
        return (self._home / "output").read_text(errors="replace")

    def send(self, do: str, **fields: Any) -> int:
        self._id += 1
        self.send_raw(json.dumps({"id": self._id, "do": do, **fields}).encode() + b"\n")
        return self._id

    def send_raw(self, line: bytes) -> None:
        assert self._requests is not None
        assert os.write(self._requests, line) == len(line)

    def read(self) -> dict[str, Any]:
        """The next message."""
        assert self._answers is not None
        end = time.monotonic() + _PATIENCE
        while b"\n" not in self._unread:
            # A pipe that nobody writes to is ready and empty: wait for the program to come, or to have gone.
            if self.process.poll() is not None and not select.select([self._answers], [], [], 0)[0]:
                raise TrainerDied(self.output())
            if time.monotonic() > end:
                raise TimeoutError(self.output())
            if select.select([self._answers], [], [], 0.2)[0]:
                part = os.read(self._answers, 1 << 16)
                if not part and self.process.poll() is not None:
                    raise TrainerDied(self.output())
                if not part:
                    time.sleep(0.01)
                self._unread += part
        line, self._unread = self._unread.split(b"\n", 1)
        message = json.loads(line)
        assert isinstance(message, dict)
        return message

    def answer(self, request: int) -> dict[str, Any]:
        """The message that ends a request; signs of life before it are collected."""
        self.progress = []
        while True:
            message = self.read()
            assert message["id"] == request
            if "progress" not in message:
                return message
            assert message.keys() == {"id", "progress"}
            self.progress.append(message["progress"])

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Asks and gives the whole answer, ``ok`` or ``error``."""
        return self.answer(self.send(do, **fields))

    def ok(self, do: str, **fields: Any) -> dict[str, Any]:
        """Asks and gives what ``ok`` holds."""
        answer = self.ask(do, **fields)
        assert answer.keys() == {"id", "ok"}, f"{answer}\n{self.output()}"
        result = answer["ok"]
        assert isinstance(result, dict)
        return result

    # Requests with their files.

    def new_path(self) -> str:
        """A file's name that was never used."""
        self._files += 1
        return str(self.folder / f"{self._files}.safetensors")

    def hello(self, shape: Sequence[int], classes: int, protocol: int = 1, worker: int = 0, held_by: str = "engine") -> dict[str, Any]:
        rows = {"shape": list(shape), "classes": classes, "class_names": [str(name) for name in range(classes)], "held_by": held_by}
        return self.ok("hello", protocol=protocol, engine="1.0.0", rows=rows, worker=worker)

    def rows(self, x: np.ndarray, y: np.ndarray, slot: np.ndarray | None = None) -> str:
        """Writes rows and gives their path."""
        path = self.new_path()
        slot = np.arange(len(y)) if slot is None else slot
        safetensors.numpy.save_file({"x": x.astype(np.float32), "y": y.astype(np.int64), "slot": slot.astype(np.int64)}, path)
        return path

    def names(self, names: Sequence[tuple[str, str]], y: np.ndarray) -> str:
        """Writes rows that the trainer holds, each by id and locator, and gives their path."""
        path, tensors = self.new_path(), {"y": y.astype(np.int64), "slot": np.arange(len(y))}
        for name, texts in zip(("id", "locator"), zip(*names)):
            data = [text.encode() for text in texts]
            tensors |= {name: np.frombuffer(b"".join(data), np.uint8), name + "_end": np.cumsum([len(text) for text in data])}
        safetensors.numpy.save_file(tensors, path)
        return path

    def initialise(self, seed: int = 0) -> str:
        path = self.new_path()
        assert self.ok("initialise", seed=seed, result=path) == {}
        return path

    def train_fields(self, state: str, rows: str, slots: int, **fields: Any) -> dict[str, Any]:
        place = {"block": 1, "depth": 1, "branch": None, "rate": 0.05, "epochs": 2, "seed": 11}
        return {**place, "slots": slots, "rows": rows, "state": state, "result": self.new_path(), **fields}

    def train(self, state: str, rows: str, slots: int, **fields: Any) -> str:
        """Trains a block and gives the path of the state behind it."""
        all_fields = self.train_fields(state, rows, slots, **fields)
        assert self.ok("train", **all_fields) == {}
        path = all_fields["result"]
        assert isinstance(path, str)
        return path

    def score(self, state: str, rows: str) -> dict[str, np.ndarray]:
        path = self.new_path()
        assert self.ok("score", state=state, rows=rows, result=path) == {}
        return dict(safetensors.numpy.load_file(path))


def python(script: Path) -> list[str | Path]:
    """The command that starts a script with the Python of the tests."""
    return [sys.executable, script]
