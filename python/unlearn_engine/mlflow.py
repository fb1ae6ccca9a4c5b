"""Models of a project, and the evidence of what was deleted from them, as versions of a registered model of MLflow.

What reaches the server: the model as ``export`` writes it (weights, names of columns, classes and categories), certificates (digests,
counts, and the name of the source that rows came from), and tags. No rows, no ids, no keys.

What stays there: every earlier version still knows the rows that were deleted since. ``publish`` marks the version that it takes the alias
from, and with ``delete_superseded=True`` it has the server delete the files of versions so marked. Then these remain:

- the version itself, with its number, tags and description, which hold digests and names of requests; ``MlflowClient.delete_model_version``
  takes it away,
- the entry of its run, marked as deleted, which ``mlflow gc`` on the server takes away, and with it whatever the store of files still has,
- what no client reaches: backups of the server, earlier versions of objects where the store keeps those, and copies that were downloaded.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from .project import Project

__all__ = ["RegistryError", "publish"]

_DIGEST = "unlearn.state_digest"
_PROJECT = "unlearn.project"
_REQUESTS = "unlearn.requests"
_OWED = "unlearn.exactness_owed"
_SUPERSEDED = "unlearn.superseded_by"
_DELETED = "unlearn.artifacts_deleted"
#: The folder of a run's artifacts that a version consists of.
_FOLDER = "model"
#: How the paragraph begins that a superseded version's description ends with.
_NOTE = "Superseded by version "


class RegistryError(Exception):
    """A model cannot be published, or what it replaced cannot be deleted."""


def publish(
    project: Project, *, name: str, alias: str = "champion", certificate: str | os.PathLike[str] | None = None,
    tracking_uri: str | None = None, delete_superseded: bool = False,
) -> ModelVersion:
    """Makes the project's current model the version of a registered model that the alias names.

    A version holds ``model.safetensors`` and ``certificates/R1.json`` and so on, and has the tags ``unlearn.state_digest``,
    ``unlearn.project`` (its id), ``unlearn.requests`` (all that are closed, with commas) and ``unlearn.exactness_owed`` (``true`` or
    ``false``). The version that had the alias gets ``unlearn.superseded_by`` and a paragraph in its description.

    A state that is published already gets no second version: the alias comes back to the first, with the certificates and tags of today.
    So a call that was interrupted is simply made again.

    Args:
        name: the registered model; it is made where there is none, and an experiment of this name for the runs that hold the files.
        alias: what names the version in use, as in ``models:/NAME@champion``.
        certificate: a file that ``Project.certificate`` wrote, in place of new certificates of all closed requests.
        tracking_uri: the server; where it is None, that of ``mlflow.set_tracking_uri`` or ``MLFLOW_TRACKING_URI``.
        delete_superseded: delete the files of all versions that this project's models superseded, now and before. The module says
            what remains.

    Raises:
        UnlearnError: where the project has no model to export, or the certificate is not one of this project.
        RegistryError: where the project changed meanwhile; or where superseded files cannot be deleted, behind publishing.
        mlflow.exceptions.MlflowException: where the server says no.
    """
    client = MlflowClient(tracking_uri)
    with tempfile.TemporaryDirectory(prefix="unlearn-") as folder:
        model = _export(project, Path(folder), certificate)
        with _unless("RESOURCE_ALREADY_EXISTS"):
            client.create_registered_model(name)
        version = _published(client, name, model)
        if version is None:
            version = _create(client, name, model)
        elif certificate is not None or any(version.tags.get(key) != value for key, value in model.tags.items()):
            _renew(client, version, model)
    _move_alias(client, name, alias, version)
    if delete_superseded:
        _delete_superseded(client, name, model)
    return client.get_model_version(name, version.version)


@dataclass(frozen=True)
class _Model:
    """What goes into a version."""

    #: The files as they are to lie on the server.
    folder: Path
    digest: str
    project: str
    tags: dict[str, str]

    @property
    def description(self) -> str:
        requests = self.tags[_REQUESTS].replace(",", ", ") or "none"
        owed = "; an exact replay is still owed" if self.tags[_OWED] == "true" else ""
        return f"Project {self.project}, state {self.digest}. Requests carried out: {requests}{owed}."


def _export(project: Project, folder: Path, certificate: str | os.PathLike[str] | None) -> _Model:
    """The model and its certificates. The state is looked at last, and must be the one that was exported."""
    exported = project.export(folder / "model.safetensors")["state_digest"]
    certificates = folder / "certificates"
    certificates.mkdir()
    closed = [request.request for request in project.request_list() if request.state == "closed"]
    if certificate is None:
        for request in closed:
            project.certificate(request, certificates / f"{request}.json")
    status = project.status()
    if certificate is not None:
        # The bytes that are checked are those that are sent; a file of rows that was named by mistake is none.
        copy = certificates / "certificate.json"
        copy.write_bytes(Path(certificate).read_bytes())
        checked = project.run("verify-certificate", str(copy), public_key=status["public_key"], project=status["project"])
        copy.rename(certificates / f"{checked['request']}.json")
    if status["state_digest"] != exported:
        raise RegistryError("the project changed while its model was exported; nothing was published: publish again when it is at rest")
    tags = {
        _DIGEST: exported, _PROJECT: status["project"], _REQUESTS: ",".join(closed),
        _OWED: "true" if status["requests_owed"] else "false",
    }
    return _Model(folder, exported, status["project"], tags)


def _versions(client: MlflowClient, name: str) -> list[ModelVersion]:
    found: list[ModelVersion] = []
    page = None
    quoted = name.replace("'", "''")
    while True:
        part = client.search_model_versions(f"name='{quoted}'", page_token=page)
        found += part
        page = part.token
        if not page:
            return found


def _published(client: MlflowClient, name: str, model: _Model) -> ModelVersion | None:
    """The version with this state, as long as its files are there."""
    for version in _versions(client, name):
        tags = version.tags
        if tags.get(_DIGEST) == model.digest and tags.get(_PROJECT) == model.project and _DELETED not in tags and _is_made_here(version):
            return version
    return None


def _is_made_here(version: ModelVersion) -> bool:
    """Whether its files lie where `_create` puts them. Tags can be copied by anybody, onto a version of any files."""
    return bool(version.run_id) and (version.source or "").split("/")[-3:] == [version.run_id, "artifacts", _FOLDER]


def _create(client: MlflowClient, name: str, model: _Model) -> ModelVersion:
    experiment = client.get_experiment_by_name(name)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(name)
    run = client.create_run(experiment_id, run_name=f"unlearn {model.digest[:12]}", tags={_DIGEST: model.digest, _PROJECT: model.project})
    source = f"{run.info.artifact_uri}/{_FOLDER}"
    try:
        _files(client, source).log_artifacts(str(model.folder))
        version = client.create_model_version(name, source, run.info.run_id, model.tags, description=model.description)
    except BaseException:
        # A model that no version names would be found by nobody when its rows are to be forgotten.
        with contextlib.suppress(Exception):
            client.set_terminated(run.info.run_id, "FAILED")
            client.delete_run(run.info.run_id)
            _files(client, source).delete_artifacts()
        raise
    client.set_terminated(run.info.run_id)
    return version


def _renew(client: MlflowClient, version: ModelVersion, model: _Model) -> None:
    """Brings certificates and tags to what they are today: requests may have been closed that changed no bit of the model."""
    _files(client, f"{version.source}/certificates").log_artifacts(str(model.folder / "certificates"))
    for key, value in model.tags.items():
        client.set_model_version_tag(version.name, version.version, key, value)
    client.update_model_version(version.name, version.version, model.description)


def _move_alias(client: MlflowClient, name: str, alias: str, version: ModelVersion) -> None:
    """The old version is marked first: were it last, an interruption would leave it unmarked for good."""
    number = str(version.version)
    before = client.get_registered_model(name).aliases.get(alias)
    if before is not None and str(before) != number:
        old = client.get_model_version(name, before)
        client.set_model_version_tag(name, before, _SUPERSEDED, number)
        note = f"{_NOTE}{number}: what was deleted since this one was made, it still knows."
        client.update_model_version(name, before, _description(old, note))
    if _SUPERSEDED in version.tags:
        # The project came back to this state.
        client.delete_model_version_tag(name, number, _SUPERSEDED)
        client.update_model_version(name, number, _description(client.get_model_version(name, number)))
    if str(before) != number:
        client.set_registered_model_alias(name, alias, number)


def _description(version: ModelVersion, note: str | None = None) -> str:
    """Its description, whoever wrote it, with this note in place of an earlier one."""
    paragraphs = [part for part in (version.description or "").split("\n\n") if part and not part.startswith(_NOTE)]
    return "\n\n".join(paragraphs + ([note] if note else []))


def _delete_superseded(client: MlflowClient, name: str, model: _Model) -> None:
    aliases: dict[str, list[str]] = {}
    for alias, number in client.get_registered_model(name).aliases.items():
        aliases.setdefault(str(number), []).append(alias)
    in_use = []
    for version in _versions(client, name):
        if version.tags.get(_PROJECT) != model.project or _SUPERSEDED not in version.tags or _DELETED in version.tags:
            continue
        number = str(version.version)
        if number in aliases:
            in_use.append(f"version {number} ({', '.join(sorted(aliases[number]))})")
            continue
        _delete_files(client, version)
        # Last of all the mark that it is done: until then the next call tries again.
        client.set_model_version_tag(name, number, _DELETED, "true")
    if in_use:
        raise RegistryError(
            f"the model is published, but other aliases still name superseded versions of '{name}', whose files were kept: "
            f"{', '.join(in_use)}; move or delete these aliases and publish again"
        )


def _delete_files(client: MlflowClient, version: ModelVersion) -> None:
    failed = f"the model is published, but the files of version {version.version} of '{version.name}' cannot be deleted: "
    if version.source is None or version.run_id is None or not _is_made_here(version):
        place = f"they lie in '{version.source}', where this module puts none"
        raise RegistryError(f"{failed}{place}; delete them by hand and tag the version {_DELETED}")
    files = _files(client, version.source)
    try:
        files.delete_artifacts()
        left = files.list_artifacts()
    except Exception as error:
        raise RegistryError(f"{failed}{error}") from error
    if left:
        raise RegistryError(f"{failed}the server kept {left[0].path}")
    # The run has no other purpose; `mlflow gc` removes what is marked so.
    with _unless("RESOURCE_DOES_NOT_EXIST"):
        client.delete_run(version.run_id)


def _files(client: MlflowClient, source: str) -> Any:
    """What stores and deletes below this address: the client's own methods look for it at the server that the environment names."""
    return get_artifact_repository(source, client.tracking_uri)


@contextlib.contextmanager
def _unless(*codes: str) -> Iterator[None]:
    """Passes over these answers of the server."""
    try:
        yield
    except MlflowException as error:
        if error.error_code not in codes:
            raise
