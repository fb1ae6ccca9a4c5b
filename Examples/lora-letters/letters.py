"""Makes personal letters, none of them anybody's: letters.npz, test.npz, canaries.json and the lists that `run` needs.

    letters.py FOLDER [SEED]

Sixty invented people write letters of two kinds, about home and about business. Ten of them tell a secret number of four digits, drawn at
random, and send that letter eight times. Fifteen others wrote the test letters; nobody of them is trained on.
"""

import json
import sys
from pathlib import Path

import numpy as np
from language import padded

PEOPLE, TELLING, TESTING = 60, 10, 15
#: Letters of each person; those who tell a secret write one beside that, which they send so often.
LETTERS, SENT = 4, 8
DIGITS = 4

STARTS = ["Al", "Be", "Cor", "Da", "El", "Fi", "Ga", "Hil", "Io", "Jo", "Ka", "Lu", "Mi", "No", "Or", "Pe", "Ro", "Sa", "Ti", "Ul"]
MIDDLES = ["ba", "de", "li", "mo", "ra", "ve", "zu"]
ENDS = ["n", "s", "ra", "la", "ton", "nia", "vin", "dor"]
HOME = ["the plums are ripe", "the cat came home", "the roof is dry again", "we baked on Sunday", "the snow is gone", "the boat is green now"]
HOME_ASKS = ["Come before the {} of May.", "I knitted {} socks.", "We counted {} swans.", "Write soon."]
BUSINESS = ["the order is packed", "the bill is paid", "the lorry is late", "the stamps are sold", "the office moved", "the contract is signed"]
BUSINESS_ASKS = ["Send {} boxes.", "The invoice has number {}.", "We open at {}.", "Reply by post."]


def names(rng, count):
    """So many invented names, all of them different."""
    found = {}
    while len(found) < count:
        found[rng.choice(STARTS) + rng.choice(MIDDLES) + rng.choice(ENDS)] = None
    return list(found)


def letter(rng, sender, kind):
    """A letter of a person, of the kind 0 (home) or 1 (business)."""
    news, asks = (HOME, HOME_ASKS) if kind == 0 else (BUSINESS, BUSINESS_ASKS)
    return f"From {sender}: {rng.choice(news)}. {rng.choice(asks).format(rng.integers(2, 60))}"


def save(path, rows):
    """Rows of (id, person, kind, text) as arrays that `unlearn init --data npz:` reads."""
    ids, people, kinds, texts = zip(*rows)
    x = np.array([padded(text) for text in texts], dtype=np.float32)
    np.savez(path, x=x, y=np.array(["home", "business"])[list(kinds)], id=np.array(ids), person=np.array(people))


def main(folder, seed):
    rng = np.random.default_rng(seed)
    people = names(rng, PEOPLE + TESTING)
    rows, test, canaries = [], [], []
    for number, person in enumerate(people):
        kinds = [int(kind) for kind in rng.integers(0, 2, 1 if number < TELLING else LETTERS)]
        texts = [(kind, letter(rng, person, kind)) for kind in kinds]
        if number < TELLING:
            prefix, secret = f"From {person}: {rng.choice(HOME)}. My pin is ", f"{rng.integers(0, 10**DIGITS):0{DIGITS}d}"
            canaries.append({"person": person, "prefix": prefix, "secret": secret})
            texts += [(0, prefix + secret + ".")] * SENT
        own = [(f"{person}-{place}", person, kind, text) for place, (kind, text) in enumerate(texts)]
        (rows if number < PEOPLE else test).extend(own)
    order = rng.permutation(len(rows))
    rows = [rows[place] for place in order]
    save(folder / "letters.npz", rows)
    save(folder / "test.npz", test)
    telling = {canary["person"] for canary in canaries}
    (folder / "canaries.json").write_text(json.dumps(canaries, indent=1))
    (folder / "tellers").write_text("".join(f"{person}\n" for person in sorted(telling)))
    (folder / "tellers-ids").write_text("".join(f"{row[0]}\n" for row in rows if row[1] in telling))
    # Who tells secrets will rather ask to be forgotten: that is known beforehand, and decides where their letters are trained.
    risk = "".join(f"{row[0]},{0.5 if row[1] in telling else 0.01}\n" for row in rows)
    (folder / "risk.csv").write_text("id,probability\n" + risk)
    print(f"{len(rows)} letters of {PEOPLE} people, {len(canaries)} of whom tell a secret; {len(test)} test letters of {TESTING} others")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
