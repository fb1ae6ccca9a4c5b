"""Exports of a small trained project, opened by the safetensors package and by NumPy: the same names, shapes, numbers."""
import csv
import pathlib
import random
import tempfile

import numpy as np
from safetensors.numpy import load_file

from support import expect, finish, unlearn

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    source = random.Random(1)
    with open(folder / "rows.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "x", "y", "colour", "label"])
        for i in range(400):
            x, y = source.gauss(0, 1), source.gauss(0, 1)
            writer.writerow([f"p{i}", x, y, source.choice(["red", "green"]), "in" if x * x + y * y < 1 else "out"])

    project = folder / "project"
    unlearn(project, "init", "--data", f"csv:{folder / 'rows.csv'}", "--id-column", "who", "--label-column", "label", "--model", "mlp",
            "--hidden", "8,4", "--blocks", "10", "--assignment-seed", "1")
    unlearn(project, "train")
    for block in [None, 0, 5]:
        extra = [] if block is None else ["--block", str(block)]
        unlearn(project, "export", "--out", str(folder / "state.safetensors"), "--force", *extra)
        unlearn(project, "export", "--out", str(folder / "state.npz"), "--force", *extra)
        tensors, arrays = load_file(folder / "state.safetensors"), np.load(folder / "state.npz")
        label = "the last state" if block is None else f"state {block}"
        expect(set(tensors) == set(arrays.files) - {"unlearn"} and len(tensors) == 6, f"{label}: both formats hold the six tensors of the network")
        expect(tensors["hidden1.weight"].shape == (8, 4) and tensors["output.bias"].shape == (2,), f"{label}: shapes are those of the network")
        expect(all(np.array_equal(tensors[key], arrays[key]) for key in tensors), f"{label}: both formats hold the same numbers")
        steps = np.concatenate([tensors[key].ravel() for key in tensors]) * 2.0**18
        expect(np.array_equal(steps, np.round(steps)) and np.abs(steps).max() > 0, f"{label}: every number lies on the lattice")
        expect(all(tensors[key].dtype == np.float32 for key in tensors), f"{label}: numbers are single precision")

finish()
