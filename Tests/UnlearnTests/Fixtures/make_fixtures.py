"""Values of independent implementations that the tests are pinned to: SciPy's curve_fit and Student's t.

Run by `make fixtures`; writes power_law_fits.json and student_t.json beside itself.
"""
import json
import pathlib

import numpy as np
from scipy import optimize, stats

here = pathlib.Path(__file__).parent


def law(t, a, b, h):
    return a * t ** (-h) + b


def fit(delta):
    """The best of many starts: a >= 0, b >= 0, 0.01 <= h <= 8."""
    t = np.arange(1, len(delta) + 1, dtype=float)
    best = None
    for h in [0.05, 0.2, 0.5, 1, 2, 4]:
        start = [max(delta[0] - delta[-1], 1e-3), max(delta[-1], 1e-6), h]
        parameters, _ = optimize.curve_fit(
            law, t, delta, p0=start, bounds=([0, 0, 0.01], [np.inf, np.inf, 8]), xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=100_000)
        error = float(((law(t, *parameters) - delta) ** 2).sum())
        if best is None or error < best[0]:
            best = (error, parameters)
    return best


random = np.random.default_rng(7)
cases = []
for n, a, b, h, noise in [
    (8, 1.5, 0.1, 0.4, 0.0), (12, 2.0, 0.0, 0.6, 0.02), (20, 1.0, 0.3, 1.0, 0.01), (40, 3.0, 0.5, 0.8, 0.03), (100, 5.0, 0.2, 0.5, 0.02),
    (100, 0.7, 0.05, 1.6, 0.005), (30, 10.0, 1.0, 2.5, 0.05), (11, 0.5, 0.02, 0.9, 0.01),
]:
    t = np.arange(1, n + 1, dtype=float)
    delta = np.maximum(law(t, a, b, h) + noise * random.standard_normal(n), 1e-6)
    error, (fa, fb, fh) = fit(delta)
    cases.append({"delta": delta.tolist(), "a": fa, "b": fb, "h": fh, "error": error})
(here / "power_law_fits.json").write_text(json.dumps(cases, indent=1) + "\n")

points = [{"probability": p, "degrees": d, "quantile": float(stats.t.ppf(p, d))} for p in [0.6, 0.9, 0.95, 0.975, 0.995, 0.05] for d in [1, 2, 5, 6, 9, 30, 200]]
(here / "student_t.json").write_text(json.dumps(points, indent=1) + "\n")
