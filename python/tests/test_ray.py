"""Jobs on a local Ray cluster of two nodes, with the program that UNLEARN names; skipped where Ray or the program is missing."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ray = pytest.importorskip("ray")

from ray.cluster_utils import Cluster
from unlearn_engine.ray import JobsError, run

UNLEARN = os.environ.get("UNLEARN")
pytestmark = pytest.mark.skipif(not UNLEARN, reason="UNLEARN names no program")


def unlearn(*words: str | Path) -> dict[str, Any]:
    done = subprocess.run([str(UNLEARN), *map(str, words), "--json", "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert isinstance(result, dict)
    return result


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 600)
    path: Path = tmp_path_factory.mktemp("rows") / "rows.npz"
    np.savez(path, x=(2 * np.eye(3, 5)[y] + rng.standard_normal((600, 5))).astype(np.float32), y=y)
    return path


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def planned(tmp_path: Path, rows: Path) -> tuple[Path, Path, str]:
    """A project whose branches are not trained, their jobs, and the digest of a model that one process trained."""
    options = ["--data", f"npz:{rows}", "--model", "mlp", "--hidden", "8", "--epochs", "2", "--branches", "6", "--blocks", "24"]
    unlearn("-C", tmp_path / "one", "init", *options)
    digest = unlearn("-C", tmp_path / "one", "train")["state_digest"]
    unlearn("-C", tmp_path / "two", "init", "--like", tmp_path / "one", *options[:8])
    unlearn("-C", tmp_path / "two", "jobs", "plan", "branches", "--out", tmp_path / "jobs")
    return tmp_path / "two", tmp_path / "jobs", digest


def test_a_cluster_that_loses_a_node_gives_the_bits_of_one_process(tmp_path: Path, rows: Path, cluster: Cluster) -> None:
    project, jobs, digest = planned(tmp_path, rows)
    second = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    # Jobs wait until a node is lost, so that it is lost with those that it computes.
    slow = tmp_path / "slow"
    slow.write_text(f"#!/bin/sh\nmkdir -p {tmp_path}/begun && touch {tmp_path}/begun/$3-$$\n"
                    f"while [ -e {tmp_path}/hold ] && [ \"$(ls {tmp_path}/begun | wc -l)\" -gt 1 ]; do sleep 0.1; done\nexec {UNLEARN} \"$@\"\n")
    slow.chmod(0o755)
    (tmp_path / "hold").touch()

    def lose() -> None:
        # Three jobs run at once: one on the head's core, two on the other node's.
        end = time.monotonic() + 120
        while time.monotonic() < end and not ((tmp_path / "begun").exists() and len(list((tmp_path / "begun").iterdir())) >= 3):
            time.sleep(0.1)
        cluster.remove_node(second, allow_graceful=False)
        (tmp_path / "hold").unlink()

    thread = threading.Thread(target=lose)
    thread.start()
    told: list[tuple[int, int]] = []
    computed = run(jobs, program=str(slow), progress=lambda done, of: told.append((done, of)))
    thread.join()
    assert computed == [1, 2, 3, 4, 5, 6] and told[-1] == (6, 6)
    # Some were begun more than once.
    assert len(list((tmp_path / "begun").iterdir())) > 6
    assert run(jobs) == []
    collected = unlearn("-C", project, "jobs", "collect", "--in", jobs)
    assert collected["state_digest"] == digest and not jobs.exists()


def test_what_the_program_refuses_is_told_and_the_key_may_lie_elsewhere(tmp_path: Path, rows: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    project, jobs, digest = planned(tmp_path, rows)
    key = tmp_path / "kept.key"
    (jobs / "copy" / "project.key").rename(key)
    monkeypatch.setenv("UNLEARN_KEY_FILE", str(key))
    refusing = tmp_path / "refusing"
    refusing.write_text(f"#!/bin/sh\nif [ \"$3\" = 4 ]; then echo 'unlearn: no room for it' >&2; exit 1; fi\nexec {UNLEARN} \"$@\"\n")
    refusing.chmod(0o755)
    with pytest.raises(JobsError, match="job 4 failed: on .*: unlearn: no room for it; those that are done are kept"):
        run(jobs, program=str(refusing))
    assert sorted(path.name for path in (jobs / "results").iterdir()) == ["job-1", "job-2", "job-3", "job-5", "job-6"]
    assert run(jobs, program=str(UNLEARN)) == [4]
    key.rename(jobs / "copy" / "project.key")
    monkeypatch.delenv("UNLEARN_KEY_FILE")
    assert unlearn("-C", project, "jobs", "collect", "--in", jobs)["state_digest"] == digest
