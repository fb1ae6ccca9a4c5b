"""Says what four models give away of ten secrets, as a page and as numbers.

    exposure.py FOLDER

reads from FOLDER what `run` wrote: base/, canaries.json, the adapters of the models and delete.json; writes exposure.html, which needs
nothing else, and exposure.json.
"""

import html
import json
import math
import sys
import warnings
from pathlib import Path

import peft
import safetensors.torch
import torch
from language import base_model
from leakage import CANDIDATES, exposure
from train_me import ADAPTERS

from unlearn_engine.peft import load

MODELS = {
    "tuned.safetensors": "fine-tuned", "interim.safetensors": "interim", "deleted.safetensors": "after deletion",
    "never.safetensors": "never saw them", "branch.safetensors": "their branch alone",
}
MOST = math.log2(CANDIDATES)
#: Of a rank that is drawn from all with the same probability: mean of log₂(n / rank).
CHANCE = sum(math.log2(CANDIDATES / rank) for rank in range(1, CANDIDATES + 1)) / CANDIDATES

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --dot: #1f5fa8; --rule: #c8c8c8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181b; --dot: #7db5ee; --rule: #45494f; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
td, th { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid var(--rule); }
td:first-child, th:first-child { text-align: left; }
svg { width: 100%; height: auto; } text { fill: var(--ink); font: 13px system-ui, sans-serif; }
circle { fill: var(--dot); fill-opacity: .55; } line { stroke: var(--rule); } .mean { stroke: var(--ink); stroke-width: 2; }
"""


def measured(folder):
    """(exposure, rank) of each canary by model, of those models that are there."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    torch.set_num_threads(1)
    canaries = json.loads((folder / "canaries.json").read_text())
    model = peft.get_peft_model(base_model(folder / "base"), ADAPTERS).eval()
    found = {}
    for file, name in MODELS.items():
        if (folder / file).exists():
            load(model, str(folder / file))
            found[name] = [exposure(model, canary["prefix"], canary["secret"]) for canary in canaries]
    return [canary["person"] for canary in canaries], found


def same_tensors(one, other):
    """Whether two files hold the same bits under the same names. What else they say, of where the model comes from, differs."""
    one, other = (safetensors.torch.load_file(path) for path in (one, other))
    return one.keys() == other.keys() and all(torch.equal(one[name].view(torch.int32), other[name].view(torch.int32)) for name in one)


def mean(values):
    return sum(value for value, _ in values) / len(values)


def drawing(found):
    """A row for each model, a dot for each canary, a bar at the mean."""
    left, width, step = 150, 600, 44
    height = step * len(found) + 34
    place = lambda bits: left + (width - left - 20) * bits / MOST
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Exposure in bits of each secret, by model">']
    for bits in (0, 5, 10, MOST, CHANCE):
        dash = ' stroke-dasharray="4 4"' if bits == CHANCE else ""
        label = "chance" if bits == CHANCE else f"{bits:.3g}"
        parts.append(f'<line x1="{place(bits):.1f}" x2="{place(bits):.1f}" y1="8" y2="{height - 24}"{dash}/>')
        parts.append(f'<text x="{place(bits):.1f}" y="{height - 6}" text-anchor="middle">{label}</text>')
    for row, (name, values) in enumerate(found.items()):
        y = 8 + step * row + step / 2
        parts.append(f'<text x="0" y="{y + 4:.1f}">{html.escape(name)}</text>')
        for number, (bits, _) in enumerate(values):
            # Dots of the same exposure would cover each other.
            parts.append(f'<circle cx="{place(bits):.1f}" cy="{y + 2.4 * (number - (len(values) - 1) / 2):.1f}" r="5"/>')
        parts.append(f'<line class="mean" x1="{place(mean(values)):.1f}" x2="{place(mean(values)):.1f}" y1="{y - 17:.1f}" y2="{y + 17:.1f}"/>')
    return "\n".join([*parts, "</svg>"])


def page(people, found, deletion):
    head = "".join(f"<th>{html.escape(name)}</th>" for name in found)
    rows = "".join(
        f"<tr><td>{html.escape(person)}</td>" + "".join(f"<td>{v[i][0]:.1f} ({v[i][1]})</td>" for v in found.values()) + "</tr>"
        for i, person in enumerate(people)
    )
    means = "".join(f"<td>{mean(values):.2f}</td>" for values in found.values())
    equal = "the same, bit for bit" if deletion["equal"] else "NOT the same"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ten secrets in letters</title><style>{STYLE}</style>
<h1>Ten secrets in letters</h1>
<p>Exposure in bits: log₂ of {CANDIDATES} candidates less log₂ of the secret's rank among them, all of them evaluated. {MOST:.1f}: the model
finds the secret likelier than any other number. {CHANCE:.2f} (dashed): the mean of a model that knows nothing. A dot for each secret, a bar at
the mean.</p>
{drawing(found)}
<p>The interim model was there {deletion["milliseconds"] / 1000:.1f} s after deletion was asked for, the time in which Python loads its
libraries included; it is merged, not trained. The model after deletion and the one that never saw the letters are {equal}.</p>
<table><tr><th>exposure (rank)</th>{head}</tr>{rows}<tr><td>mean</td>{means}</tr></table>
</html>
"""


def main(folder):
    people, found = measured(folder)
    report = json.loads((folder / "delete.json").read_text())
    same = same_tensors(folder / "deleted.safetensors", folder / "never.safetensors")
    deletion = {"milliseconds": report["interim"]["milliseconds"], "equal": same}
    (folder / "exposure.html").write_text(page(people, found, deletion), encoding="utf-8")
    (folder / "exposure.json").write_text(json.dumps({"people": people, "exposure and rank": found, **deletion}, indent=1))
    for name, values in found.items():
        print(f"{name:20} " + " ".join(f"{bits:4.1f}" for bits, _ in values) + f"   mean {mean(values):.2f} bits")
    print(f"interim model after {deletion['milliseconds'] / 1000:.1f} s, libraries loaded included")
    print("after deletion and never seen:", "the same bits" if same else "NOT the same bits")
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
