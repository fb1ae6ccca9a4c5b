"""A project of ``unlearn``, from Python: each method runs one command of the program and gives what it says."""

from __future__ import annotations

import codecs
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

Result = dict[str, Any]
#: What stands behind an option: True for a flag, None and False for none at all, a list for words with commas between them.
Option = str | int | float | bool | os.PathLike[str] | Iterable[Any] | None
_Read = TypeVar("_Read", bound="_FromJSON")


class UnlearnError(Exception):
    """The program said no."""

    def __init__(self, code: int, message: str, result: Result | None = None) -> None:
        super().__init__(message)
        #: The exit code: 1 failed, 2 wrong usage or input, 3 an audit or guard says no, 4 the store is damaged, 5 another process holds the
        #: project, 10 no project here, 130 interrupted; below 0: ended by that signal.
        self.code = code
        #: The program's own line.
        self.message = message
        #: What it printed all the same: an audit that says no has figures.
        self.result = result


@dataclass(frozen=True)
class _FromJSON:
    #: All that the program said.
    details: Result = dataclasses.field(repr=False)

    @classmethod
    def read(cls: type[_Read], result: Mapping[str, Any]) -> _Read:
        """The fields by their names; what an older program does not say is None."""
        names = [part.name for part in dataclasses.fields(cls) if part.name != "details"]
        return cls(dict(result), **{name: result.get(name) for name in names})


@dataclass(frozen=True)
class Training(_FromJSON):
    """What ``train`` did."""

    #: Of the project, and trained by this command.
    blocks: int
    blocks_trained: int
    #: Wall-clock seconds.
    seconds: float
    #: From 0 to 1, and nats a row; None where there are no test rows.
    test_accuracy: float | None
    test_loss: float | None
    state_digest: str


@dataclass(frozen=True)
class Evaluation(_FromJSON):
    """How good a model is on some rows."""

    rows: int
    #: From 0 to 1.
    accuracy: float | None
    #: Mean log-loss, nats a row.
    loss: float | None


@dataclass(frozen=True)
class Deletion(_FromJSON):
    """What a deletion, or a run of requests, did."""

    #: ``R1``, …; None where a run carried out several, or nothing was left to do.
    request: str | None
    #: Such as ``done``, ``owed`` or ``nothing-to-do``.
    outcome: str
    #: ``exact`` or ``stitch``.
    method: str | None
    #: Whether the model is, bit for bit, the one that training without the rows gives.
    exact: bool | None
    rows_deleted: int | None
    blocks_retrained: int | None
    blocks_total: int | None
    #: Wall-clock seconds.
    seconds: float | None
    #: From 0 to 1.
    test_accuracy_before: float | None
    test_accuracy: float | None
    state_digest: str | None
    #: Whether an exact replay is still owed.
    exactness_owed: bool | None


@dataclass(frozen=True)
class Request(_FromJSON):
    """One request of the queue."""

    request: str
    #: ``received``, ``planned``, ``published``, ``closed``, ``undone``, ``superseded`` or ``withdrawn``.
    state: str
    #: Whether the trainer, which alone holds the rows, has still to say that it erased them.
    erasure_pending: bool | None
    #: Rows found, names without a row, and rows that were deleted before.
    found: int
    not_found: int
    deleted_before: int
    #: A time and a day, ISO 8601, UTC.
    received: str | None
    due: str | None
    #: Until it is due, negative behind that; None where it does not wait.
    days_left: int | None
    ticket: str | None


class Project:
    """A project's folder. Options are those of the command line, with _ for -: ``train(threads=2)``."""

    def __init__(self, path: str | os.PathLike[str], program: str | None = None, *, progress: bool = False) -> None:
        """
        Args:
            path: the project's folder; ``init`` makes it.
            program: the program's name or path; the one that the package's wheel brought, else ``unlearn`` on ``PATH``.
            progress: show on ``sys.stderr``, in a notebook below the cell, how far the program is and when it will be done, and its messages and
                the trainer's.
        """
        self.path, self.program, self.progress = os.fspath(path), program or _program(), progress

    def run(self, *words: str, input: str | None = None, **options: Option) -> Result:
        """Runs any command and gives its JSON object.

        Args:
            words: the command and its operands.
            input: what it reads from standard input.

        Raises:
            UnlearnError: where it ends with another code than 0.
        """
        return self._run(words, options, input)

    def _run(self, words: Sequence[str], options: Mapping[str, Option], input: str | None = None) -> Result:
        quiet = [] if self.progress else ["--quiet"]
        command = [self.program, "-C", self.path, words[0], "--json", *quiet, *_options(options), "--", *words[1:]]
        code, output, errors = _run(command, input, self.progress)
        result: Result | None = None
        try:
            result = json.loads(output)
        except ValueError:
            if code == 0:
                raise UnlearnError(code, f"'{self.program} {words[0]}' printed no JSON object; is it another program?") from None
        if code != 0:
            message = _message(errors) or f"'{self.program} {words[0]}' ended with code {code}"
            raise UnlearnError(code, message, result)
        assert result is not None
        return result

    def init(self, **options: Option) -> Result:
        """Makes the project; with ``trainer='python3 train_me.py'`` a program of yours trains it."""
        return self._run(["init"], options)

    def train(self, **options: Option) -> Training:
        """Trains the blocks that are not trained yet."""
        return Training.read(self._run(["train"], options))

    def evaluate(self, **options: Option) -> Evaluation:
        """How good the model is on test rows, or on those of ``on``."""
        return Evaluation.read(self._run(["evaluate"], options))

    def status(self) -> Result:
        """What is here."""
        return self.run("status")

    def delete(
        self, ids: Iterable[object] | None = None, *, group: str | None = None, persons: Iterable[object] | None = None, **options: Option
    ) -> Deletion:
        """Removes rows, by ids, by people or by provider, and their influence, for good. Nobody is asked again."""
        return Deletion.read(self._naming(["delete"], ids, group, persons, options))

    def request_add(
        self, ids: Iterable[object] | None = None, *, group: str | None = None, persons: Iterable[object] | None = None, **options: Option
    ) -> Request:
        """Records what a letter asks for; ``request_run`` carries it out."""
        return Request.read(self._naming(["request", "add"], ids, group, persons, options)["requests"][0])

    def request_list(self, **options: Option) -> list[Request]:
        """All requests, in order."""
        return [Request.read(one) for one in self._run(["request", "list"], options)["requests"]]

    def request_run(self, *requests: str, **options: Option) -> Deletion:
        """Carries out the requests that wait, or those that are named, in one run.

        ``run('request', 'run', plan=True)`` says what that would do.
        """
        return Deletion.read(self._run(["request", "run", *requests], options))

    def audit(self, request: str | None = None, **options: Option) -> Result:
        """Compares the model with exact replay and with doing nothing.

        Raises:
            UnlearnError: with code 3 and the figures, where the audit says no.
        """
        return self._run(["audit"], {"request": request, **options})

    def certificate(self, request: str, out: str | os.PathLike[str], **options: Option) -> Result:
        """Writes the signed evidence of one request."""
        return self._run(["certificate", request], {"out": out, **options})

    def value(self, **options: Option) -> Result:
        """What each provider's rows are worth to the model."""
        return self._run(["value"], options)

    def export(self, out: str | os.PathLike[str], **options: Option) -> Result:
        """Writes the model, as ``.safetensors``, ``.npz`` or ``.onnx``."""
        return self._run(["export"], {"out": out, **options})

    def load_into(self, module: torch.nn.Module, **options: Option) -> Result:
        """Loads the model into a PyTorch module, strictly, and sets it to ``eval``; names of tied weights are filled in.

        The module takes rows as the trainer was given them, and no exception says where they are others: bytes of images as byte times ``scale``
        plus ``shift`` of the ``pixels`` that are returned, channels first; a table's columns as its ``table`` encodes them.

        The file between them lies in a folder of this user alone, in memory where there is such a place, and is gone afterwards.

        Returns:
            what the model says of itself (Documentation/Formats.md, Exports): ``class_names`` in the order of its outputs, ``shape``, ``pixels``,
            ``table`` and others.
        """
        import safetensors
        import safetensors.torch

        from .torch_state import load

        room = sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
        with tempfile.TemporaryDirectory(prefix="unlearn-", dir=_memory(2 * room)) as folder:
            out = os.path.join(folder, "model.safetensors")
            self.export(out, **options)
            load(module, safetensors.torch.load_file(out))
            with safetensors.safe_open(out, "pt") as file:
                description: Result = json.loads(file.metadata()["unlearn"])
        module.eval()
        return description

    def _naming(
        self, words: Sequence[str], ids: Iterable[object] | None, group: str | None, persons: Iterable[object] | None,
        options: Mapping[str, Option],
    ) -> Result:
        """Runs a command that names rows. Ids go through standard input: who reads the list of processes learns nobody's."""
        if sum(given is not None for given in (ids, group, persons)) > 1:
            raise ValueError("rows are named by ids, by persons or by a group, one of the three")
        for name, names in {"ids": ids, "persons": persons}.items():
            if names is not None:
                return self._run(words, {name: "-", **options}, _lines(names))
        return self._run(words, {"group": group, **options})


def _lines(names: Iterable[object]) -> str:
    if isinstance(names, str):
        raise TypeError("a text is not a list of ids; write ['c1'] for one")
    lines = [str(name) for name in names]
    for line in lines:
        if not line.strip() or len(line.splitlines()) > 1:
            raise ValueError(f"{line!r} is no id: ids are one line each, and not empty")
    return "".join(line + "\n" for line in lines)


def _options(options: Mapping[str, Option]) -> list[str]:
    words = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(flag)
        elif isinstance(value, (str, int, float)):
            words.append(f"{flag}={value}")
        elif isinstance(value, os.PathLike):
            words.append(f"{flag}={os.fspath(value)}")
        else:
            words.append(f"{flag}={','.join(str(part) for part in value)}")
    return words


#: Seconds that messages have to come behind the program's end.
_LAST_WORDS = 1.0


def _run(command: list[str], input: str | None, progress: bool) -> tuple[int, str, list[str]]:
    """The exit code, standard output, and the lines of standard error, which are shown as they come where progress is wanted.

    The program's progress ends with a carriage return, so that each stands in the place of the one before, in a notebook and on a terminal.
    """
    lines: list[str] = []
    end, errors = os.pipe()

    def read() -> None:
        nonlocal progress
        # Shown as it comes: a text stream holds a carriage return back until it knows that no line feed follows.
        decoder, rest = codecs.getincrementaldecoder("utf-8")("replace"), ""
        with os.fdopen(end, "rb", buffering=0) as stream:
            while piece := stream.read(1 << 16):
                text = decoder.decode(piece)
                if progress:
                    try:
                        print(text, end="", file=sys.stderr, flush=True)
                    except Exception:  # noqa: BLE001
                        # Whatever takes it is gone, and what the program does is not to end with that.
                        progress = False
                *whole, rest = re.split("(?<=[\r\n])", rest + text)
                lines.extend(line.rstrip("\r\n") for line in whole if not line.endswith("\r"))
        if rest:
            lines.append(rest)

    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            encoding="utf-8", errors="replace", env={**os.environ, "UNLEARN_PROGRESS": "text"} if progress else None,
        )
    except OSError as error:
        os.close(end)
        message = f"cannot start '{command[0]}': {error.strerror}; name the program with Project(…, program='…')"
        raise UnlearnError(1, message) from error
    finally:
        os.close(errors)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        output, _ = process.communicate(input)
    except KeyboardInterrupt:
        # A notebook interrupts Python alone; the program keeps what is finished, and is given the time for it.
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    # What the program's trainer has started may outlive it, and hold the pipe open.
    reader.join(timeout=_LAST_WORDS)
    return process.returncode, output, lines


def _message(lines: list[str]) -> str:
    """The program's own line, which a trainer's output may surround."""
    own = [line.removeprefix("unlearn: ") for line in lines if line.startswith("unlearn: ")]
    return own[-1] if own else lines[-1] if lines else ""


def _program() -> str:
    """The program that a wheel put beside this module, so that a notebook finds it whose ``PATH`` lacks the environment's commands."""
    bundled = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "unlearn")
    return bundled if os.access(bundled, os.X_OK) else "unlearn"


def _memory(room: int) -> str | None:
    """A folder in memory, so that the file never comes onto a disk; None, the usual place, where there is none with so many bytes free."""
    shared = os.path.join(os.sep, "dev", "shm")
    return shared if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > room else None
