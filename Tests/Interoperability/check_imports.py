"""Rows that NumPy saved, plain and compressed, bytes and floats, with ids and groups, as sparse text and as CIFAR-10's records:
imported as they were."""
import gzip
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
                           "--epochs", "100", "--batch-size", "10", "--assignment-seed", "1")
            # A fifth of each class; what it has beyond whole rows is rounded at random.
            expect(made["rows"] + made["test_rows"] == 300 and abs(made["test_rows"] - 60) <= 3 and made["classes"] == 3, f"{label}: all rows and classes are there")
            expect(call("where", "--ids", "-")["rows"][0]["group"] == "south", f"{label}: ids and groups are those of NumPy")
            trained = call("train")
            expect(trained["test_accuracy"] > 0.9, f"{label}: the rows can be learnt")
            states.setdefault((x.dtype, x.shape), set()).add(trained["state_digest"])
    expect(all(len(digests) == 1 for digests in states.values()), "compression changes no bit of the model")

    def trained(label, *arguments):
        made = json.loads(unlearn(folder / label, "init", *arguments, "--model", "logistic", "--blocks", "5", "--epochs", "20", "--batch-size", "10",
                                  "--assignment-seed", "1", "--json").stdout)
        return made | json.loads(unlearn(folder / label, "train", "--json").stdout)

    # The same rows in either order, as floats and as integers, with labels of either kind: the same bits.
    np.savez(folder / "c.npz", x=images.astype(np.float32), y=labels)
    np.savez(folder / "fortran.npz", x=np.asfortranarray(images.astype(np.float32)), y=labels.astype(np.float64))
    np.savez(folder / "integers.npz", x=images.astype(np.int64), y=labels)
    orders = {trained(name, "--data", f"npz:{folder / name}.npz")["state_digest"] for name in ("c", "fortran", "integers")}
    expect(len(orders) == 1, "Fortran order and wide integers train the model that C order and floats train")

    # The same rows as an array and as text: the same bits.
    sparse = np.where(random.random((300, 40)) < 0.1, random.normal(size=(300, 40)), 0).astype(np.float32)
    sparse[np.arange(300), labels] = 3
    sparse[7] = 0
    np.savez(folder / "sparse.npz", x=sparse, y=labels - 1)
    text = "# written row by row\n" + "".join(
        f"{k - 1:+d} " + " ".join(f"{j + 1}:{row[j]!s}" for j in np.flatnonzero(row)) + "\n" for k, row in zip(labels, sparse))
    (folder / "sparse.libsvm").write_text(text)
    (folder / "sparse.libsvm.gz").write_bytes(gzip.compress(text.encode()))
    results = [trained(f"sparse{i}", "--data", spec) for i, spec in enumerate(
        (f"npz:{folder / 'sparse.npz'}", f"libsvm:{folder / 'sparse.libsvm'}", f"libsvm:{folder / 'sparse.libsvm.gz'}"))]
    expect(len({result["state_digest"] for result in results}) == 1 and abs(results[1]["rows"] - 270) <= 3, "sparse text trains the model that its array trains")

    batches = folder / "cifar-10-batches-bin"
    batches.mkdir()
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        pixels, kinds = random.integers(0, 60, (60, 3, 32, 32), dtype=np.uint8), np.arange(60, dtype=np.uint8) % 10
        for i, k in enumerate(kinds):
            pixels[i, k % 3, 8 * (k // 3):8 * (k // 3) + 8] += 150
        np.concatenate([kinds[:, None], pixels.reshape(60, -1)], axis=1).tofile(batches / f"{name}.bin")
    result = trained("cifar10", "--data", f"cifar10:{folder}")
    expect((result["rows"], result["test_rows"], result["classes"]) == (300, 60, 10), "every record of CIFAR-10 is a row, test rows its own")
    expect(result["test_accuracy"] > 0.9, "records of CIFAR-10 can be learnt")

finish()
