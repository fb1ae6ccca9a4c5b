"""Exports as ONNX, checked by the onnx package and run by onnxruntime, beside what the program predicts: tables with all that their columns may
hold, images of one channel and of three."""
import csv
import datetime
import json
import os
import pathlib
import random
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

from support import expect, finish, unlearn

os.environ["UNLEARN_PYTHON"] = sys.executable


def predictions(path):
    rows = list(csv.reader(open(path, newline="")))
    first = rows[0].index("class")
    return [row[first] for row in rows[1:]], np.array([row[first + 1:] for row in rows[1:]], np.float64)


def compare(project, label, data, inputs):
    """Exports a project's model, runs it, and compares both with `unlearn predict`."""
    path = str(project) + ".onnx"
    unlearn(project, "export", "--out", path, "--force")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expect({given.name for given in session.get_inputs()} == set(inputs), f"{label}: the inputs are {', '.join(inputs)}")
    classes, found = session.run(["class", "probabilities"], inputs)
    unlearn(project, "predict", "--data", data, "--out", str(project) + ".csv", "--force")
    ours, probabilities = predictions(str(project) + ".csv")
    apart = np.abs(probabilities - found).max() if probabilities.shape == found.shape else 1
    spread = probabilities.std(axis=0).max()
    expect(apart <= 1e-5 and spread > 0.05, f"{label}: probabilities lie {apart:.1e} apart at most on {len(ours)} rows, which differ by {spread:.2f}")
    # Where two classes are as likely, either may be named.
    clear = np.diff(np.sort(probabilities, axis=1)[:, -2:])[:, 0] > 1e-4
    expect(clear.sum() > len(ours) / 2 and all(a == b for a, b, is_clear in zip(ours, classes, clear) if is_clear), f"{label}: classes are named alike")
    return model


def train(project, data, *arguments):
    unlearn(project, "init", "--data", data, "--blocks", "2", "--assignment-seed", "1", *arguments)
    unlearn(project, "train")


def table_inputs(rows):
    """Cells as a caller would turn them into inputs. An underscore is put behind names that are taken."""
    gap = float("nan")
    column = lambda name, value: np.array([[value(row[name])] for row in rows], np.float32)
    number = lambda text: gap if text in ("", "NA") else float(text)
    texts = lambda name: np.array([[row[name].strip()] for row in rows], object)
    moments = [datetime.datetime.fromisoformat(row["moment"]) - datetime.datetime(1970, 1, 1) if row["moment"] else None for row in rows]
    return {
        "x": column("x", number), "gap": column("gap", number), "class_": texts("class"),
        "day": column("day", lambda text: (datetime.date(*map(int, reversed(text.split(".")))) - datetime.date(1970, 1, 1)).days),
        "moment": np.array([[gap if moment is None else moment.days] for moment in moments], np.float32),
        "moment_seconds_": np.array([[gap if moment is None or len(row["moment"]) == 10 else moment.seconds + moment.microseconds / 1e6]
                                     for moment, row in zip(moments, rows)], np.float32),
        "moment_seconds": column("moment_seconds", number), "ok": column("ok", lambda text: {"yes": 1, "No": -1, "": gap}[text]), "few": texts("few"),
    }


def write_table(path, source, count, colours, few):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        # Two names that the graph has a use for, too.
        writer.writerow(["who", "x", "gap", "class", "day", "moment", "moment_seconds", "ok", "few", "label"])
        for i in range(count):
            x = source.gauss(3, 2)
            writer.writerow([
                f"p{i}", x, source.choice(["", "NA", f"{source.gauss(0, 1):.3f}"]), source.choice(colours + [f"rare {source.randint(0, 99)}"]),
                f"{source.randint(1, 28):02}.0{source.randint(1, 9)}.2021",
                source.choice(["", f"2020-01-{source.randint(10, 28)}T{source.randint(10, 23)}:05:06.5", f"2020-02-{source.randint(10, 28)}"]),
                source.gauss(1e6, 1e5), source.choice(["yes", "No", ""]), few[i] if i < len(few) else source.choice(few[1:]),
                source.choice(["a", "b", "ü, \"c\""]) if x < 3 else "a"])


def write_idx(path, array):
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes())


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    source = random.Random(3)
    write_table(folder / "rows.csv", source, 600, ["red", " green ", "dark, blue", "NA", ""], ["only one", "some", "many"])
    # With texts that training never saw, pooled where there is a pool, nothing at all where there is none.
    write_table(folder / "new.csv", source, 300, ["red", "green", "dark, blue", "NA", "n/A", "?", "none", "", "never seen"], ["only one", "some", "many", "never seen"])
    inputs = table_inputs(list(csv.DictReader(open(folder / "new.csv", newline=""))))
    new, table = f"csv:{folder / 'new.csv'}", ["--id-column", "who", "--label-column", "label", "--most-categories", "5"]
    for model, *extra in [["logistic"], ["mlp", "--hidden", "12,9", "--activation", "gelu"], ["mlp", "--hidden", "7", "--activation", "relu"],
                          ["mlp", "--activation", "tanh"]]:
        project, label = folder / "-".join([model, *extra]), " ".join([model, *extra])
        train(project, f"csv:{folder / 'rows.csv'}", *table, "--model", model, *extra)
        compare(project, label, new, inputs)
    unlearn(project, "delete", "--ids", "-", "--method", "exact", "--yes", input="p0\n")
    made = compare(project, "a category whose last row was deleted", new, inputs)
    unlearn(project, "export", "--out", str(folder / "same.onnx"))
    expect((folder / "same.onnx").read_bytes() == pathlib.Path(str(project) + ".onnx").read_bytes(), "two exports of one state are the same bytes")
    unlearn(project, "export", "--out", str(folder / "same.safetensors"))
    data = (folder / "same.safetensors").read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    expect({p.key: p.value for p in made.metadata_props} == header["__metadata__"], "the model carries the description of the other formats, word for word")
    expect("\\u0000" in header["__metadata__"]["unlearn"], "the name of that category is gone")
    for some in [["x", "gap", "ok"], ["few", "class"]]:
        project = folder / "-".join(some)
        train(project, f"csv:{folder / 'rows.csv'}", *table, "--model", "logistic", "--only-columns", ",".join(some))
        compare(project, f"a table of {', '.join(some)} alone", new, {name: inputs[name] for name in inputs if name.rstrip("_") in some})

    numbers = np.random.default_rng(1)
    labels = np.arange(200, dtype=np.uint8) % 4
    for side, padded in [(14, "padded"), (33, "as they are")]:
        images = numbers.integers(0, 120, (200, side, side)).astype(np.uint8)
        for image, k in zip(images, labels):
            image[3 * k:3 * k + 3] += 120
        write_idx(folder / "images", images)
        write_idx(folder / "labels", labels)
        data = f"idx:{folder / 'images'},{folder / 'labels'}"
        pooling = ["--pooling", "max"] if side == 33 else []
        train(folder / f"lenet{side}", data, "--model", "lenet5", "--epochs", "20", "--batch-size", "10", *pooling)
        compare(folder / f"lenet{side}", f"lenet5 of {side}×{side} pixels, {padded}", data, {"x": images[:, None].astype(np.float32)})
    train(folder / "flat", data, "--model", "mlp", "--hidden", "8", "--epochs", "4", "--batch-size", "10")
    compare(folder / "flat", "mlp of images", data, {"x": images[:, None].astype(np.float32)})

    np.savez(folder / "features.npz", x=numbers.normal(size=(200, 5)).astype(np.float32) + labels[:, None], y=labels)
    train(folder / "features", f"npz:{folder / 'features.npz'}", "--model", "logistic", "--epochs", "4", "--batch-size", "10")
    compare(folder / "features", "logistic of plain features", f"npz:{folder / 'features.npz'}", {"x": np.load(folder / "features.npz")["x"]})

    images = numbers.integers(0, 120, (40, 3, 32, 32)).astype(np.uint8)
    images[np.arange(40), labels[:40] % 3] += 100
    np.savez(folder / "colour.npz", x=images, y=labels[:40])
    train(folder / "resnet", f"npz:{folder / 'colour.npz'}", "--model", "resnet20", "--epochs", "12", "--batch-size", "10")
    compare(folder / "resnet", "resnet20 of 3×32×32 pixels", f"npz:{folder / 'colour.npz'}", {"x": images.astype(np.float32)})

finish()
