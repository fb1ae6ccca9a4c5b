#!/usr/bin/env python3
"""predict.py MODEL ROWS.csv: class and probabilities of each row of a table, with NumPy alone, from a file that 'unlearn export' wrote."""
import csv
import datetime
import json
import math
import sys

import numpy as np

MISSING = {"", "na", "n/a", "#n/a", "nan", "nat", "null", "nil", "none", "<na>", "?", "-", "--", "."}
TRUE = {"true", "yes", "y", "t", "on"}


def load(path):
    """The tensors of a .safetensors or .npz file, and what it says of its model."""
    if path.endswith(".npz"):
        tensors = dict(np.load(path))
        return tensors, json.loads(tensors.pop("unlearn").tobytes())
    data = open(path, "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    model = json.loads(header.pop("__metadata__")["unlearn"])
    place = lambda spec: slice(start + spec["data_offsets"][0], start + spec["data_offsets"][1])
    return {name: np.frombuffer(data[place(spec)], "<f4").reshape(spec["shape"]) for name, spec in header.items()}, model


def features(column, cell, comma):
    """The features that one cell becomes."""
    kind, cell = column["kind"], cell.strip()
    if kind == "categories":
        names = column["categories"]
        place = names.index(cell) if cell in names else len(names)
        return [float(place == i) for i in range(len(names) + column.get("pooled", False))]
    gaps, scaled = column.get("gaps", False), lambda value, name: (value - column[name + "mean"]) / column[name + "deviation"]
    if cell.lower() in MISSING:
        return [0.0] * (2 if "time_mean" in column else 1) + [1.0] * gaps
    if kind == "boolean":
        values = [1.0 if cell.lower() in TRUE else -1.0]
    elif kind == "number":
        values = [scaled(float(cell.replace(",", ".") if comma else cell), "")]
    else:
        time = datetime.datetime.fromisoformat(cell.replace("/", "-") if "." not in cell[:9] else "-".join(cell[:10].split(".")[::-1]) + cell[10:])
        time = time.astimezone(datetime.timezone.utc).replace(tzinfo=None) if time.tzinfo else time
        since = time - datetime.datetime(1970, 1, 1)
        values = [scaled(since.days, "")] + ([scaled(since.seconds + since.microseconds / 1e6, "time_")] if "time_mean" in column else [])
    return values + [0.0] * gaps


ACTIVATIONS = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0),
               "gelu": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))}


def probabilities(tensors, model, x):
    layers = sorted({name.rsplit(".", 1)[0] for name in tensors}, key=lambda name: (name == "output", len(name), name))
    for layer in layers:
        x = x @ tensors[layer + ".weight"].T + tensors[layer + ".bias"]
        x = ACTIVATIONS[model["network"]["activation"]](x) if layer != layers[-1] else x
    exponentials = np.exp(x - x.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    tensors, model = load(sys.argv[1])
    rows = list(csv.DictReader(open(sys.argv[2], newline="", encoding="utf-8-sig")))
    columns, comma = model["table"]["columns"], model["table"].get("decimal_comma", False)
    x = np.array([sum((features(c, row[c["name"]], comma) for c in columns), []) for row in rows], dtype=np.float32)
    found = probabilities(tensors, model, x)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["class"] + ["p_" + name for name in model["class_names"]])
    writer.writerows([model["class_names"][row.argmax()]] + row.tolist() for row in found)
