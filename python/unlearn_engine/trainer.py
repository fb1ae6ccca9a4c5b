"""What a trainer is, in any library, and the loop in which the engine calls it."""

from __future__ import annotations

import math
import os
import platform
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .batches import Batch as Batch
from .batches import batches as batches
from .batches import numbered_batches as numbered_batches
from .channel import PROTOCOL, Channel, ChannelError, EngineGone, Heartbeat, Message, Request
from .tensors import DTYPES, Backend, NumPyBackend, State

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
#: Told how much of a call is done, from 0 to 1.
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Tensor:
    """One tensor of the state, as the engine is told of it."""

    name: str
    #: Sizes of its dimensions; none of a single number.
    shape: Sequence[int]
    #: ``F32``, ``F16``, ``BF16``, ``F64``, ``I64``, ``I32``, ``I16``, ``I8``, ``U8`` or ``BOOL``.
    dtype: str = "F32"
    #: ``parameter``, which training changes, or ``buffer``.
    role: str = "parameter"
    #: Between blocks the tensor is rounded to multiples of 2^-bits, −8 to 40; None: the engine's own choice.
    bits: int | None = None

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"tensor '{self.name}' has the type {self.dtype!r}, which is none of {', '.join(DTYPES)}")
        if self.role not in ("parameter", "buffer"):
            raise ValueError(f"tensor '{self.name}' has the role {self.role!r}, which is neither 'parameter' nor 'buffer'")
        if self.bits is not None and not -8 <= self.bits <= 40:
            raise ValueError(f"tensor '{self.name}' has {self.bits} bits, which are to be −8 to 40")

    def message(self) -> Message:
        """As ``describe`` answers it."""
        message: Message = {"name": self.name, "shape": [int(size) for size in self.shape], "dtype": self.dtype, "role": self.role}
        return message if self.bits is None else {**message, "bits": self.bits}


class RowName(NamedTuple):
    """A row that the trainer holds, and the engine does not."""

    id: str
    #: Where the row lies, in words of the trainer's own, from the manifest; empty where it names none.
    locator: str


@dataclass(frozen=True)
class Rows:
    """Rows that are trained on, scored or forgotten."""

    #: (n, shape of a row), F32; where the trainer holds the rows, (n) of ``RowName``.
    x: npt.NDArray[Any]
    #: (n): classes, from 0.
    y: Integers
    #: (n): the place of each row in its block, ascending.
    slot: Integers
    #: Places in the block; deleted rows leave theirs empty.
    slots: int

    def __len__(self) -> int:
        return len(self.y)

    @property
    def flat(self) -> Floats:
        """(n, features): each row as one vector, also where there are no rows, of which ``reshape(n, -1)`` cannot be made."""
        return self.x.reshape(len(self), math.prod(self.x.shape[1:]))


@dataclass(frozen=True)
class RowsInfo:
    """What all rows of the project have in common."""

    #: Of a row: (features) of a table, else (channels, height, width).
    shape: tuple[int, ...]
    classes: int
    class_names: tuple[str, ...]
    #: Whether the trainer holds the rows, and the engine their names alone; then they have no shape.
    held: bool = False


@dataclass(frozen=True)
class Place:
    """Which block is trained, and how."""

    #: From 1.
    block: int
    #: How many blocks lead to the state behind it, it included.
    depth: int
    #: From 1; None in the stem, and in a chain.
    branch: int | None
    #: The learning rate for this block.
    rate: float
    #: Passes over the block.
    epochs: int
    #: From 0 to 2⁵³ − 1: all chance in training is to come from it.
    seed: int


@dataclass(frozen=True)
class Scores:
    """What a state says of rows: exactly one of ``logits``, ``probabilities`` and ``loss``."""

    #: (n, classes): unnormalised log-probabilities.
    logits: Floats | None = None
    #: (n, classes): each row adds up to 1.
    probabilities: Floats | None = None
    #: (n): the negative log-likelihood of the row, in nats, of a model without classes.
    loss: Floats | None = None
    #: (n): beside ``loss``, the class that the model names.
    prediction: Integers | None = None

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.logits, self.probabilities, self.loss)) != 1:
            raise ValueError("scores are to have one of logits, probabilities and loss")
        if self.prediction is not None and self.loss is None:
            raise ValueError("a prediction goes with a loss; logits and probabilities name the class themselves")

    def arrays(self, rows: int, classes: int) -> dict[str, npt.NDArray[Any]]:
        """The tensors of the file of scores, with their shapes checked."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, kind in (("logits", np.float32), ("probabilities", np.float32), ("loss", np.float32), ("prediction", np.int64)):
            if (value := getattr(self, name)) is None:
                continue
            shape = (rows,) if name in ("loss", "prediction") else (rows, classes)
            arrays[name] = np.ascontiguousarray(value, dtype=kind)
            if arrays[name].shape != shape:
                raise ValueError(f"score gave {name} of the shape {arrays[name].shape}, which is to be {shape}")
        return arrays


class Trainer(ABC):
    """A model with its way to be trained: a function from a state, rows and a seed to the next state.

    Asked the same again, in this process or in another one, it must give the same bits. Nothing may be carried from one call to the
    next but what ``start`` and ``describe`` found.
    """

    #: For people, in what the engine prints.
    name: str = "trainer"

    @property
    def can_forget(self) -> bool:
        """Whether it has a way to erase rows that it holds."""
        return type(self).forget is not Trainer.forget

    #: Of which library the arrays of states are.
    backend: Backend = NumPyBackend()

    def start(self, rows_info: RowsInfo, worker: int) -> None:
        """Is called once, before anything else, with what all rows have in common and the number of this process, from 0."""

    def facts(self) -> dict[str, str]:
        """All that may change the bits of training: where one of them differs, the engine no longer calls a result exact.

        The default names what NumPy's results depend on.
        """
        return {"numpy": np.__version__, "processor": processor(), "cores": str(cores())}

    @abstractmethod
    def describe(self) -> list[Tensor]:
        """The tensors of the state, in a fixed order."""

    @abstractmethod
    def initialise(self, seed: int) -> State:
        """The state before the first block."""

    @abstractmethod
    def train_block(self, state: State, rows: Rows, place: Place, progress: Progress) -> State:
        """The state after training on a block.

        Args:
            state: is kept for later requests: change copies of its arrays only.
            rows: at least one. A block whose rows were all deleted leaves the state as it is, and is not asked for.
            progress: may be told how much is done, from 0 to 1, as often as you like.
        """

    @abstractmethod
    def score(self, state: State, rows: Rows) -> Scores:
        """What a state says of rows; only ``x`` may decide it, but for ``loss``."""

    def forget(self, rows: Rows, request: str) -> None:
        """Erases rows that the trainer holds, for good, wherever it has them; returns when nothing of them is left.

        The engine puts on record that it was told so. It asks again where it was not, so that rows may be gone already. A trainer that holds
        rows must have this method; of others it is not asked.

        Args:
            request: the engine's name of it, such as ``R3``, for a log.
        """
        raise NotImplementedError("this trainer holds its rows and cannot erase any; give it a method forget")


@dataclass
class Session:
    """Carries out requests on a trainer, one at a time."""

    trainer: Trainer
    #: Whether results are written: of several processes that train together, one does.
    writes: bool = True
    _info: RowsInfo | None = None
    _tensors: list[Tensor] = field(default_factory=list)
    #: The state that was read last, and its path: a path never names two contents.
    _read: tuple[str, State] | None = None

    def perform(self, request: Request, progress: Progress) -> Message:
        """Does what is asked, and gives the object of the answer.

        Raises:
            Exception: whatever the trainer raises, and errors of requests and results.
        """
        if request.do not in ("hello", "shutdown"):
            self._known()
        match request.do:
            case "hello":
                return self._hello(request)
            case "describe":
                return {"tensors": [tensor.message() for tensor in self._described()]}
            case "initialise":
                self._write(self.trainer.initialise(request["seed"]), request["result"], "initialise")
            case "train":
                self._train(request, progress)
            case "score":
                self._score(request)
            case "forget":
                self.trainer.forget(self._rows(request["rows"], None), request["request"])
            case "shutdown":
                pass
            case other:
                raise ChannelError(f"this trainer knows no request '{other}'")
        return {}

    def _hello(self, request: Request) -> Message:
        if request["protocol"] != PROTOCOL:
            raise ChannelError(
                f"unlearn_engine speaks version {PROTOCOL} of the trainer protocol, and the engine version {request['protocol']}; "
                "install the package that came with the engine"
            )
        rows = request["rows"]
        info = RowsInfo(tuple(rows["shape"]), rows["classes"], tuple(rows["class_names"]), rows.get("held_by") == "trainer")
        if info.held and not self.trainer.can_forget:
            raise NotImplementedError("the manifest names rows that this trainer holds, and it cannot erase any; give it a method forget")
        self.trainer.start(info, request["worker"])
        self._info = info
        return {
            "protocol": PROTOCOL,
            "name": self.trainer.name,
            "facts": {name: str(value) for name, value in self.trainer.facts().items()},
        }

    def _known(self) -> RowsInfo:
        """What ``hello`` said of all rows."""
        if self._info is None:
            raise ChannelError("a request came before a hello that was answered")
        return self._info

    def _described(self) -> list[Tensor]:
        if not self._tensors:
            self._tensors = self.trainer.describe()
        return self._tensors

    def _train(self, request: Request, progress: Progress) -> None:
        place = Place(request["block"], request["depth"], request["branch"], request["rate"], request["epochs"], request["seed"])
        state, rows = self._state(request["state"]), self._rows(request["rows"], request["slots"])
        # Few trainers would be ready for a block without rows, and years may pass before the last row of one is deleted.
        result = self.trainer.train_block(state, rows, place, progress) if len(rows) else state
        self._write(result, request["result"], "train_block")

    def _score(self, request: Request) -> None:
        rows = self._rows(request["rows"], None)
        scores = self.trainer.score(self._state(request["state"]), rows)
        arrays = scores.arrays(len(rows), self._known().classes)
        if self.writes:
            NumPyBackend().write(arrays, request["result"])

    def _state(self, path: str) -> State:
        if self._read is None or self._read[0] != path:
            # The old one goes first: there may not be room for two.
            self._read = None
            self._read = (path, self.trainer.backend.load(path))
        return dict(self._read[1])

    def _rows(self, path: str, slots: int | None) -> Rows:
        tensors, info = NumPyBackend().load(path), self._known()
        y, slot = tensors["y"], tensors["slot"]
        x = _names(tensors) if info.held else tensors["x"]
        shape = info.shape
        if x.shape != (len(y), *shape) or slot.shape != y.shape:
            raise ValueError(f"{len(y)} rows of the shape {shape} came as {x.shape}, in {slot.shape} slots")
        return Rows(x, y, slot, slots if slots is not None else int(slot.max(initial=-1)) + 1)

    def _write(self, state: State, path: str, method: str) -> None:
        described = {tensor.name: tensor for tensor in self._described()}
        for name in described.keys() - state.keys():
            raise ValueError(f"{method} gave no tensor '{name}', which describe names")
        for name in state.keys() - described.keys():
            raise ValueError(f"{method} gave a tensor '{name}', which describe does not name")
        for name, tensor in described.items():
            dtype, shape = self.trainer.backend.dtype(state[name]), tuple(state[name].shape)
            if (shape, dtype) != (tuple(tensor.shape), tensor.dtype):
                raise ValueError(f"{method} gave '{name}' as {dtype} {shape}, described as {tensor.dtype} {tuple(tensor.shape)}")
        if self.writes:
            self.trainer.backend.write(state, path)


def _names(tensors: State) -> npt.NDArray[Any]:
    """The names of rows, (n) of ``RowName``: texts one behind the other, each with the place of its end."""
    texts = []
    for name in ("id", "locator"):
        data, ends = tensors[name].tobytes(), tensors[name + "_end"].tolist()
        texts.append([data[start:end].decode() for start, end in zip([0, *ends], ends)])
    names = np.empty(len(texts[0]), dtype=object)
    for index, pair in enumerate(zip(*texts)):
        names[index] = RowName(*pair)
    return names


class Followers(Protocol):
    """Other processes that train together with the one that speaks with the engine."""

    def announce(self, request: Request | None) -> None:
        """Tells them what is carried out next; None: nothing more."""

    def wait(self, request: Request) -> None:
        """Returns where all of them are done with it: behind the answer the engine may remove the files that it named."""


def serve(trainer: Trainer, *, followers: Followers | None = None) -> None:
    """Answers the engine's requests until there are no more.

    An error of the trainer is the answer to the request that it happened in, in one line; the traceback goes to standard error, and
    the next request is carried out as if nothing had been. Started by hand, the program says what it is and ends with status 2.

    Args:
        followers: other processes that train with this one. Nothing brings them back into step behind an error, which therefore ends the
            program, with status 1, when it was answered.
    """
    try:
        channel = Channel.from_environment()
    except EngineGone:
        return
    except ChannelError as error:
        print(f"unlearn_engine: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    # What the trainer prints is shown to the user while it trains, not when a buffer is full.
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(line_buffering=True)
    session = Session(trainer)
    try:
        for request in channel.requests():
            if followers:
                followers.announce(request)
            answer = _answer(session, channel, request, followers)
            channel.send(answer)
            if request.do == "shutdown":
                break
            if followers and "error" in answer:
                raise SystemExit(1)
        if followers:
            followers.announce(None)
    except EngineGone:
        channel.remove_folder()
    except ChannelError as error:
        print(f"unlearn_engine: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def _answer(session: Session, channel: Channel, request: Request, followers: Followers | None) -> Message:
    try:
        with Heartbeat(channel, request.id) as heartbeat:
            result = session.perform(request, heartbeat.progress)
            if followers:
                followers.wait(request)
            return {"id": request.id, "ok": result}
    except EngineGone:
        raise
    except ChannelError as error:
        return {"id": request.id, "error": one_line(str(error))}
    except Exception as error:
        traceback.print_exc()
        return {"id": request.id, "error": one_line(f"{type(error).__name__}: {error}")}


def one_line(text: str, longest: int = 2000) -> str:
    """Text with every run of blanks and ends of lines as one blank, cut off where it is longer than so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def cores() -> int:
    """The processor's cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name: libraries choose their kernels by it, and kernels differ in the order of sums."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
