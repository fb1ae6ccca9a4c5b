"""make_data.py FILE: three clouds of points in eight dimensions, with ids and the providers who brought them."""

import sys

import numpy as np

rng = np.random.default_rng(2026)
rows = 6000
y = rng.integers(0, 3, rows)
centres = 1.5 * rng.standard_normal((3, 8))
x = (centres[y] + rng.standard_normal((rows, 8))).astype(np.float32)
np.savez(sys.argv[1], x=x, y=y, id=np.array([f"p{row}" for row in range(rows)]), group=np.array([f"clinic-{row % 5}" for row in range(rows)]))
