"""The two named pipes between the engine and a trainer: one JSON object a line (Documentation/TrainerProtocol.md)."""

from __future__ import annotations

import json
import os
import select
import shutil
import stat
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO

Message = dict[str, Any]

#: The version of the protocol that this package speaks.
PROTOCOL = 1
#: A line of the protocol has at most so many bytes, its end included.
LONGEST_LINE = 16 << 20
#: Seconds between two signs of life while a request is carried out.
HEARTBEAT = 10.0
#: Seconds between two looks at whether the engine still lives, and between two messages of progress from the trainer itself.
_LOOK, _PACE = 0.5, 0.2

_VARIABLES = ("UNLEARN_TRAINER_REQUESTS", "UNLEARN_TRAINER_ANSWERS", "UNLEARN_TRAINER_FOLDER")


class ChannelError(Exception):
    """What came through the pipes is no part of the protocol."""


class EngineGone(Exception):
    """Nobody reads answers any more."""


@dataclass(frozen=True)
class Request:
    """One request: its number, what is to be done, and the whole object that it came in."""

    id: int
    do: str
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise ChannelError(f"the request '{self.do}' has no field '{name}'") from None


class Channel:
    """The program's side of both pipes. Any thread may send; one thread reads."""

    def __init__(self, requests: str, answers: str, folder: str) -> None:
        """Opens the pipes.

        Without waiting: an engine that was killed before the program came this far would be waited for without end.

        Raises:
            EngineGone: where no engine holds the other sides; the folder is removed then.
        """
        self.folder = folder
        self._lock = threading.Lock()
        descriptor = os.open(requests, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(descriptor, True)
        self._requests: BinaryIO = os.fdopen(descriptor, "rb")
        try:
            self._answers = os.open(answers, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            self._requests.close()
            self.remove_folder()
            raise EngineGone from error
        os.set_blocking(self._answers, True)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Channel:
        """Opens the pipes that the engine names.

        Raises:
            ChannelError: a line for whoever started the program by hand.
        """
        paths = [environment.get(name, "") for name in _VARIABLES]
        if not all(paths):
            raise ChannelError(
                "this program is a trainer, and unlearn starts it; name it when you make a project: "
                f"unlearn init --trainer 'python3 {_script()}' --data … (to import it, put serve behind: if __name__ == '__main__')"
            )
        for name, path in zip(_VARIABLES, paths):
            _expect(name, path)
        return cls(*paths)

    def requests(self) -> Iterator[Request]:
        """Requests in the order of their coming. Where they end the engine is gone, and the folder is removed.

        Raises:
            ChannelError: where a line is no request.
        """
        while line := self._requests.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                raise ChannelError(f"a request is longer than {LONGEST_LINE} bytes")
            # A line without its end was being written when the engine ended.
            if not line.endswith(b"\n"):
                break
            yield _request(line)
        self.remove_folder()

    def send(self, message: Message) -> None:
        """Writes one message, whole, whichever threads write at the same time.

        Raises:
            EngineGone: where nobody reads.
        """
        # Only ASCII is written, which is UTF-8 whatever odd characters a file's name brought into an error.
        rest = memoryview(json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n")
        if len(rest) > LONGEST_LINE:
            raise ChannelError(f"an answer is longer than {LONGEST_LINE} bytes")
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._answers, rest) :]
            except BrokenPipeError as error:
                raise EngineGone from error

    def engine_is_gone(self) -> bool:
        """Whether the engine has closed its side of the requests, without reading any."""
        poll = select.poll()
        poll.register(self._requests.fileno(), 0)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def remove_folder(self) -> None:
        """Removes the folder in memory with the rows and states that lie in it: of an engine that was killed nobody else would."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Closes both pipes."""
        self._requests.close()
        os.close(self._answers)


class Heartbeat:
    """Says that the program lives while one request is carried out, so that a long step is not taken for a hang.

    It also notices within a second that the engine is gone: then nobody wants the result, rows must not lie about for the rest of an
    hour's training, and the program ends.
    """

    def __init__(self, channel: Channel, request: int, interval: float | None = None) -> None:
        """
        Args:
            request: the number of the request that is carried out.
            interval: seconds between two signs of life (default: ``HEARTBEAT``, or less where the engine has less patience).
        """
        self._channel, self._request = channel, request
        self._interval = _interval() if interval is None else interval
        self._fraction, self._sent = 0.0, time.monotonic() - _PACE
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="unlearn heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # The answer ends the request: no sign of life may come behind it.
        self._ended.set()
        self._thread.join()

    def progress(self, fraction: float) -> None:
        """Tells the engine how far the work is.

        Args:
            fraction: from 0 to 1; what lies outside is moved inside, and what is no number passed over.
        """
        if self._ended.is_set() or fraction != fraction:
            return
        self._fraction = min(1.0, max(0.0, float(fraction)))
        # A trainer may report every step: thousands of lines a second would be work for both sides.
        if time.monotonic() - self._sent >= _PACE:
            self._send()

    def _send(self) -> None:
        self._sent = time.monotonic()
        self._channel.send({"id": self._request, "progress": self._fraction})

    def _beat(self) -> None:
        while not self._ended.wait(min(_LOOK, self._interval)):
            try:
                if self._channel.engine_is_gone():
                    raise EngineGone
                if time.monotonic() - self._sent >= self._interval:
                    self._send()
            except EngineGone:
                self._channel.remove_folder()
                sys.stdout.flush()
                # The thread that trains cannot be stopped in any other way.
                os._exit(0)


def _script() -> str:
    """The script that was started, or one's name where Python was given words, or nothing."""
    name = sys.argv[0] if sys.argv else ""
    return name if name and not name.startswith("-") else "train_me.py"


def _interval() -> float:
    """Seconds between two signs of life: a quarter of the engine's patience, where somebody made that short."""
    try:
        return min(HEARTBEAT, max(0.05, float(os.environ["UNLEARN_TRAINER_PATIENCE"]) / 4))
    except (KeyError, ValueError):
        return HEARTBEAT


def _expect(name: str, path: str) -> None:
    """Refuses what is no pipe, and a folder that is not this user's alone: it will be removed with all that lies in it."""
    try:
        status = os.lstat(path)
    except OSError as error:
        raise ChannelError(f"{name} names {path}: {error.strerror}") from None
    if not name.endswith("FOLDER"):
        if not stat.S_ISFIFO(status.st_mode):
            raise ChannelError(f"{name} names {path}, which is no named pipe")
    elif not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise ChannelError(f"{name} names {path}, which is no folder of this user alone")


def _request(line: bytes) -> Request:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise ChannelError(f"a request is no JSON: {error}") from None
    if not isinstance(fields, dict) or type(fields.get("id")) is not int or not isinstance(fields.get("do"), str):
        raise ChannelError("a request is no object with an integer 'id' and a text 'do'")
    return Request(fields["id"], fields["do"], fields)
