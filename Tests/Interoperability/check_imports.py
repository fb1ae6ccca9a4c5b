"""Rows that NumPy saved, plain and compressed, bytes and floats, with ids and groups: imported as they were."""
import json
import pathlib
import tempfile

import numpy as np

from support import expect, finish, unlearn

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    random = np.random.default_rng(1)
    labels = random.integers(0, 3, 300)
    images = random.integers(0, 50, (300, 6, 6)).astype(np.uint8)
    for i, k in enumerate(labels):
        images[i, 2 * k:2 * k + 2] += 150
    ids = np.array([f"person-{i}-ä" for i in range(300)])
    groups = np.array([b"north", b"south"])[np.arange(300) % 2]
    states, count = {}, 0
    for save in (np.savez, np.savez_compressed):
        for x in (images, (images / 255).astype(np.float32), images.reshape(300, 36) / 255.0):
            label = f"{save.__name__}, {x.dtype} {x.shape}"
            save(folder / "rows.npz", x=x, y=labels, id=ids, group=groups, other=np.array([None], dtype=object))
            count += 1
            project = folder / f"project{count}"

            def call(*arguments):
                return json.loads(unlearn(project, *arguments, "--json", input="person-7-ä\n").stdout)

            made = call("init", "--data", f"npz:{folder / 'rows.npz'}", "--model", "logistic", "--blocks", "3", "--holdout", "0.2",
                           "--epochs", "100", "--batch-size", "10")
            expect((made["rows"], made["test_rows"], made["classes"]) == (240, 60, 3), f"{label}: all rows and classes are there")
            expect(call("where", "--ids", "-")["rows"][0]["group"] == "south", f"{label}: ids and groups are those of NumPy")
            trained = call("train")
            expect(trained["test_accuracy"] > 0.9, f"{label}: the rows can be learnt")
            states.setdefault((x.dtype, x.shape), set()).add(trained["state_digest"])
    expect(all(len(digests) == 1 for digests in states.values()), "compression changes no bit of the model")

    np.savez(folder / "fortran.npz", x=np.asfortranarray(images.astype(np.float32)), y=labels)
    refused = unlearn(folder / "none", "init", "--data", f"npz:{folder / 'fortran.npz'}", "--model", "logistic", check=False)
    expect(refused.returncode == 2 and "ascontiguousarray" in refused.stderr, "Fortran order is refused with advice")

finish()
