"""Certificates signed anew with a key of the test's own, as genuine or altered as `forgeries.json` says."""
import base64
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

table = json.loads((pathlib.Path(__file__).parent / "forgeries.json").read_text())
key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
name = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
layers = ["envelope", "payload", "entry"]


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def tree(leaves):
    """The root over some leaves and the path of each (RFC 6962, section 2.1)."""
    if len(leaves) == 1:
        return leaves[0], [[]]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    (left, below), (right, behind) = tree(leaves[:half]), tree(leaves[half:])
    return hashlib.sha256(b"\1" + left + right).digest(), [path + [right] for path in below] + [path + [left] for path in behind]


def text_of(certificate):
    return base64.b64decode(json.loads(certificate)["payload"])


def signed(certificate, alter):
    """The certificate under the test's key, its bytes passed through `alter(layer, bytes)` from the inside out."""
    statement = json.loads(text_of(certificate))
    predicate = statement["predicate"]
    ledger, head = predicate["ledger"], predicate["ledger"]["tree_head"]
    entries = [base64.b64decode(item["entry"]) for item in ledger["entries"]]
    # All entries of the ledger, the first of them passed on.
    entries[0] = alter("entry", entries[0])
    root, paths = tree([hashlib.sha256(b"\0" + entry).digest() for entry in entries])
    for position, (item, entry, path) in enumerate(zip(ledger["entries"], entries, paths)):
        item |= {"entry": base64.b64encode(entry).decode(), "position": position, "inclusion_proof": [step.hex() for step in path]}
    for subject in statement["subject"]:
        if subject["name"].startswith("ledger of project "):
            subject["digest"]["sha256"] = root.hex()
    head |= {"root": root.hex(), "size": len(entries)}
    body = f"unlearn ledger {head['project']}\n{head['size']}\n{head['root']}\n{head['time']}\n".encode()
    head["signature"] = key.sign(body).hex()
    predicate["public_key"] = name
    payload, kind = alter("payload", compact(statement)), b"application/vnd.in-toto+json"
    signature = key.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    return alter("envelope", compact({
        "payload": base64.b64encode(payload).decode(), "payloadType": kind.decode(),
        "signatures": [{"keyid": name, "sig": base64.b64encode(signature).decode()}]}))


def revalued(statement, change):
    """A statement of values whose figures `change` has altered everywhere: in its claims, and in what its entry commits to."""
    content = json.loads(text_of(statement))
    predicate = content["predicate"]
    item = predicate["ledger"]["entries"][0]
    entry = json.loads(base64.b64decode(item["entry"]))
    for place, text in enumerate(item["disclosures"]):
        salt, name, figures = json.loads(text)
        if name != "figures":
            continue
        change(figures)
        altered = compact([salt, name, figures])
        commitments = {hashlib.sha256(text.encode()).hexdigest(): hashlib.sha256(altered).hexdigest()}
        entry["sealed"] = sorted(commitments.get(one, one) for one in entry["sealed"])
        item["disclosures"][place] = altered.decode()
        predicate["claims"]["figures"] = figures
    item["entry"] = base64.b64encode(compact(entry)).decode()
    return compact({"payload": base64.b64encode(compact(content)).decode()})


def restated(certificate, change):
    """A certificate or statement whose content `change` has altered, before it is signed anew."""
    content = json.loads(text_of(certificate))
    change(content)
    return compact({"payload": base64.b64encode(compact(content)).decode()})


def recommitted(certificate, position, change):
    """The same with another entry and other disclosures at a position of the ledger: `change` is given the entry and the disclosed values by
    name, beside the claims, and what it leaves of the values is committed to anew."""
    def alter(content):
        item = content["predicate"]["ledger"]["entries"][position]
        entry, parts = json.loads(base64.b64decode(item["entry"])), [json.loads(text) for text in item["disclosures"]]
        old = {hashlib.sha256(text.encode()).hexdigest() for text in item["disclosures"]}
        values = {name: value for _, name, value in parts}
        change(entry, values, content["predicate"]["claims"])
        item["disclosures"] = [compact([salt, name, values[name]]).decode() for salt, name, _ in parts]
        new = [hashlib.sha256(text.encode()).hexdigest() for text in item["disclosures"]]
        entry["sealed"] = sorted([one for one in entry["sealed"] if one not in old] + new)
        item["entry"] = base64.b64encode(compact(entry)).decode()
    return restated(certificate, alter)


def forgeries():
    """Every forgery as (name, alter)."""
    for member in table["members"]:
        inserted = member["text"].encode() + bytes.fromhex(member.get("hex", "")) + member.get("behind", "").encode()
        for layer in layers:
            yield f"{member['name']} in the {layer}", lambda at, data, layer=layer, inserted=inserted: (
                b"{" + inserted + data[1:] if at == layer else data)
    for item in table["altered"]:
        def alter(at, data, item=item):
            if at != item["layer"]:
                return data
            if "find" in item:
                if item["find"].encode() not in data:
                    raise ValueError(f"no {item['find']} in the {at}")
                data = data.replace(item["find"].encode(), item["replace"].encode(), 1)
            if "cut" in item:
                data = data[:-item["cut"]] if item["cut"] < len(data) else b""
            return item.get("prepend", "").encode() + data + item.get("append", "").encode()
        yield f"{item['name']}: {item['layer']}", alter
