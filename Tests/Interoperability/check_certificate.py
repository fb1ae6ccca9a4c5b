"""A certificate, verified by Scripts/verify-certificate (Python's `cryptography` and hashlib alone) and beside what really went."""
import base64
import csv
import hashlib
import importlib.machinery
import importlib.util
import json
import pathlib
import random
import sys
import tempfile

from cryptography.hazmat.primitives.serialization import load_pem_public_key

import forgery
import support
from support import expect, failures, finish, unlearn

script = pathlib.Path(__file__).resolve().parents[2] / "Scripts" / "verify-certificate"
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("verify_certificate", str(script))
outside = importlib.util.module_from_spec(importlib.util.spec_from_loader("verify_certificate", loader))
loader.exec_module(outside)


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
            "--blocks", "30", "--assignment-seed", "1")
    unlearn(project, "train")
    for person in ["person-5", "person-6", "person-7"]:
        before = digests()
        report = json.loads(unlearn(project, "delete", "--ids", "-", "--method", "stitch", "--ignore-missing", "--json", input=person + "\n").stdout)
        after = digests()
    unlearn(project, "audit", "--request", "R3", check=False)
    unlearn(project, "certificate", "R3", "--out", str(folder / "R3.json"))

    certificate, pem = (folder / "R3.json").read_bytes(), project / "signing-key.pem"
    key = load_pem_public_key(pem.read_bytes())
    statement, entries, lines = outside.verify(certificate, key)
    predicate, claims = statement["predicate"], statement["predicate"]["claims"]
    head = predicate["ledger"]["tree_head"]
    expect(len(entries) >= 3 and len(lines) == 5 + len(claims["not_reached"]) + len(claims["influence_removed"]["audits"]) and "None" not in " ".join(lines), f"signature, tree head and {len(entries)} entries of the ledger of {head['size']} hold")
    opening = json.loads(unlearn(project, "opening", "R3", "--ids", "-", "--json", input="person-7\n").stdout)["openings"][0]["opening"]

    def named(*options):
        return support.script(script, folder / "R3.json", pem, *options)

    done = named("--id", "person-7", "--opening", opening)
    expect(done.returncode == 0 and "it speaks of 'person-7'" in done.stdout, f"the script finds the name that an opening is of ({done.stderr})")
    for options, words in [(("--id", "person-6", "--opening", opening), "does not speak of 'person-6'"), (("--id", "person-7", "--opening", opening[:-1]), "64 hexadecimal digits"),
                           (("--id", "person-7", "--opening", "0" * 64), "does not speak of"), (("--id", "person-7"), "usage"), (("--opening", opening), "usage")]:
        done = named(*options)
        expect(done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1 and not done.stdout, f"the script says: {words} ({done.stderr})")
    for entry in predicate["ledger"]["entries"]:
        leaf = hashlib.sha256(b"\0" + base64.b64decode(entry["entry"])).digest()
        path = [bytes.fromhex(step) for step in entry["inclusion_proof"]]
        if outside.root_from(leaf, entry["position"] + 1, head["size"], path) == bytes.fromhex(head["root"]):
            failures.append("an entry is proven in two places")
    message = b"x" * 40
    expect(not outside.is_signed(key, bytes(64), message), "what the key did not sign is not signed")

    def script_says(certificate, key):
        return support.script(script, certificate, key)

    said = script_says(folder / "R3.json", pem)
    expect(said.returncode == 0 and said.stdout.splitlines() == lines, "the script prints what it verified and exits 0")
    envelope = json.loads(certificate)
    content = base64.b64decode(envelope["payload"])
    for name, changed in {
        "a changed claim": envelope | {"payload": base64.b64encode(content.replace(b'"count":1', b'"count":2')).decode()},
        "no signature": envelope | {"signatures": []},
        "another file": {"payload": 1},
    }.items():
        (folder / "changed.json").write_text(json.dumps(changed))
        said = script_says(folder / "changed.json", pem)
        expect(said.returncode == 1 and said.stderr.count("\n") == 1 and "do not rely on it" in said.stderr, f"{name} is refused in one line")

    listed = json.loads(unlearn(project, "log", "--request", "R3", "--json").stdout)["requests"][0]["destroyed_objects"]
    gone = {item["digest"] for item in listed}
    expect(gone == before - after, f"the {len(gone)} objects that are listed as destroyed are those whose files are gone")

    def root_of(leaves):
        if len(leaves) < 2:
            return leaves[0]
        half = 1 << (len(leaves) - 1).bit_length() - 1
        return hashlib.sha256(b"\1" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()

    numbers = {"influence": 1, "keyframe": 2, "correction": 3, "rows": 4, "test-rows": 5, "evidence": 6, "utilities": 7}
    leaves = [hashlib.sha256(b"\0" + bytes.fromhex(item["name"]) + bytes([numbers[item["kind"]]]) + item["block"].to_bytes(4, "little")
                             + bytes.fromhex(item["digest"])).digest() for item in listed]
    expect(root_of(leaves).hex() == claims["destroyed"]["root"] and len(leaves) == claims["destroyed"]["count"],
           "their hash tree has the root that the certificate claims")
    expect(claims["checkpoints_erased"]["count"] == report["erased"]["checkpoints"], "as many checkpoints as delete reported")
    expect(len(claims["rows_erased"]["rows"]) == 1 and "person" not in content.decode(), "one row, as a keyed digest")
    kept = claims["influence_removed"]["report"]
    expect(kept.get("rho", []) == ([] if report["exact"] else report["rho"]), "the residual series is the one that delete reported, of a stitch, and none of an exact deletion")
    expect({"model after R3": report["state_digest"]}.items()
           <= {s["name"]: s["digest"].get("blake2b-256") for s in statement["subject"]}.items(), "its subject is the model after the deletion")
    expect(any("rows.csv" in (item.get("place") or "") for item in claims["not_reached"]), "the source that was not reached is named")

    own = unlearn(folder / "elsewhere", "verify-certificate", str(folder / "R3.json"), "--public-key", str(project / "signing-key.pem"), "--json",
                      check=False)
    expect(own.returncode == 0 and json.loads(own.stdout)["ledger_root"] == head["root"], "the program's own verification agrees")

    # What one verifier refuses the other refuses: the same bytes, signed with a key of this test's own.
    forged, other = folder / "forged.json", folder / "other.pem"
    other.write_bytes(forgery.pem)

    def verdicts(data, *pin):
        """Whether the script and the program hold a certificate for valid."""
        forged.write_bytes(data)
        try:
            outside.verify(data, load_pem_public_key(forgery.pem), *pin)
            script_accepts = True
        except (outside.Refused, AttributeError, KeyError, RecursionError, TypeError, ValueError):
            script_accepts = False
        said = unlearn(folder, "verify-certificate", str(forged), "--public-key", str(other), *[word for id in pin for word in ["--project", id]], check=False)
        if said.returncode not in (0, 2, 3) or said.stderr.count("\n") != (said.returncode != 0):
            failures.append(f"verify-certificate ends with {said.returncode}: {said.stderr}")
        return script_accepts, said.returncode == 0

    same = forgery.signed(certificate, lambda layer, data: data)
    expect(verdicts(same) == (True, True), "a certificate signed anew without a change is valid to both")
    expect(verdicts(same, predicate["project"]) == (True, True), "so it is where its project is pinned")
    expect(verdicts(same, "0" * 32) == (False, False), "another project's is refused by both")
    pinned = support.script(script, folder / "R3.json", pem, "--project", "0" * 32)
    expect(pinned.returncode == 1 and pinned.stderr.count("\n") == 1, "the script refuses another project's in one line")
    tried, accepted = 0, []
    for what, alter in forgery.forgeries():
        found = verdicts(forgery.signed(certificate, alter))
        tried += 1
        if found != (False, False):
            accepted.append((what, found))
    expect(tried > 150 and not accepted, f"{tried} forged certificates are refused by both verifiers {accepted}")

    # What is claimed of how the influence was removed is what the entries say, and of the types that the program reads.
    same_bytes = lambda layer, data: data

    def claim(name, value, *path):
        def change(content):
            place = content["predicate"]["claims"]
            for step in path:
                place = place[step]
            place[name] = value
        return change

    influence = claims["influence_removed"]
    false_claims = {
        "states that nothing was merged from": claim("merged_from", {"stem_end": "0" * 64, "tips": {}}, "influence_removed"),
        "another lineage": claim("lineage", {"stem": 1, "branches": 2, "length": 3}, "influence_removed"),
        "another fingerprint": claim("fingerprint", {"facts": {}}, "influence_removed"), "other lattice bits": claim("lattice_bits", 12, "influence_removed"),
        "another seed": claim("seed", "99", "influence_removed"), "no audit": claim("audits", [], "influence_removed"),
        "an audit more": claim("audits", influence["audits"] + [{"verdict": "exact"}], "influence_removed"),
        "a truth value for a count": claim("rows_deleted", True, "influence_removed", "report"), "another word for the method": claim("method", "exactly", "influence_removed"),
        "another bound": claim("bound", None if influence["bound"] == 0 else 0, "influence_removed"), "another extrapolation": claim("extrapolation", 0.5, "influence_removed"),
        "a time of issue that is a number": lambda content: content["predicate"].update(issued=7), "a subject without a name": lambda content: content["subject"][0].pop("name"),
        "a digest of the model too many": lambda content: content["subject"][0]["digest"].update(md5="x"), "a digest that is a number": lambda content: content["subject"].append({"name": "x", "digest": {"md5": 7}}),
        "a digest of the ledger too many": lambda content: content["subject"][-1]["digest"].update(md5="x"), "a digest that is none": lambda content: content["subject"].append({"name": "x", "digest": 7}),
        "a test row": claim("test_rows", 1, "rows_erased"), "another source": claim("place", "elsewhere", "not_reached", 0), "nothing that was not reached": claim("not_reached", []),
    }
    accepted = {what: found for what, change in false_claims.items()
                if (found := verdicts(forgery.signed(forgery.restated(certificate, change), same_bytes))) != (False, False)}
    expect(influence["audits"] and not accepted, f"{len(false_claims)} claims of influence that the entries do not make are refused by both verifiers {accepted}")
    expect(verdicts(forgery.signed(forgery.recommitted(certificate, 0, lambda *parts: None), same_bytes)) == (True, True), "an entry committed to anew without a change is valid to both")
    events = [json.loads(base64.b64decode(item["entry"]))["event"] for item in predicate["ledger"]["entries"]]

    def rows_of(value):
        def change(entry, values, claims):
            values["rows"] = claims["rows_erased"]["rows"] = value
        return "deletion-requested", change

    def root(value):
        def change(entry, values, claims):
            values["destroyed"]["root"] = claims["destroyed"]["root"] = value
        return "deletion-closed", change

    def open_field(event, name, value, *claimed):
        def change(entry, values, claims):
            entry[name] = value
            for claim in claimed:
                claims[claim] = value
        return event, change

    other_types = {
        "a row that is a number": rows_of([7]), "a number among rows": ("deletion-requested", lambda entry, values, claims: values["rows"].append(7)), "a row that is nothing": rows_of([None]), "rows that are a text": rows_of("x"), "a root that is a number": root(7), "a root that is nothing": root(None),
        "a time that is a number": open_field("deletion-requested", "time", 7, "requested"), "a time that is nothing": open_field("deletion-closed", "time", None, "closed"),
        "a program that is a number": open_field("deletion-published", "program", 1, "program"), "a request that is a number": open_field("deletion-requested", "request", 3),
        "an object that is counted as true": ("deletion-closed", lambda entry, values, claims: claims["destroyed"]["kinds"].update({"rows": True})),
        "an event that nobody knows": open_field("audited", "event", "praised"), "commitments that are one text": ("audited", lambda entry, values, claims: entry.update(sealed="".join(entry["sealed"]))),
        "an audit's time that is a list": open_field("audited", "time", []),
    }
    accepted = {what: found for what, (event, change) in other_types.items()
                if (found := verdicts(forgery.signed(forgery.recommitted(certificate, events.index(event), change), same_bytes))) != (False, False)}
    expect(not accepted, f"{len(other_types)} entries of other types are refused by both verifiers {accepted}")

    # Branches: what the model was merged from is in the ledger, and what stands on an earlier stitch is called by one word.
    branches = folder / "branches"
    unlearn(branches, "init", "--data", f"csv:{folder / 'rows.csv'}", "--id-column", "who", "--label-column", "label", "--model", "logistic",
            "--blocks", "36", "--branches", "3", "--stem", "0.83", "--batch-size", "5", "--assignment-seed", "1")
    unlearn(branches, "train")
    places = json.loads(unlearn(branches, "where", "--ids", "-", "--json", input="".join(f"person-{i}\n" for i in range(600))).stdout)["rows"]
    person = lambda block: next(row["id"] for row in places if row["block"] == block and row["part"] == "train")
    signing = branches / "signing-key.pem"

    def certified(request, *arguments, **options):
        unlearn(branches, "delete", "--ids", "-", *arguments, **options)
        unlearn(branches, "certificate", request, "--out", str(folder / f"branches-{request}.json"))
        return (folder / f"branches-{request}.json").read_bytes(), script_says(folder / f"branches-{request}.json", signing).stdout

    exact, said = certified("R1", input=person(36) + "\n")
    merged = json.loads(forgery.text_of(exact))["predicate"]["claims"]["influence_removed"]["merged_from"]
    expect("removed by exact" in said and sorted(merged["tips"]) == ["1", "2", "3"], "a branch's deletion is exact, and names what was merged")
    expect(verdicts(forgery.signed(exact, same_bytes)) == (True, True), "its certificate is valid to both")
    false_merges = {"another tip": {**merged, "tips": {**merged["tips"], "1": "0" * 64}}, "a tip less": {**merged, "tips": {"1": merged["tips"]["1"]}}, "none": None, "a truth value": True}
    accepted = {what: found for what, value in false_merges.items()
                if (found := verdicts(forgery.signed(forgery.restated(exact, claim("merged_from", value, "influence_removed")), same_bytes))) != (False, False)}
    expect(not accepted, f"{len(false_merges)} states that it was not merged from are refused by both {accepted}")
    said = certified("R2", "--on-no-decay", "stitch", "--epsilon", "1000000000", input=person(3) + "\n")[1]
    expect("removed by stitch" in said, "a stem's deletion is a stitch to the script")
    said = certified("R3", "--method", "stitch", input=person(34) + "\n")[1]
    expect("removed by retraining; earlier stitches remain: R2" in said, "a branch's deletion behind it is a retraining to the script")
    unlearn(branches, "replay")
    unlearn(branches, "certificate", "R2", "--out", str(folder / "branches-paid.json"))
    said = script_says(folder / "branches-paid.json", signing).stdout
    expect("removed by stitch; an exact replay has taken that away since; made exact by R4, closed " in said, f"a stitch that was replayed is said to be, and by whom ({said})")
    paid = (folder / "branches-paid.json").read_bytes()
    settled = json.loads(forgery.text_of(paid))["predicate"]["claims"]["settled"]
    expect(verdicts(forgery.signed(paid, same_bytes)) == (True, True), "its certificate is valid to both")

    def without(event):
        def change(content):
            ledger = content["predicate"]["ledger"]
            ledger["entries"] = [item for item in ledger["entries"]
                                 if (entry := json.loads(base64.b64decode(item["entry"])))["request"] != "R4" or entry["event"] != event]
        return change

    def again(event, request="R4"):
        def change(content):
            entries = content["predicate"]["ledger"]["entries"]
            place = next(place for place, item in enumerate(entries) if (entry := json.loads(base64.b64decode(item["entry"])))["request"] == request and entry["event"] == event)
            entries.insert(place, entries[place])
        return change

    def turned(content):
        content["predicate"]["ledger"]["entries"].sort(key=lambda item: json.loads(base64.b64decode(item["entry"]))["request"], reverse=True)

    false_settlements = {
        "at another time": claim("settled", {**settled, "closed": "2020-01-01T00:00:00Z"}), "by another request": claim("settled", {**settled, "request": "R3"}),
        "by none": claim("settled", None), "by one that is not closed": without("deletion-closed"), "by one that was not published": without("deletion-published"),
        "by one that came before": turned, "by one that was published twice": again("deletion-published"), "by one that was closed twice": again("deletion-closed"),
        "of one that was closed twice": again("deletion-closed", "R2"), "by one that was not begun": without("deletion-requested"), "by no request": claim("settled", {**settled, "request": ""}),
    }
    accepted = {what: found for what, change in false_settlements.items() if (found := verdicts(forgery.signed(forgery.restated(paid, change), same_bytes))) != (False, False)}
    expect(not accepted, f"{len(false_settlements)} settlements that were none are refused by both {accepted}")
    unlearn(branches, "export", "--out", str(folder / "paid.safetensors"))
    done = support.script(script, folder / "branches-paid.json", signing, "--model", folder / "paid.safetensors")
    expect(done.returncode == 1 and "names no model to compare" in done.stderr and "another model" not in done.stderr, f"a certificate without a digest calls no model another ({done.stderr[-200:]})")
    unlearn(branches, "certificate", "R3", "--out", str(folder / "branches-later.json"))
    expect("earlier stitches" not in script_says(folder / "branches-later.json", signing).stdout, "an exact replay takes them out of what the script says")

    # A statement of values stands by the same grammar, and its amounts follow from its values.
    out = folder / "values"
    valued = json.loads(unlearn(project, "value", "--players", "blocks", "--estimator", "loo", "--metric", "loss", "--pool", "9999.99", "--out", str(out),
                                "--fidelity", "none", "--json").stdout)
    values = (out / "statement.json").read_bytes()
    statement, entries, lines = outside.verify(values, key)
    figures = statement["predicate"]["claims"]["figures"]
    expect(len(entries) == 1 and [p["value"] for p in figures["players"]] == [p["value"] for p in valued["players"]],
           "a statement of values says what the command said, to the bit")
    expect(sum(round(100 * player["amount"]) for player in figures["players"]) == 999999, "its amounts add up to the pool")
    digests = {item["name"]: item["digest"]["sha256"] for item in statement["subject"] if item["name"].endswith(".csv")}
    expect(digests == {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in ("values.csv", "utilities.csv")},
           "it names the two tables beside it by their digests")
    said = script_says(out / "statement.json", pem)
    expect(said.returncode == 0 and said.stdout.splitlines() == lines and any("9999.99" in line for line in lines), "the script prints what it verified")
    own = unlearn(folder / "elsewhere", "verify-certificate", str(out / "statement.json"), "--public-key", str(pem), "--json", check=False)
    expect(own.returncode == 0 and json.loads(own.stdout)["players"][0]["amount"] == figures["players"][0]["amount"], "the program's own verification agrees")
    expect(verdicts(forgery.signed(values, lambda layer, data: data)) == (True, True), "a statement signed anew without a change is valid to both")
    expect(verdicts(forgery.signed(forgery.revalued(values, lambda figures: None), lambda layer, data: data)) == (True, True), "so it is where its entry is made anew")

    def paid(is_worth_it, share):
        """What both say of a statement whose players together are better than none, or not, and get this share of what they have: all or nothing."""
        def change(figures):
            figures["v_empty"] = figures["v_all"] - 1 if is_worth_it else figures["v_all"]
            for player in figures["players"]:
                player["amount"] *= share
        return verdicts(forgery.signed(forgery.revalued(values, change), lambda layer, data: data))

    expect([paid(True, 1), paid(False, 0), paid(False, 1), paid(True, 0)] == [(True, True)] * 3 + [(False, False)],
           "who are worth nothing together may be paid nothing, or as earlier versions paid them; others must be paid")

    def pay(more, less):
        def change(figures):
            players = figures["players"]
            rich = max(range(len(players)), key=lambda index: players[index]["amount"])
            players[rich]["amount"] = (round(100 * players[rich]["amount"]) - less) / 100
            players[(rich + 1) % len(players)]["amount"] = (round(100 * players[(rich + 1) % len(players)]["amount"]) + more) / 100
        return change

    def put(name, value, *path):
        def change(figures):
            place = figures
            for step in path:
                place = place[step]
            place[name] = value
        return change

    false = {
        "a hundredth moved": pay(1, 1), "a hundredth more": pay(1, 0), "a hundredth less": pay(0, 1), "another pool": put("pool", 9999.98), "no pool": put("pool", None),
        "an amount of no hundredths": put("amount", 1.005, "players", 0), "no amount": put("amount", None, "players", 0), "a negative amount": put("amount", -1, "players", 0),
        "another rank": put("rank", 31, "players", 0), "another share": put("share", 0.9, "players", 0), "another value": put("value", 1e3, "players", 0),
        "another model": put("state_digest", "0" * 64), "rows below zero": put("rows", -1, "players", 0), "a truth value for a number": put("v_all", True),
        "values that no sum holds": lambda figures: [player.update(value=1.7e308, rank=1, share=0) for player in figures["players"]],
        "no players": put("players", None), "a name that is a number": put("player", 7, "players", 0), "another kind of score": put("all", "guessed"),
    }
    accepted = [what for what, change in false.items()
                if verdicts(forgery.signed(forgery.revalued(values, change), lambda layer, data: data)) != (False, False)]
    expect(not accepted, f"{len(false)} statements of figures that do not go together are refused by both {accepted}")

    def table(*subjects):
        """Subjects in the place of the one that names values.csv."""
        def change(content):
            content["subject"] = [item for item in content["subject"] if item["name"] != "values.csv"] + [{"name": "values.csv", "digest": digest} for digest in subjects]
        return change

    digest = digests["values.csv"]
    expect(verdicts(forgery.signed(forgery.restated(values, table({"sha512": "x"})), same_bytes)) == (False, False), "a table named by another digest is refused by both")
    tables = {"no digest": table({}), "a text that is none": table({"sha256": "x"}), "upper case": table({"sha256": digest.upper()}), "a digit less": table({"sha256": digest[1:]}),
              "two of one name": table({"sha256": digest}, {"sha256": digest}), "no table": table(), "a number": table({"sha256": 7}), "a digest more": table({"sha256": digest, "md5": "x"}),
              "no tables at all": lambda content: content.update(subject=[item for item in content["subject"] if not item["name"].endswith(".csv")])}
    accepted = {what: found for what, change in tables.items() if (found := verdicts(forgery.signed(forgery.restated(values, change), same_bytes))) != (False, False)}
    expect(not accepted, f"{len(tables)} ways not to name a table are refused by both {accepted}")

    def claimed(layer, data):
        """Of the claims alone: the entry says otherwise."""
        return data.replace(b'"pool":9999.99', b'"pool":9999.98', 1) if layer == "payload" else data

    expect(verdicts(forgery.signed(values, claimed)) == (False, False), "what the entry does not say is refused by both")
    tried, accepted = 0, []
    for what, alter in forgery.forgeries():
        try:
            found = verdicts(forgery.signed(values, alter))
        except ValueError:
            # An alteration of words that only certificates have.
            continue
        tried += 1
        if found != (False, False):
            accepted.append((what, found))
    expect(tried > 150 and not accepted, f"{tried} forged statements are refused by both verifiers {accepted}")

    unlearn(project, "delete", "--ids", "-", "--yes", input="person-9\n")
    entry = [event for event in json.loads(unlearn(project, "log", "--json").stdout)["events"] if event["event"] == "valued"]
    expect(len(entry) == 1 and entry[0]["details"]["metric"] == "loss" and script_says(out / "statement.json", pem).returncode == 0,
           "behind the next deletion the ledger says how values came about, and a statement that somebody kept still holds")
    checked = unlearn(project, "check", "--certificate", str(out / "statement.json"), check=False)
    expect(checked.returncode == 0, f"the ledger goes on from the one that the statement was issued from {checked.stderr}")

finish()
