"""Publishing into the registry of a real MLflow server, of a project of the tests' own and, where UNLEARN names one, the program's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest.mock
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mlflow")

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from unlearn_engine.mlflow import RegistryError, publish
from unlearn_engine.project import Project, Request, UnlearnError


@dataclass
class Server:
    """A server whose entries lie in one SQLite file and whose artifacts in one folder."""

    uri: str
    folder: Path

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder / 'entries.db'}"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri)

    def files(self) -> set[str]:
        """The names of all files of models and certificates."""
        return {str(file.relative_to(self.folder / "artifacts")) for file in (self.folder / "artifacts").rglob("*") if file.is_file()}

    def holds(self, text: bytes) -> bool:
        return any(text in file.read_bytes() for file in self.folder.rglob("*") if file.is_file())

    def download(self, address: str, into: Path) -> dict[str, bytes]:
        """What whoever serves the model gets. Addresses of models are those of the server that the environment names."""
        with unittest.mock.patch.dict(os.environ, {"MLFLOW_TRACKING_URI": self.uri}):
            folder = Path(mlflow.artifacts.download_artifacts(address, dst_path=str(into)))
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def quiet() -> dict[str, str]:
    # A server of tests reports to nobody.
    return {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Server(f"http://127.0.0.1:{port}", folder)
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", made.database,
             "--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            stdout=log, stderr=log, env=quiet(), start_new_session=True, cwd=folder,
        )
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError((folder / "log").read_text())
            try:
                urllib.request.urlopen(made.uri + "/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield made
    finally:
        # It has workers of its own, in a group with it.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


@dataclass
class FakeProject(Project):
    """A project that says what it is told to, and whose files are texts."""

    digest: str = "aa" * 32
    requests: dict[str, str] = field(default_factory=dict)
    owed: list[str] = field(default_factory=list)
    id: str = "0123456789abcdef0123456789abcdef"
    issued: int = 0
    changes_to: str | None = None

    def export(self, out: str | os.PathLike[str], **options: Any) -> dict[str, Any]:
        Path(out).write_text(f"model {self.digest}")
        return {"state_digest": self.digest}

    def status(self) -> dict[str, Any]:
        return {"state_digest": self.changes_to or self.digest, "project": self.id, "public_key": "ff", "requests_owed": self.owed}

    def request_list(self, **options: Any) -> list[Request]:
        return [Request.read({"request": request, "state": state}) for request, state in self.requests.items()]

    def certificate(self, request: str, out: str | os.PathLike[str], **options: Any) -> dict[str, Any]:
        self.issued += 1
        Path(out).write_text(f"certificate {request}, {self.issued}")
        return {}

    def run(self, *words: str, input: str | None = None, **options: Any) -> dict[str, Any]:
        assert words[0] == "verify-certificate" and options == {"public_key": "ff", "project": self.id}
        text = Path(words[1]).read_text()
        if not text.startswith("certificate "):
            raise UnlearnError(2, "that is no certificate")
        return {"request": text.split()[1]}


def test_a_model_its_certificates_and_tags_become_the_version_with_the_alias(server: Server, tmp_path: Path) -> None:
    project = FakeProject(requests={"R1": "closed", "R2": "received", "R3": "closed", "R4": "superseded"}, owed=["R3"])
    version = publish(project, name="first", tracking_uri=server.uri)
    assert (version.name, version.version, version.status) == ("first", "1", "READY")
    assert version.tags == {
        "unlearn.state_digest": project.digest, "unlearn.project": project.id, "unlearn.requests": "R1,R3",
        "unlearn.exactness_owed": "true",
    }
    assert "R1, R3; an exact replay is still owed" in (version.description or "")
    assert server.client.get_model_version_by_alias("first", "champion").version == "1"
    assert server.download("models:/first@champion", tmp_path) == {
        "model.safetensors": f"model {project.digest}".encode(),
        "certificates/R1.json": b"certificate R1, 1", "certificates/R3.json": b"certificate R3, 2",
    }


def test_the_next_state_takes_the_alias_and_the_one_before_says_so(server: Server) -> None:
    project = FakeProject()
    publish(project, name="second", tracking_uri=server.uri)
    server.client.update_model_version("second", "1", "Our first.\n\nFit for production.")
    project.digest, project.requests = "bb" * 32, {"R1": "closed"}
    assert publish(project, name="second", tracking_uri=server.uri).version == "2"
    before = server.client.get_model_version("second", "1")
    assert before.tags["unlearn.superseded_by"] == "2"
    note = "Superseded by version 2: what was deleted since this one was made, it still knows."
    assert before.description == f"Our first.\n\nFit for production.\n\n{note}"
    assert server.client.get_registered_model("second").aliases == {"champion": "2"}
    assert len([file for file in server.files() if file.endswith("model.safetensors")]) >= 2

    # Another alias is another line of versions.
    assert publish(project, name="second", alias="challenger", tracking_uri=server.uri).version == "2"
    assert server.client.get_registered_model("second").aliases == {"champion": "2", "challenger": "2"}


def test_the_same_state_makes_no_new_version_and_nothing_is_sent_where_nothing_changed(server: Server, tmp_path: Path) -> None:
    project = FakeProject(requests={"R1": "closed"})
    first = publish(project, name="third", tracking_uri=server.uri)
    again = publish(project, name="third", tracking_uri=server.uri)
    assert (again.version, again.tags, again.description) == (first.version, first.tags, first.description)
    assert server.download("models:/third/1", tmp_path / "a")["certificates/R1.json"] == b"certificate R1, 1"

    # A request that changed no bit of the model.
    project.requests["R2"] = "closed"
    renewed = publish(project, name="third", tracking_uri=server.uri)
    assert (renewed.version, renewed.tags["unlearn.requests"]) == ("1", "R1,R2")
    assert server.download("models:/third/1", tmp_path / "b")["certificates/R2.json"] == b"certificate R2, 4"

    # Another project's model with the same bits is a version of its own.
    assert publish(FakeProject(id="f" * 32), name="third", tracking_uri=server.uri).version == "2"


def test_a_project_that_came_back_to_a_state_gets_its_version_back(server: Server) -> None:
    project = FakeProject()
    publish(project, name="fourth", tracking_uri=server.uri)
    project.digest = "bb" * 32
    publish(project, name="fourth", tracking_uri=server.uri)
    project.digest = "aa" * 32
    back = publish(project, name="fourth", tracking_uri=server.uri)
    assert back.version == "1" and "unlearn.superseded_by" not in back.tags and "Superseded" not in (back.description or "")
    assert server.client.get_model_version("fourth", "2").tags["unlearn.superseded_by"] == "1"

    # What was deleted cannot come back: its state is sent again.
    publish(project, name="fourth", tracking_uri=server.uri, delete_superseded=True)
    project.digest = "bb" * 32
    assert publish(project, name="fourth", tracking_uri=server.uri).version == "3"


def test_superseded_files_are_deleted_and_entries_stay_until_gc(server: Server, tmp_path: Path) -> None:
    project, secrets = FakeProject(), ["c1" * 32, "c2" * 32, "c3" * 32]
    for project.digest in secrets[:2]:
        publish(project, name="fifth", tracking_uri=server.uri)
    assert server.holds(f"model {secrets[0]}".encode())
    project.digest = secrets[2]
    # Those of earlier calls, too.
    publish(project, name="fifth", tracking_uri=server.uri, delete_superseded=True)
    assert [server.holds(f"model {secret}".encode()) for secret in secrets] == [False, False, True]
    runs: list[str] = []
    for number in ("1", "2"):
        version = server.client.get_model_version("fifth", number)
        assert version.tags["unlearn.artifacts_deleted"] == "true" and version.tags["unlearn.state_digest"] in secrets
        assert version.run_id and server.client.get_run(version.run_id).info.lifecycle_stage == "deleted"
        assert not [file for file in server.files() if version.run_id in file]
        runs.append(version.run_id)
    assert server.download("models:/fifth@champion", tmp_path)["model.safetensors"] == f"model {secrets[2]}".encode()

    gc = subprocess.run(
        [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", server.database, "--tracking-uri", server.uri],
        env=quiet(), capture_output=True, text=True, cwd=server.folder,
    )
    assert gc.returncode == 0, gc.stderr
    for run in runs:
        with pytest.raises(mlflow.exceptions.MlflowException, match="not found"):
            server.client.get_run(run)
    # The versions themselves stay, and nothing is tried on them again.
    assert {version.version for version in server.client.search_model_versions("name='fifth'")} == {"1", "2", "3"}
    publish(project, name="fifth", tracking_uri=server.uri, delete_superseded=True)


def test_files_that_another_alias_serves_and_versions_of_others_are_kept(server: Server) -> None:
    project = FakeProject(digest="d1" * 32)
    publish(project, name="sixth", tracking_uri=server.uri)
    server.client.set_registered_model_alias("sixth", "production", "1")
    project.digest = "d2" * 32
    with pytest.raises(RegistryError, match=r"model is published, but other aliases .* version 1 \(production\); move"):
        publish(project, name="sixth", tracking_uri=server.uri, delete_superseded=True)
    assert server.holds(b"model " + b"d1" * 32)
    assert server.client.get_registered_model("sixth").aliases == {"champion": "2", "production": "1"}
    server.client.delete_registered_model_alias("sixth", "production")
    publish(project, name="sixth", tracking_uri=server.uri, delete_superseded=True)
    assert not server.holds(b"model " + b"d1" * 32)

    other = FakeProject(digest="d3" * 32, id="e" * 32)
    publish(other, name="sixth", tracking_uri=server.uri, delete_superseded=True)
    assert server.client.get_model_version("sixth", "2").tags["unlearn.superseded_by"] == "3"
    assert server.holds(b"model " + b"d2" * 32)


def test_tags_that_were_copied_onto_other_files_delete_none_of_them(server: Server) -> None:
    project = FakeProject(digest="e1" * 32)
    version = publish(project, name="seventh", tracking_uri=server.uri)
    assert version.run_id
    run = server.client.get_run(version.run_id)
    tags = {**version.tags, "unlearn.superseded_by": "9"}
    copied = server.client.create_model_version("seventh", run.info.artifact_uri, version.run_id, tags)
    with pytest.raises(RegistryError, match=f"files of version {copied.version} .* where this module puts none"):
        publish(project, name="seventh", tracking_uri=server.uri, delete_superseded=True)
    assert server.holds(b"model " + b"e1" * 32)


def test_a_server_that_deletes_nothing_is_an_error_and_is_asked_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    project = FakeProject(digest="f1" * 32)
    publish(project, name="eighth", tracking_uri=server.uri)
    project.digest = "f2" * 32
    with monkeypatch.context() as patched:
        patched.setattr(MlflowArtifactsRepository, "delete_artifacts", lambda self, artifact_path=None: None)
        with pytest.raises(RegistryError, match="version 1 of 'eighth' cannot be deleted: the server kept .*"):
            publish(project, name="eighth", tracking_uri=server.uri, delete_superseded=True)
    assert "unlearn.artifacts_deleted" not in server.client.get_model_version("eighth", "1").tags
    publish(project, name="eighth", tracking_uri=server.uri, delete_superseded=True)
    assert not server.holds(b"model " + b"f1" * 32) and server.holds(b"model " + b"f2" * 32)


def test_an_upload_that_breaks_leaves_no_model_behind_and_can_be_made_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    project = FakeProject(digest="a7" * 32)

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("the line is cut")

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "create_model_version", refuse)
        with pytest.raises(ConnectionError):
            publish(project, name="ninth", tracking_uri=server.uri)
    assert not server.holds(b"model " + b"a7" * 32)
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "set_registered_model_alias", refuse)
        with pytest.raises(ConnectionError):
            publish(project, name="ninth", tracking_uri=server.uri)
    assert publish(project, name="ninth", tracking_uri=server.uri).version == "1"
    assert server.client.get_registered_model("ninth").aliases == {"champion": "1"}


def test_a_given_certificate_is_checked_and_sent_in_place_of_others(server: Server, tmp_path: Path) -> None:
    project = FakeProject(digest="a8" * 32, requests={"R1": "closed", "R2": "closed"})
    mine, rows = tmp_path / "mine.txt", tmp_path / "rows.csv"
    mine.write_text("certificate R2 as it was")
    rows.write_text("id,income\nperson1,12\n")
    with pytest.raises(UnlearnError, match="no certificate"):
        publish(project, name="tenth", certificate=rows, tracking_uri=server.uri)
    version = publish(project, name="tenth", certificate=mine, tracking_uri=server.uri)
    assert version.tags["unlearn.requests"] == "R1,R2" and project.issued == 0
    files = server.download("models:/tenth@champion", tmp_path / "got")
    assert set(files) == {"model.safetensors", "certificates/R2.json"} and files["certificates/R2.json"] == mine.read_bytes()


def test_a_project_that_changes_meanwhile_is_not_published(server: Server) -> None:
    with pytest.raises(RegistryError, match="changed while"):
        publish(FakeProject(changes_to="bb" * 32), name="eleventh", tracking_uri=server.uri)
    assert not server.client.search_registered_models("name='eleventh'")


@pytest.mark.skipif("UNLEARN" not in os.environ, reason="UNLEARN names no program")
def test_the_real_program_publishes_before_and_after_a_deletion_and_no_row_reaches_the_server(server: Server, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 600)
    ids, x = np.array([f"subject-{row}" for row in range(600)]), (y[:, None] + rng.standard_normal((600, 5))).astype(np.float32)
    np.savez(tmp_path / "rows.npz", x=x, y=y, id=ids)
    project = Project(tmp_path / "project", os.environ["UNLEARN"])
    project.init(data=f"npz:{tmp_path / 'rows.npz'}", blocks=4, model="mlp", hidden=[8])
    project.train()
    before = publish(project, name="real", tracking_uri=server.uri)
    places = project.run("where", input="".join(f"{one}\n" for one in ids[:50]), ids="-")["rows"]
    deleted = next(row["id"] for row in places if row["block"])
    deletion = project.delete([deleted], method="exact")
    project.request_add([next(row["id"] for row in places if row["block"] and row["id"] != deleted)])
    after = publish(project, name="real", tracking_uri=server.uri, delete_superseded=True)
    assert (before.version, after.version) == ("1", "2")
    assert after.tags["unlearn.state_digest"] == deletion.state_digest and before.tags["unlearn.state_digest"] != deletion.state_digest
    assert (after.tags["unlearn.requests"], after.tags["unlearn.exactness_owed"]) == ("R1", "false")

    files = server.download("models:/real@champion", tmp_path / "got")
    assert safetensors.load(files["model.safetensors"])
    (tmp_path / "R1.json").write_bytes(files["certificates/R1.json"])
    (tmp_path / "model.safetensors").write_bytes(files["model.safetensors"])
    checked = project.run("verify-certificate", str(tmp_path / "R1.json"), model=tmp_path / "model.safetensors")
    assert checked["state_digest"] == deletion.state_digest
    # The search finds what is there: the project's id is. No id, and no row's numbers, as bytes or in words, are.
    assert server.holds(after.tags["unlearn.project"].encode())
    assert not any(server.holds(str(one).encode()) for one in ids)
    assert not any(server.holds(row.tobytes()) or server.holds(json.dumps(float(row[0])).encode()) for row in x)

    # A certificate that an earlier call wrote is one of this project; that of another project is refused.
    project.certificate("R1", tmp_path / "kept.json")
    assert publish(project, name="real", certificate=tmp_path / "kept.json", tracking_uri=server.uri).version == "2"
    other = Project(tmp_path / "other", os.environ["UNLEARN"])
    other.init(data=f"npz:{tmp_path / 'rows.npz'}", blocks=2, model="logistic")
    other.train()
    with pytest.raises(UnlearnError):
        publish(other, name="real", certificate=tmp_path / "kept.json", tracking_uri=server.uri)
