"""Rows that pyarrow saved as Parquet: the project that the same rows make as CSV. Types, nulls, dictionaries, instants, row groups, and what
is no table."""
import datetime
import decimal
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

import support
from support import expect, finish, unlearn

# The program finds this Python, which has pyarrow.
os.environ["UNLEARN_PYTHON"] = sys.executable
converter = pathlib.Path(__file__).resolve().parent.parent.parent / "Scripts" / "parquet-to-csv"
names = ["--label-column", "label", "--id-column", "id", "--group-column", "provider"]

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    random = np.random.default_rng(7)

    def converted(file, *options):
        return support.script(converter, *options, file)

    def trained(label, spec, *options):
        project = folder / label
        made = json.loads(unlearn(project, "init", "--data", spec, *names, "--model", "logistic", "--blocks", "5", "--epochs", "2", "--assignment-seed", "1",
                                  *options, "--json").stdout)
        return made | json.loads(unlearn(project, "train", "--json").stdout)

    # One cell of each kind, to the letter.
    instant = datetime.datetime(2024, 7, 1, 12, 30, 5, 250000)
    kinds = {
        "text": (pa.array(["a,b", 'say "hi"', "two\nlines", None]), ['"a,b"', '"say ""hi"""', '"two\nlines"', ""]),
        "whole": (pa.array([2**63 - 1, -1, 0, None]), ["9223372036854775807", "-1", "0", ""]),
        "unsigned": (pa.array([2**64 - 1, 1, 0, None], pa.uint64()), ["18446744073709551615", "1", "0", ""]),
        "double": (pa.array([0.1, 5e-324, float("nan"), None]), ["0.1", "5e-324", "", ""]),
        "single": (pa.array([0.1, 16777216, 1.5, None], pa.float32()), ["0.1", "16777216", "1.5", ""]),
        "half": (pa.array([np.float16(0.5), np.float16(2), np.float16(-1), None], pa.float16()), ["0.5", "2", "-1", ""]),
        "truth": (pa.array([True, False, True, None]), ["true", "false", "true", ""]),
        "decimal": (pa.array([decimal.Decimal(x) for x in ("1.10", "100.00", "-0.05")] + [None], pa.decimal128(9, 2)), ['"1.1"', '"100"', '"-0.05"', ""]),
        "day": (pa.array([datetime.date(2024, 2, 29)] * 3 + [None]), ['"2024-02-29"'] * 3 + [""]),
        "clock": (pa.array([datetime.time(5, 6, 7)] * 3 + [None], pa.time32("ms")), ['"05:06:07.000"'] * 3 + [""]),
        "time": (pa.array([instant] * 3 + [None], pa.timestamp("ms")), ['"2024-07-01T12:30:05.250"'] * 3 + [""]),
        # Whatever zone it is shown in, it is the same instant.
        "zoned": (pa.array([instant] * 3 + [None], pa.timestamp("ms", tz="Europe/Berlin")), ['"2024-07-01T12:30:05.250Z"'] * 3 + [""]),
        "lasting": (pa.array([datetime.timedelta(seconds=90, milliseconds=500)] * 3 + [None], pa.duration("us")), ["90.5"] * 3 + [""]),
        "dictionary": (pa.array(["x", "y", "x", None]).dictionary_encode(), ['"x"', '"y"', '"x"', ""]),
        "bytes": (pa.array(["ä".encode(), b"b", b"c", None]), ['"ä"', '"b"', '"c"', ""]),
        "wide": (pa.array(["a", "b", "c", None], pa.large_string()), ['"a"', '"b"', '"c"', ""]),
        "nothing": (pa.nulls(4), [""] * 4),
    }
    # Beside it a column of numbers, as no row of a table is empty.
    for kind, (cells, wanted) in kinds.items():
        pq.write_table(pa.table({kind: cells, "n": [1, 2, 3, 4]}), folder / "kind.parquet", row_group_size=3)
        text = converted(folder / "kind.parquet").stdout
        expect(text == f'"{kind}","n"\n' + "".join(f"{cell},{n + 1}\n" for n, cell in enumerate(wanted)), f"{kind}: cells are written as they are meant")

    # A table of all that is usual, in several row groups.
    rows = 20_000
    labels = random.integers(0, 3, rows)
    start = np.datetime64("2021-01-01T00:00:00")
    table = pa.table({
        "id": [f"person-{i}-ä" for i in range(rows)],
        "provider": pa.array(np.array(["north", "south, far", 'the "west"'])[random.integers(0, 3, rows)]).dictionary_encode(),
        "age": pa.array(random.integers(18, 90, rows), mask=random.random(rows) < 0.1),
        "worth": random.normal(labels, 1.0),
        "single": random.normal(size=rows).astype(np.float32),
        "price": pa.array([decimal.Decimal(int(x)).scaleb(-2) for x in random.integers(0, 10000, rows)], pa.decimal128(9, 2)),
        "city": pa.array(np.array(["Köln", "Aix, en\nProvence", "Rome"])[random.integers(0, 3, rows)]).dictionary_encode(),
        "is_new": random.random(rows) < 0.5,
        "since": pa.array(start + random.integers(0, 10**8, rows).astype("timedelta64[s]")),
        "seen": pa.array(start + random.integers(0, 10**8, rows).astype("timedelta64[s]")).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="America/New_York")),
        "born": pa.array(start + random.integers(0, 10**8, rows).astype("timedelta64[s]")).cast(pa.date32()),
        "label": pa.array(np.array(["stayed", "left", "came"])[labels]),
    })
    pq.write_table(table, folder / "rows.parquet", row_group_size=1400)
    # As pyarrow itself writes it as text, dictionaries aside, which it does not write.
    plain = table
    for column in ("provider", "city"):
        plain = plain.set_column(plain.schema.get_field_index(column), column, plain[column].cast(pa.string()))
    pa.csv.write_csv(plain, folder / "rows.csv")
    from_text, from_parquet = trained("text", f"csv:{folder / 'rows.csv'}"), trained("parquet", f"parquet:{folder / 'rows.parquet'}")
    # `init` draws a tenth of each class as test rows.
    expect(from_parquet["rows"] + from_parquet["test_rows"] == rows, "every row of every row group is there")
    expect([c["kind"] for c in from_parquet["columns"]] == [c["kind"] for c in from_text["columns"]], "columns are judged as those of text")
    expect(from_text["state_digest"] == from_parquet["state_digest"], "Parquet trains the model that the same rows train as text")
    where = json.loads(unlearn(folder / "parquet", "where", "--ids", "-", "--json", input=f"person-{rows - 1}-ä\n").stdout)["rows"][0]
    expect(where["group"] == table["provider"][rows - 1].as_py(), "ids and groups are those of the file")

    # Several files, a pipe, test rows of their own.
    half = rows // 2
    pq.write_table(table.slice(0, half), folder / "one.parquet", compression="zstd")
    pq.write_table(table.slice(half), folder / "two.parquet", compression="gzip", use_dictionary=False)
    expect(trained("parts", f"parquet:{folder / 'one.parquet'},{folder / 'two.parquet'}")["state_digest"] == from_text["state_digest"],
           "files read one behind the other are one table, however they are compressed")
    with open(folder / "rows.parquet", "rb") as file:
        made = unlearn(folder / "piped", "init", "--data", "parquet:-", *names, "--model", "logistic", "--assignment-seed", "1", "--json",
                       stdin=subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE).stdout)
    expect(json.loads(made.stdout)["rows"] == from_parquet["rows"], "a Parquet file comes through a pipe")
    pq.write_table(table.slice(0, 100).set_column(0, "id", [[f"other-{i}" for i in range(100)]]), folder / "other.parquet")
    tested = trained("tested", f"csv:{folder / 'rows.csv'}", "--test", f"parquet:{folder / 'other.parquet'}")
    expect((tested["rows"], tested["test_rows"]) == (rows, 100), "rows of text are tested on rows of Parquet")

    # With decimal commas, which text in the file may have, numbers are still numbers.
    small = pa.table({"x": random.normal(size=300), "y": [f"{x:.3f}".replace(".", ",") for x in random.normal(size=300)], "label": random.integers(0, 2, 300)})
    pq.write_table(small, folder / "comma.parquet")
    made = json.loads(unlearn(folder / "comma", "init", "--data", f"parquet:{folder / 'comma.parquet'}", "--label-column", "label", "--decimal-comma", "--model",
                              "logistic", "--json").stdout)
    expect([c["kind"] for c in made["columns"]] == ["number", "number", "label"], "decimal commas are those of text in the file")

    # What is no table, and what is wrong with a file: one line, nothing made.
    nested = small.append_column("tags", [[["a", "b"]] * 300]).append_column("at", [[{"x": 1}] * 300]).append_column("key", [[os.urandom(16)] * 300])
    pq.write_table(nested, folder / "nested.parquet")
    pq.write_table(small.set_column(0, "x", [["many"] + [str(i) for i in range(299)]]), folder / "mixed.parquet")
    (folder / "text.parquet").write_text("x,label\n1,a\n")
    whole = (folder / "rows.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    damaged = bytearray(whole)
    damaged[len(whole) // 3: len(whole) // 3 + 4000] = bytes(4000)
    (folder / "damaged.parquet").write_bytes(damaged)
    for file, options, words in (
        ("nested", (), "'tags' (list<element: string>), 'at' (struct<x: int64>); leave them out with --ignore-columns tags,at"),
        ("nested", ("--ignore-columns", "tags,at"), "bytes in the column 'key' that are no UTF-8 text"),
        ("mixed", ("--ignore-columns", "y"), "mixed.parquet row 1: column 'x' holds 'many' where other rows hold numbers"),
        ("text", (), "text.parquet is no Parquet file"), ("cut", (), "cut.parquet cannot be read as Parquet"), ("damaged", (), "damaged.parquet cannot be read as Parquet"),
        ("none", (), "no file "),
    ):
        result = unlearn(folder / "refused", "init", "--data", f"parquet:{folder / file}.parquet", "--label-column", "label", "--model", "logistic", *options, check=False)
        expect(result.returncode == 2 and words in result.stderr and result.stderr.count("\n") == 1 and not (folder / "refused").exists(),
               f"{file}{' with ' + options[1] if options else ''}: one line says what is wrong" if words in result.stderr else result.stderr)
    for options in (("--ignore-columns", "tags,at,key"), ("--only-columns", "x,y")):
        result = unlearn(folder / options[0], "init", "--data", f"parquet:{folder / 'nested.parquet'}", "--label-column", "label", "--model", "logistic", "--categories", "y", *options)
        expect(result.returncode == 0, f"with {options[0]} {options[1]} the rest is a table")

finish()
