"""Progress as a notebook shows it, with the program that UNLEARN names; skipped where the program, nbclient or a kernel is missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_engine import PACKAGE

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

UNLEARN = os.environ.get("UNLEARN")
pytestmark = pytest.mark.skipif(not UNLEARN, reason="UNLEARN names no program")

CELL = """
from unlearn_engine.project import Project
project = Project("shop", {program!r}, progress=True)
project.init(data="npz:rows.npz", model="mlp", hidden=64, blocks=20, epochs=60, assignment_seed=1)
print(project.train().test_accuracy)
"""


def test_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 20_000)
    np.savez(tmp_path / "rows.npz", x=(2 * np.eye(3, 50)[y] + rng.standard_normal((20_000, 50))).astype(np.float32), y=y)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.format(program=str(UNLEARN)))])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python"}
    # The environment's own kernel, which knows this package.
    monkeypatch.setenv("JUPYTER_PATH", os.path.join(sys.prefix, "share", "jupyter"))
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE))
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = notebook.cells[0].outputs
    shown = "".join(output.text for output in outputs if output.get("name") == "stderr")
    said = "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert 0.5 < float(said) <= 1
    # Each state in the place of the one before.
    states = shown.split("\r")
    assert any(text.startswith("importing ") for text in states) and any(text.startswith("training ") and "/20" in text for text in states), shown
    assert "\x1b" not in shown
