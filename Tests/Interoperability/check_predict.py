"""Predictions with NumPy alone (Scripts/predict.py), from both kinds of exported file, beside the program's own; and whether a certificate
knows its model."""
import csv
import pathlib
import random
import subprocess
import sys
import tempfile

from support import expect, finish, unlearn

root = pathlib.Path(__file__).resolve().parent.parent.parent


def script(name, *arguments):
    return subprocess.run([sys.executable, root / "Scripts" / name, *map(str, arguments)], capture_output=True, text=True)


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
                source.choice(["red", "green", "dark, blue", "", "NA", "Null"] + [f"rare {source.randint(0, 99)}"]), source.choice(["a", "b", "c"]) if x < 3 else "a"])
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
    unlearn(project, "export", "--out", str(folder / "before.safetensors"))
    unlearn(project, "delete", "--ids", "-", "--method", "exact", "--yes", input="p1\n")
    unlearn(project, "export", "--out", str(folder / "after.safetensors"))
    unlearn(project, "certificate", "R1", "--out", str(folder / "R1.json"))
    key = project / "signing-key.pem"
    same = script("verify-certificate", folder / "R1.json", key, "--model", folder / "after.safetensors")
    expect(same.returncode == 0 and "is the model that it speaks of" in same.stdout, f"the script knows the model of a certificate ({same.stderr[-200:]})")
    other = script("verify-certificate", folder / "R1.json", key, "--model", folder / "before.safetensors")
    expect(other.returncode == 1 and "another model" in other.stderr, "the script knows another model from it")

finish()
