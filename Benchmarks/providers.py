"""Providers of a data market, made of Fashion-MNIST: files for `unlearn init --data idx:… --groups …`."""
import gzip
import os
import pathlib
import random
import struct

SOURCE = pathlib.Path(os.environ.get("UNLEARN_DATA", "/usr/share/datasets/fashion-mnist"))


class Market:
    """Rows are dealt to providers at random, from one shuffled pack."""

    def __init__(self, seed):
        self.images = gzip.open(SOURCE / "train-images-idx3-ubyte.gz").read()[16:]
        self.labels = gzip.open(SOURCE / "train-labels-idx1-ubyte.gz").read()[8:]
        self.random = random.Random(seed)
        self.pack = list(range(60000))
        self.random.shuffle(self.pack)
        self.rows = {}
        self.wrong = {}

    def deal(self, provider, count, wrong=0.0):
        """So many rows, of which a share gets another class than its own."""
        self.rows[provider], self.pack = self.pack[:count], self.pack[count:]
        flipped = set(self.random.sample(range(count), round(wrong * count)))
        self.wrong[provider] = {place: (self.labels[self.rows[provider][place]] + self.random.randrange(1, 10)) % 10 for place in flipped}

    def copy(self, provider, of):
        self.rows[provider], self.wrong[provider] = self.rows[of], self.wrong[of]

    def write(self, folder):
        """Options of init."""
        folder.mkdir(parents=True, exist_ok=True)
        pixels, labels, groups = bytearray(), bytearray(), ["id,group"]
        for provider, rows in self.rows.items():
            for place, row in enumerate(rows):
                pixels += self.images[row * 784:(row + 1) * 784]
                groups.append(f"{len(labels)},{provider}")
                labels.append(self.wrong[provider].get(place, self.labels[row]))
        (folder / "images").write_bytes(struct.pack(">IIII", 2051, len(labels), 28, 28) + pixels)
        (folder / "labels").write_bytes(struct.pack(">II", 2049, len(labels)) + labels)
        (folder / "groups.csv").write_text("\n".join(groups) + "\n")
        return ["--data", f"idx:{folder / 'images'},{folder / 'labels'}", "--test", "fashion-mnist", "--groups", str(folder / "groups.csv"),
                "--blocks-by", "group", "--blocks", str(len(self.rows))]


def ten_providers(seed=1):
    """20,000 rows: p05 has a tenth of the others' rows, p07 brings what p03 brings, p10 has half its labels wrong."""
    market = Market(seed)
    for number in range(1, 11):
        name = f"p{number:02d}"
        if name == "p07":
            market.copy(name, of="p03")
        else:
            market.deal(name, 218 if name == "p05" else 2198, wrong=0.5 if name == "p10" else 0)
    return market


def many_providers(count=100, rows=100, noisy=0.2, seed=1):
    """Equal providers, a share of whom have every label wrong; gives the market and their names."""
    market = Market(seed)
    names = [f"p{number:03d}" for number in range(count)]
    bad = set(market.random.sample(names, round(noisy * count)))
    for name in names:
        market.deal(name, rows, wrong=1.0 if name in bad else 0)
    return market, bad
