"""A certificate, verified with Python's `cryptography` and hashlib alone: signature, signed ledger, proofs, digests."""
import base64
import csv
import hashlib
import json
import pathlib
import random
import tempfile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from support import expect, failures, finish, unlearn


def is_signed(key, signature, message):
    try:
        key.verify(signature, message)
        return True
    except InvalidSignature:
        return False


def root_from(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\1" + p + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\1" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    project = folder / "project"
    source = random.Random(2)
    with open(folder / "rows.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "x", "y", "label"])
        for i in range(600):
            x, y = source.gauss(0, 1), source.gauss(0, 1)
            writer.writerow([f"person-{i}", x, y, "in" if x + y < 1 else "out"])

    def digests():
        return {hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest() for path in (project / "objects").iterdir()}

    unlearn(project, "init", "--data", f"csv:{folder / 'rows.csv'}", "--id-column", "who", "--label-column", "label", "--model", "logistic",
            "--blocks", "30")
    unlearn(project, "train")
    for person in ["person-5", "person-6", "person-7"]:
        before = digests()
        report = json.loads(unlearn(project, "delete", "--ids", "-", "--ignore-missing", "--json", input=person + "\n").stdout)
        after = digests()
    unlearn(project, "audit", "--request", "R3", check=False)
    unlearn(project, "certificate", "R3", "--out", str(folder / "R3.json"))

    key = load_pem_public_key((project / "signing-key.pem").read_bytes())
    envelope = json.loads((folder / "R3.json").read_text())
    content = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(content), content)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    expect(is_signed(key, signature, message), "the envelope is signed with the project's key")
    expect(not is_signed(key, signature, message[:-1] + b"x"), "a changed byte is not")

    statement = json.loads(content)
    predicate, claims = statement["predicate"], statement["predicate"]["claims"]
    head = predicate["ledger"]["tree_head"]
    expect(statement["_type"] == "https://in-toto.io/Statement/v1" and kind == b"application/vnd.in-toto+json", "it is an in-toto Statement")
    body = f"unlearn ledger {head['project']}\n{head['size']}\n{head['root']}\n{head['time']}\n".encode()
    expect(is_signed(key, bytes.fromhex(head["signature"]), body), "the ledger's tree head is signed with the same key")
    proven = 0
    for entry in predicate["ledger"]["entries"]:
        leaf = hashlib.sha256(b"\0" + base64.b64decode(entry["entry"])).digest()
        path = [bytes.fromhex(step) for step in entry["inclusion_proof"]]
        if root_from(leaf, entry["position"], head["size"], path) == bytes.fromhex(head["root"]):
            proven += 1
        if root_from(leaf, entry["position"] + 1, head["size"], path) == bytes.fromhex(head["root"]):
            failures.append("an entry is proven in two places")
    expect(proven == len(predicate["ledger"]["entries"]) >= 3, f"{proven} entries are proven to be in the ledger of {head['size']}")

    destroyed = claims["rows_erased"]["destroyed"] + claims["checkpoints_erased"]["destroyed"]
    gone = {item["digest"] for item in destroyed}
    # The evidence that an earlier request left stays; everything else that went is claimed, and what is claimed went.
    expect(gone == before - after, f"the {len(gone)} objects that are claimed destroyed are those whose files are gone")
    expect(claims["checkpoints_erased"]["count"] == report["erased"]["checkpoints"], "as many checkpoints as delete reported")
    expect(len(claims["rows_erased"]["rows"]) == 1 and "person" not in content.decode(), "one row, as a keyed digest")
    expect(claims["influence_removed"]["report"]["rho"] == report["rho"], "the residual series is the one that delete reported")
    expect({"model after R3": report["state_digest"]}.items()
           <= {s["name"]: s["digest"].get("blake2b-256") for s in statement["subject"]}.items(), "its subject is the model after the deletion")
    expect(any("rows.csv" in (item.get("place") or "") for item in claims["not_reached"]), "the source that was not reached is named")

    outside = unlearn(folder / "elsewhere", "verify-certificate", str(folder / "R3.json"), "--public-key", str(project / "signing-key.pem"), "--json",
                      check=False)
    expect(outside.returncode == 0 and json.loads(outside.stdout)["ledger_root"] == head["root"], "the program's own verification agrees")

finish()
