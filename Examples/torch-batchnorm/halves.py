"""halves.py FOLDER: which rows of Fashion-MNIST show the first five classes (stem.txt, ids), whose half each row is (halves.csv, id,group),
and which test rows show the others (new.txt): what a network is "pretrained" on, what it is fine-tuned on, and what tells how well."""

import gzip
import os
import pathlib
import sys

source = pathlib.Path(os.environ.get("UNLEARN_DATA", "/usr/share/datasets/fashion-mnist"))
folder = pathlib.Path(sys.argv[1])


def labels(part):
    """Of all rows of a part: a head of eight bytes, then one byte a row."""
    return gzip.open(source / f"{part}-labels-idx1-ubyte.gz").read()[8:]


train, test = labels("train"), labels("t10k")
(folder / "stem.txt").write_text("".join(f"{row}\n" for row, label in enumerate(train) if label < 5))
(folder / "new.txt").write_text("".join(f"test:{row}\n" for row, label in enumerate(test) if label >= 5))
(folder / "halves.csv").write_text("id,group\n" + "".join(f"{row},{'1 pretrained' if label < 5 else '2 fine-tuned'}\n" for row, label in enumerate(train)))
