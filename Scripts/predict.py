#!/usr/bin/env python3
"""predict.py MODEL ROWS.csv [ENCODING]: class and probabilities of each row of a table, with NumPy alone, from a file that 'unlearn export'
wrote. The table is text, plain or gzip, in the encoding of the table that the model was trained on where none is named."""
import csv
import gzip
import io
import json
import math
import re
import signal
import sys
import zlib
from datetime import datetime, timezone
from unicodedata import normalize

import numpy as np

EMPTY = {"", "na", "n/a", "#n/a", "nan", "nat", "null", "<na>", "?"}
MISSING = EMPTY | {"nil", "none", "-", "--", "."}
BOOLEANS = dict.fromkeys("true yes y t on ja oui si sí sì sim wahr vrai verdadero vero".split(), 1) | dict.fromkeys(
    "false no n f off nein nee nej nei non não nao falsch faux falso".split(), -1)
ACTIVATIONS = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0),
               "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))}


def load(path):
    """The tensors of a .safetensors or .npz file, and what it says of its model."""
    if path.endswith(".npz"):
        tensors = dict(np.load(path))
        return tensors, json.loads(tensors.pop("unlearn").tobytes())
    data = open(path, "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    model = json.loads(header.pop("__metadata__")["unlearn"])
    tensor = lambda shape, data_offsets, **_: np.frombuffer(data[start:][slice(*data_offsets)], "<f4").reshape(shape)
    return {name: tensor(**spec) for name, spec in header.items()}, model


def date(cell):
    """Days since 1970-01-01, and seconds of the day."""
    day, time = cell[:10], cell[10:]
    moment = datetime.fromisoformat(("-".join(reversed(day.split("."))) if "." in day else day.replace("/", "-")) + time)
    return divmod(moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp(), 86400)


def number(cell, comma):
    """As 'unlearn' reads it: digits stand in groups of three where that can be nothing else, 1,234.5, or 1.234 with a decimal comma."""
    point, group = ",." if comma else ".,"
    if re.fullmatch(rf"[+-]?\d{{1,3}}(\{group}\d{{3}})+(\{point}\d+){'?' if comma else ''}", cell):
        cell = cell.replace(group, "")
    if comma and "." in cell:
        raise ValueError(cell)
    cell = cell.replace(point, ".")
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", cell) or math.isinf(float(cell)):
        raise ValueError(cell)
    return float(cell)


def features(column, cell, comma):
    """The features that one cell becomes."""
    if column["kind"] == "categories":
        cell = "" if cell.lower() in EMPTY and cell not in column["categories"] else cell
        return [cell == name for name in column["categories"]] + [cell not in column["categories"]] * column.get("pooled", False)
    scales = [(column.get(part + "mean", 0), column.get(part + "deviation", 1)) for part in ("", "time_") if part == "" or part + "mean" in column]
    if cell.lower() in MISSING:
        return [0] * len(scales) + [1] * column.get("gaps", False)
    readers = {"number": lambda: [number(cell, comma)], "boolean": lambda: [BOOLEANS[normalize("NFC", cell.lower())]], "date": lambda: date(cell)}
    return [(value - mean) / deviation for value, (mean, deviation) in zip(readers[column["kind"]](), scales)] + [0] * column.get("gaps", False)


def fail(text):
    """Ends the program with one line, in which nothing can steer a terminal."""
    sys.exit("predict.py: " + "".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def clean(text):
    """Without what 'unlearn' takes for blanks around it, and spelled in one way where Unicode has several."""
    return normalize("NFC", text.strip(" \t\n\v\f\r\xa0"))


def read(row, line, columns, comma):
    """The features of one row; a cell that cannot be read ends the program with a line that names it."""
    if None in row or None in row.values():
        fail(f"line {line} has {'more' if None in row else 'fewer'} cells than the first line names columns")
    found = []
    for column in columns:
        cell = clean(row[column["name"]])
        try:
            values = features(column, cell, comma)
        except (KeyError, ValueError):
            note = " (numbers have a decimal comma here)" if comma else ""
            fail(f"line {line}, column '{column['name']}': '{cell[:60]}' is no {column['kind']}{note}; mend it or leave it empty")
        if max(map(abs, values), default=0) > 3.4e38:
            fail(f"line {line}, column '{column['name']}': '{cell[:60]}' is too far from the training rows' values")
        found += values
    return found


def table(path, columns, encoding):
    """The rows of a table that has these columns, each with the number of its first line."""
    data = open(path, "rb").read()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode(encoding).lstrip("\ufeff")
    csv.field_size_limit(1 << 30)
    reader, line = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t|", key=text.split("\n")[0].count)), 2
    reader.fieldnames = [clean(name) for name in reader.fieldnames or []]
    for name in [column["name"] for column in columns]:
        if reader.fieldnames.count(name) != 1:
            fail(f"{path} has {'two columns' if name in reader.fieldnames else 'no column'} '{name}'; the model needs each that it was trained on, once")
    rows = []
    for row in reader:
        rows.append((line, row))
        line = reader.line_num + 1
    return rows, reader.fieldnames


# Whoever reads the first lines alone may stop.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
if sys.argv[1:] in (["-h"], ["--help"]):
    print(__doc__)
    sys.exit()
if len(sys.argv) not in (3, 4):
    sys.exit(f"usage: {__doc__}")
try:
    tensors, model = load(sys.argv[1])
    encoding, network, names = model["table"], model["network"], model["class_names"]
    for column in encoding["columns"]:
        column["name"] = clean(column["name"])
        if "categories" in column:
            column["categories"] = [normalize("NFC", name) for name in column["categories"]]
except Exception as error:
    # Whatever went wrong: of a file that is no model anything may be.
    fail(f"{sys.argv[1]} is no model of a table that 'unlearn export' wrote ({error})")
try:
    lined, header = table(sys.argv[2], encoding["columns"], *(sys.argv[3:] or [(model["table_names"] or {}).get("encoding") or "utf-8-sig"]))
except (OSError, EOFError, UnicodeError, LookupError, csv.Error, zlib.error) as error:
    fail(f"{sys.argv[2]} cannot be read ({error})")
x = np.float32([read(row, line, encoding["columns"], "decimal_comma" in encoding) for line, row in lined])
sys.stdout.reconfigure(encoding="utf-8")
writer, id_column = csv.writer(sys.stdout, lineterminator="\n"), clean((model["table_names"] or {}).get("id") or "") or None
ids = [[clean(row[id_column])] if id_column in header else [] for _, row in lined]
writer.writerow(["id"] * (id_column in header) + ["class"] + ["p_" + name for name in names])
if not lined:
    sys.exit()
for layer in ["linear"] if network["model"] == "logistic" else [f"hidden{i + 1}" for i in range(len(network["hidden"]))] + ["output"]:
    x = x @ tensors[layer + ".weight"].T + tensors[layer + ".bias"]
    x = ACTIVATIONS[network["activation"]](x) if layer.startswith("hidden") else x
exponentials = np.exp(x - x.max(axis=1, keepdims=True))
writer.writerows(id + [names[row.argmax()]] + (row / row.sum()).tolist() for id, row in zip(ids, exponentials))
