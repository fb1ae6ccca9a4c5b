"""Jobs that ``unlearn jobs plan`` made, spread over a Ray cluster.

What reaches the machines: the working copy of the project, sealed, and its key, which lies in the memory of Ray's processes and of the program,
and in no file of a worker. What a machine leaves behind when it is lost is sealed, and useless without the key. Ray itself neither seals nor
signs what passes between machines unless it is told to (``RAY_USE_TLS=1``).
"""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ray

__all__ = ["JobsError", "run"]

#: Told how many jobs are done, of how many.
Progress = Callable[[int, int], None]
_KEY = "project.key"


class JobsError(Exception):
    """Some jobs failed."""

    def __init__(self, failed: Mapping[int, str]) -> None:
        first = min(failed)
        others = f"; so did {', '.join(map(str, sorted(failed)[1:]))}" if len(failed) > 1 else ""
        super().__init__(f"job {first} failed: {failed[first]}{others}; those that are done are kept, and run again computes the others")
        #: By job, what went wrong.
        self.failed = dict(failed)


def run(
    folder: str | os.PathLike[str], *, program: str = "unlearn", num_cpus: float = 1, num_gpus: float = 0,
    resources: Mapping[str, float] | None = None, max_retries: int = 3, environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> list[int]:
    """Computes the jobs of a folder that are not done yet, and writes their results there as they come.

    Machines need no common file system: the copy passes through Ray's object store. The program must be installed on all of them, and the
    command of a ``--trainer``, too. A job whose machine is lost is computed again elsewhere, and has the same bytes there.

    Args:
        folder: that ``unlearn jobs plan`` made. The copy's key lies there, or where ``UNLEARN_KEY_FILE`` says.
        program: of the machines.
        num_cpus: that a job takes, and threads that it computes with; no result depends on it.
        num_gpus: that a job takes; Ray sets ``CUDA_VISIBLE_DEVICES``.
        resources: further ones that Ray counts, such as ``{"memory": 2e9}``.
        max_retries: how often a job whose machine or process is lost is begun again.
        environment: variables for the program, such as ``UNLEARN_TRAINER``.
        progress: told after each job.

    Returns:
        the jobs that were computed now.

    Raises:
        JobsError: where the program refuses a job, or its machine was lost too often. The other jobs are computed all the same.
    """
    place = Path(folder)
    jobs = [job["job"] for job in json.loads((place / "plan.json").read_text())["jobs"]]
    results = place / "results"
    missing = [job for job in jobs if not (results / f"job-{job}").exists()]
    if not missing:
        return []
    if not ray.is_initialized():
        ray.init()
    # Workers need not have this package.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {"num_cpus": num_cpus, "num_gpus": num_gpus, "max_retries": max_retries, "resources": {}}
    for name, amount in (resources or {}).items():
        if name == "memory":
            options["memory"] = amount
        else:
            options["resources"][name] = amount
    task = ray.remote(**options)(_compute)
    packed, key = ray.put(_pack(place / "copy")), _key(place / "copy")
    threads = max(1, int(num_cpus))
    waiting = {task.remote(packed, key, job, program, threads, dict(environment or {})): job for job in missing}
    computed, failed = [], {}
    while waiting:
        (ready,), _ = ray.wait(list(waiting), num_returns=1)
        job = waiting.pop(ready)
        try:
            _publish(ray.get(ready), results / f"job-{job}")
            computed.append(job)
        except ray.exceptions.RayTaskError as error:
            failed[job] = str(error.cause)
        except ray.exceptions.RayError as error:
            failed[job] = (str(error).strip() or repr(error)).splitlines()[0]
        if progress:
            progress(len(jobs) - len(waiting) - len(failed), len(jobs))
    if failed:
        raise JobsError(failed)
    return sorted(computed)


def _pack(copy: Path) -> bytes:
    """The copy in one run of bytes, without its key."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(copy, "copy", filter=lambda entry: None if Path(entry.name).name in (_KEY, "unlearn.lock") else entry)
    return buffer.getvalue()


def _key(copy: Path) -> bytes:
    named = os.environ.get("UNLEARN_KEY_FILE")
    return (copy / _KEY if (copy / _KEY).exists() or not named else Path(named)).read_bytes()


def _publish(content: bytes, path: Path) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}.part")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def _compute(packed: bytes, key: bytes, job: int, program: str, threads: int, environment: dict[str, str]) -> bytes:
    """One job, on whichever machine."""
    with tempfile.TemporaryDirectory(prefix="unlearn-jobs-") as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        Path(folder, "results").mkdir()
        # A file in memory, of which the program has a descriptor and nobody a name.
        descriptor = os.memfd_create("key")
        try:
            os.write(descriptor, key)
            done = subprocess.run(
                [program, "jobs", "run", str(job), "--in", folder, "--threads", str(threads), "--quiet"], capture_output=True, text=True,
                errors="replace", pass_fds=[descriptor], env={**os.environ, **environment, "UNLEARN_KEY_FILE": f"/proc/self/fd/{descriptor}"},
            )
        finally:
            os.close(descriptor)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise RuntimeError(f"on {socket.gethostname()}: {said[-1] if said else f'status {done.returncode}'}")
        return Path(folder, "results", f"job-{job}").read_bytes()
