"""Values of an independent implementation that the tests are pinned to: shapiq's exact Shapley and Banzhaf values.

Run by `make fixtures`; writes utilities.csv and shapiq_values.json beside itself. Needs NumPy and shapiq.
"""
import importlib.metadata
import itertools
import json
import pathlib

import numpy as np
import shapiq

here = pathlib.Path(__file__).parent
players = [f"provider-{letter}" for letter in "abcdefgh"]
n = len(players)
random = np.random.default_rng(11)
weights = random.uniform(0.2, 1.5, n)
weights[0] = -0.2

utilities = {}
for size in range(n + 1):
    for coalition in itertools.combinations(range(n), size):
        amount = max(0.0, sum(weights[list(coalition)])) if coalition else 0.0
        utilities[coalition] = float(0.1 + 0.78 * (1 - np.exp(-amount**0.6)) + (0.01 * random.standard_normal() if coalition else 0))

with open(here / "utilities.csv", "w") as file:
    file.write("coalition,utility,source\n")
    for coalition, utility in utilities.items():
        file.write(f"{'|'.join(players[i] for i in coalition)},{utility!r},exact\n")


def game(coalitions):
    return np.array([utilities[tuple(int(i) for i in np.flatnonzero(row))] for row in np.atleast_2d(coalitions)])


computer = shapiq.ExactComputer(game, n_players=n)


def values(index):
    found = computer(index, order=1)
    return [float(found[(i,)]) for i in range(n)]


result = {"players": players, "shapiq": importlib.metadata.version("shapiq"), "shapley": values("SV"), "banzhaf": values("BV")}
(here / "shapiq_values.json").write_text(json.dumps(result, indent=1) + "\n")
