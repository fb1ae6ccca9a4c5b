"""Predictions with NumPy alone (Scripts/predict.py), from both kinds of exported file, beside the program's own; and whether a certificate
knows its model: to both verifiers, whatever was altered in the file."""
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

# What the scripts import is here once for all of them.
import cryptography.hazmat.primitives.serialization  # noqa: F401
import numpy  # noqa: F401

import forgery
import support
from support import expect, finish, unlearn

root = pathlib.Path(__file__).resolve().parent.parent.parent


def script(name, *arguments):
    return support.script(root / "Scripts" / name, *arguments)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    source = random.Random(3)
    with open(folder / "rows.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "x", "gap", "day", "moment", "ok", "wahr", "colour", "label"])
        for i in range(600):
            x = source.gauss(3, 2)
            writer.writerow([
                f"p{i}", x, source.choice(["", "NA", f"{source.gauss(0, 1):.3f}"]), f"{source.randint(1, 28):02}.0{source.randint(1, 9)}.2021",
                source.choice(["", f"2020-01-{source.randint(10, 28)}T{source.randint(10, 23)}:05:06.5+02:00"]), source.choice(["yes", "No", ""]), source.choice(["SI", "sì", "no"]),
                source.choice(["red", "green", "caf\u00e9", "dark, blue", "", "NA", "Null"] + [f"rare {source.randint(0, 99)}"]), source.choice(["a", "b", "c"]) if x < 3 else "a"])
    for model, extra in [("logistic", []), ("mlp", ["--hidden", "12,9"]), ("mlp", ["--hidden", "7", "--activation", "relu"]), ("mlp", ["--activation", "tanh"])]:
        project, label = folder / "-".join(["project", model, *extra[1:]]), " ".join([model, *extra])
        unlearn(project, "init", "--data", f"csv:{folder / 'rows.csv'}", "--id-column", "who", "--label-column", "label", "--model", model, "--blocks", "3",
                "--most-categories", "20", "--assignment-seed", "1", *extra)
        unlearn(project, "train")
        unlearn(project, "predict", "--data", f"csv:{folder / 'rows.csv'}", "--out", str(folder / "ours.csv"), "--force")
        ours = list(csv.DictReader(open(folder / "ours.csv", newline="")))
        for ending in ["safetensors", "npz"]:
            unlearn(project, "export", "--out", str(folder / f"model.{ending}"), "--force")
            done = script("predict.py", folder / f"model.{ending}", folder / "rows.csv")
            theirs = list(csv.DictReader(done.stdout.splitlines()))
            expect(len(ours) == len(theirs) == 600 and [row["id"] for row in ours] == [row["id"] for row in theirs], f"{label}: predict.py reads the {ending} file and every row ({done.stderr[-200:]})")
            apart = max((abs(float(a[key]) - float(b[key])) for a, b in zip(ours, theirs) for key in b if key.startswith("p_")), default=1)
            expect(apart <= 1e-5, f"{label}, {ending}: probabilities lie {apart:.1e} apart at most")
    # What cannot be read is named in one line with its place, and help is no error.
    head, first, *_ = (folder / "rows.csv").read_text().splitlines()
    cells = first.split(",")
    for text, words in [
        ("\n".join([head, first, ",".join([cells[0], "tall", *cells[2:]])]), "line 3, column 'x': 'tall' is no number"),
        ("\n".join([head, ",".join([*cells[:3], "30.02.2021", *cells[4:]])]), "line 2, column 'day': '30.02.2021' is no date"),
        ("\n".join([head.replace("gap", "cap"), first]), "odd.csv has no column 'gap'"),
        ("\n".join([head, ",".join([cells[0], "1e999", *cells[2:]])]), "'1e999' is no number"),
        ("\n".join([head, ",".join([cells[0], "1_0", *cells[2:]])]), "'1_0' is no number"),
        ("\n".join([head, ",".join([cells[0], "a\33[31mb", *cells[2:]])]), "'a\\x1b[31mb' is no number"),
        ("\n".join([head, first + ",more"]), "line 2 has more cells"), ("\n".join([head, first.rpartition(",")[0]]), "line 2 has fewer cells"),
        ("\n".join([head + ",x", first + ",7"]), "odd.csv has two columns 'x'"), ("", "odd.csv has no column 'x'"),
        ("\n".join([head, ",".join([cells[0], "1e300", *cells[2:]])]), "'1e300' is too far"), ("\n".join([head, ",".join([cells[0], "\u30007", *cells[2:]])]), "is no number"),
        ("\n".join([head, ",".join(['"two\nlines"', *cells[1:]]), ",".join([cells[0], "tall", *cells[2:]])]), "line 4, column 'x': 'tall'"),
    ]:
        (folder / "odd.csv").write_text(text + "\n")
        done = script("predict.py", folder / "model.npz", folder / "odd.csv")
        expect(done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1 and not done.stdout, f"predict.py says: {words} ({done.stderr[-200:]})")
    for given, words in [((folder / "none", folder / "rows.csv"), "none is no model"), ((folder / "model.npz", folder / "none"), "none cannot be read"),
                         ((folder / "rows.csv", folder / "rows.csv"), "rows.csv is no model"), ((folder / "model.npz", folder / "rows.csv", "klingon"), "rows.csv cannot be read")]:
        done = script("predict.py", *given)
        expect(done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1, f"predict.py says: {words} ({done.stderr[-200:]})")
    (folder / "odd.csv").write_text(head + "\n")
    done = script("predict.py", folder / "model.npz", folder / "odd.csv")
    expect(done.returncode == 0 and done.stdout.startswith("id,class,p_") and done.stdout.count("\n") == 1, f"a table without rows has no predictions ({done.stderr[-200:]})")
    spelled = []
    for name in ["caf\u00e9", "cafe\u0301", "\u3000caf\u00e9"]:
        (folder / "odd.csv").write_text("\n".join([head, ",".join([*cells[:7], name, *first.rsplit(",", 1)[-1:]])]) + "\n")
        spelled.append(script("predict.py", folder / "model.npz", folder / "odd.csv").stdout)
        ours = unlearn(project, "predict", "--data", f"csv:{folder / 'odd.csv'}", "--out", str(folder / "odd-ours.csv"), "--force") and list(csv.DictReader(open(folder / "odd-ours.csv", newline="")))
        theirs = list(csv.DictReader(spelled[-1].splitlines()))
        expect(len(theirs) == 1 and max(abs(float(ours[0][key]) - float(theirs[0][key])) for key in theirs[0] if key.startswith("p_")) < 1e-5, f"a category spelled {name!r} is the one that the program takes it for")
    expect(spelled[0] == spelled[1] != spelled[2], "a spelling in two scalars is the same category, another blank around it is not")
    latin, bad = folder / "latin", "b\u00f6se"
    (folder / "latin.csv").write_bytes(("id,gr\u00f6\u00dfe,label\n" + "".join(f"p{i},{i % 7},{['gut', bad][i % 7 > 3]}\n" for i in range(60))).encode("cp1252"))
    unlearn(latin, "init", "--data", f"csv:{folder / 'latin.csv'}", "--encoding", "windows-1252", "--id-column", "id", "--label-column", "label", "--model", "logistic",
            "--blocks", "2", "--assignment-seed", "1")
    unlearn(latin, "train")
    unlearn(latin, "export", "--out", str(folder / "latin.npz"))
    done = script("predict.py", folder / "latin.npz", folder / "latin.csv")
    expect(done.returncode == 0 and done.stdout.startswith("id,class,p_b\u00f6se,p_gut\n"), f"predict.py reads a table in the encoding of the one that the model learned ({done.stderr[-200:]})")
    # Started as a user starts it, with nothing imported before.
    done = subprocess.run([sys.executable, root / "Scripts" / "predict.py", "--help"], capture_output=True, text=True)
    expect(done.returncode == 0 and "MODEL ROWS.csv" in done.stdout and not done.stderr, "predict.py helps")
    unlearn(project, "export", "--out", str(folder / "before.safetensors"))
    unlearn(project, "delete", "--ids", "-", "--method", "exact", "--yes", input="p1\n")
    unlearn(project, "export", "--out", str(folder / "after.safetensors"))
    unlearn(project, "certificate", "R1", "--out", str(folder / "R1.json"))
    key = project / "signing-key.pem"
    same = script("verify-certificate", folder / "R1.json", key, "--model", folder / "after.safetensors")
    expect(same.returncode == 0 and "is the model that it speaks of" in same.stdout, f"the script knows the model of a certificate ({same.stderr[-200:]})")
    other = script("verify-certificate", folder / "R1.json", key, "--model", folder / "before.safetensors")
    expect(other.returncode == 1 and "another model" in other.stderr, "the script knows another model from it")

    def verdicts(data, certificate=folder / "R1.json", key=key):
        """Whether the script and the program hold a file for the certificate's model, and what they say."""
        (folder / "altered.safetensors").write_bytes(data)
        theirs = script("verify-certificate", certificate, key, "--model", folder / "altered.safetensors")
        ours = unlearn(folder, "verify-certificate", str(certificate), "--public-key", str(key), "--model", str(folder / "altered.safetensors"), check=False)
        for done, codes in [(theirs, (0, 1)), (ours, (0, 2, 3))]:
            if done.returncode not in codes or done.stderr.count("\n") != (done.returncode != 0):
                expect(False, f"a verdict is one line ({done.returncode}: {done.stderr[-200:]})")
        return (theirs.returncode == 0, ours.returncode == 0), theirs.stdout + ours.stdout

    after = (folder / "after.safetensors").read_bytes()
    start = 8 + int.from_bytes(after[:8], "little")
    header, tensors = json.loads(after[8:start]), after[start:]

    def file(header, tensors=tensors):
        text = header if type(header) is bytes else json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + tensors

    def described(change):
        """The file with another description: `change` is given the one that it has, and gives the other, or its text."""
        description = change(json.loads(header["__metadata__"]["unlearn"]))
        return file(header | {"__metadata__": {"unlearn": description if type(description) is str else json.dumps(description)}})

    def set(path, value):
        """A change of one member, by the way to it."""
        def change(description):
            inner = description
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = value(inner[path[-1]]) if callable(value) else value
            return description
        return change

    columns = json.loads(header["__metadata__"]["unlearn"])["table"]["columns"]
    place = lambda kind: next(i for i, column in enumerate(columns) if column["kind"] == kind)
    number, categories = ["table", "columns", place("number")], ["table", "columns", place("categories")]
    text = header["__metadata__"]["unlearn"]
    for what, data in {
        "other texts of the same header": file(header),
        "other requests answered, another version and another project": described(lambda d: d | {"requests_answered": 9, "program_version": "0", "project": "x"}),
    }.items():
        expect(verdicts(data)[0] == (True, True), f"{what}: the model to both verifiers")
    names = [name for name in header if name != "__metadata__"]
    for what, data in {
        "classes exchanged": described(set(["class_names"], lambda names: names[::-1])), "a class twice": described(set(["class_names", 0], "b")),
        "another mean": described(set(number + ["mean"], lambda mean: mean + 1)), "another deviation": described(set(number + ["deviation"], lambda x: x * 2)),
        "a deviation of 0": described(set(number + ["deviation"], 0)), "a negative deviation": described(set(number + ["deviation"], -1)),
        "categories exchanged": described(set(categories + ["categories"], lambda names: names[::-1])), "a category twice": described(set(categories + ["categories", 0], lambda _: columns[place("categories")]["categories"][1])),
        "a column's other name": described(set(number + ["name"], "x2")), "columns exchanged": described(set(["table", "columns"], lambda columns: columns[::-1])),
        "another activation": described(set(["network", "activation"], "relu")), "no table": described(set(["table"], None)), "other bits": described(set(["lattice_bits"], 17)),
        "bits that are text": described(set(["lattice_bits"], "18")), "bits beyond any float": described(set(["lattice_bits"], 10**9)), "another label column": described(set(["table_names", "label"], "x")),
        "one more member": described(lambda d: d | {"more": 0}), "fewer than no requests": described(lambda d: d | {"requests_answered": -1}), "a key twice": described(lambda d: text.replace("{", '{"format":1,', 1)),
        "a key in two spellings": described(lambda d: text.replace('"class_names"', '"classNames":["p","q"],"class_names"')), "the other spelling alone": described(lambda d: text.replace("class_names", "classNames")),
        "half a surrogate": described(lambda d: text.replace('"label":"label"', '"label":"\\ud800"')), "no JSON": described(lambda d: text + "}"), "NaN": described(lambda d: text.replace('"lattice_bits":18', '"lattice_bits":NaN')),
        "a number beyond doubles": described(lambda d: text.replace('"lattice_bits":18', '"lattice_bits":1e999')), "no description": file({name: header[name] for name in names}),
        "a tensor's other name": file({name.replace("output", "outlet"): value for name, value in header.items()}), "a tensor's other shape": file(header | {names[0]: header[names[0]] | {"shape": [1] + header[names[0]]["shape"]}}),
        "a tensor's other type": file(header | {names[0]: header[names[0]] | {"dtype": "I32"}}), "a byte behind the end": after + b"\0", "a byte too few": after[:-1], "no bytes": b"", "a header of 2^63 bytes": b"\xff" * 8 + after[8:],
        "a tensor twice": file(json.dumps(header).encode().replace(b"{", b'{"' + names[0].encode() + b'":' + json.dumps(header[names[0]]).encode() + b",", 1)),
        "not a number": file(header, tensors[:-4] + b"\0\0\xc0\x7f"), "a number between two steps": file(header, bytes([tensors[0] ^ 1]) + tensors[1:]), "another step": file(header, b"\0\0\0\x3f" + tensors[4:]),
        "no tensors": file({"__metadata__": header["__metadata__"]}, b""), "other text": b"id,x\n1,2\n",
    }.items():
        expect(verdicts(data)[0] == (False, False), f"{what}: another file to both verifiers")
    differ, accepted, tried = [], 0, 0
    for _ in range(60):
        data = bytearray(after)
        for _ in range(source.randint(1, 3)):
            # Mostly in the header, where the description is.
            place = source.randrange(start if source.random() < 0.8 else len(data))
            kind = source.random()
            if kind < 0.6:
                data[place] ^= 1 << source.randrange(8)
            elif kind < 0.8:
                data[place:place + 1] = bytes([source.choice(b'0123456789",:{}[]\\tfn')])
            else:
                data[place:place] = bytes([source.randrange(256)])
        found = verdicts(bytes(data))[0]
        tried += 1
        accepted += found == (True, True)
        if found[0] != found[1]:
            differ.append((found, bytes(data[:start])))
    expect(not differ, f"{tried} files altered at random, {accepted} of them in nothing that counts, are the same to both verifiers {differ[:1]}")

    # A certificate as older versions issued it: they recorded no digest of what is served.
    content = json.loads(forgery.text_of((folder / "R1.json").read_bytes()))
    item = next(item for item in content["predicate"]["ledger"]["entries"] if any(json.loads(one)[1] == "serving" for one in item["disclosures"]))
    item["disclosures"] = [one for one in item["disclosures"] if json.loads(one)[1] != "serving"]
    del content["predicate"]["claims"]["influence_removed"]["report"]["serving"]
    older = forgery.signed(forgery.restated((folder / "R1.json").read_bytes(), lambda statement: statement.update(content)), lambda layer, data: data)
    (folder / "older.json").write_bytes(older)
    (folder / "older.pem").write_bytes(forgery.pem)
    for data in [after, described(set(["class_names"], lambda names: names[::-1]))]:
        found, said = verdicts(data, folder / "older.json", folder / "older.pem")
        expect(found == (True, True) and said.count("NOT compared is what it says") == 2, f"both verifiers say of an older certificate that the tensors alone were compared ({said[-300:]})")
    expect(verdicts((folder / "before.safetensors").read_bytes(), folder / "older.json", folder / "older.pem")[0] == (False, False), "other tensors are another model to it")

finish()
