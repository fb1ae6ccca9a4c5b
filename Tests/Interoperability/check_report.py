"""The value report in headless Chromium: what a browser makes of the page, in light and dark, on a desk, on a phone and on paper.

check_report.py UNLEARN [FOLDER [SCREENSHOTS]]    FOLDER: a report that is there already, instead of making one
"""
import base64
import csv
import io
import pathlib
import random
import re
import sys
import tempfile

from browser import LOOK, Browser, chromium
from support import expect, finish, unlearn

NEEDED = ["values", "trust", "cost", "deletion", "limits", "provenance"]

# A sign, digits, a point; nothing between digits that a spreadsheet would stumble over. A dash is what is not known.
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?%?|\u2013")


def untorn(name, paper, rows):
    """Rows of tables stay whole where pages break, seen by names of several lines: all parts of one are on the same pages as often. Of
    sixty, drawings name the first and the last twelve, shortened; `rows` are numbers of others."""
    try:
        import pypdf
    except ImportError:
        print("skipped: no pypdf here to look at the printed report with", file=sys.stderr)
        return
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(paper)).pages]
    torn, met = [], 0
    for number, text in enumerate(pages, 1):
        for row in rows:
            parts = [len(re.findall(rf"row{row}part{part}\b", text)) for part in range(1, 4)]
            met += parts[0]
            if len(set(parts)) != 1:
                torn.append(f"row {row} on page {number}: {parts}")
    # Each stands in the table of values and in that of deletions.
    expect(len(pages) > 1 and met == 2 * len(rows) and not torn, f"{name}: no row of {met} is torn by the breaks of {len(pages)} pages {torn[:5] or ''}")


def look(page, browser, players, screenshots, printed_rows=()):
    for width, scheme in [(1440, "light"), (1280, "dark"), (1000, "light"), (390, "light"), (390, "dark"), (800, "light"), (360, "light")]:
        browser.open(page.as_uri(), width, scheme=scheme)
        found = browser.evaluate(LOOK)
        where = f"{page.parent.name}, {width} px, {scheme}"
        expect(not browser.complaints, f"{where}: no complaint on the console {browser.complaints or ''}")
        asked = [url for url in browser.requests if not url.startswith("data:")]
        expect(asked == [page.as_uri()], f"{where}: the page asks for nothing but itself")
        missing = [section for section in NEEDED if section not in found["sections"]]
        expect(not missing and found["headings"] == len(found["sections"]), f"{where}: every section is there with its heading {missing or ''}")
        # Control characters and the like show as replacements, so names are compared where there are none.
        expect(found["rows"] == len(players), f"{where}: {found['rows']} rows for {len(players)} players")
        expect(sorted(found["names"]) == sorted(players), f"{where}: names read as they were given")
        expect(found["overflow"] <= 0 and not found["wide"], f"{where}: nothing is wider than the window {found['wide'] or ''}")
        expect(not players or found["drawings"] >= 3, f"{where}: {found['drawings']} drawings are seen")
        for kind in ("empty", "outside", "overlapping", "faint"):
            expect(not found[kind], f"{where}: nothing is {kind} {found[kind][:5] or ''}")
        for kind in ("cut", "unsaid") if width != 800 else ():
            expect(not found[kind], f"{where}: no cell of a table is {kind} {found[kind] or ''}")
        expect(width == 800 or not found["scrolling"], f"{where}: no table scrolls sideways {found['scrolling'] or ''}")
        odd = [text for text in found["numbers"] if not NUMBER.fullmatch(text)]
        expect(not odd, f"{where}: a spreadsheet reads {len(found['numbers'])} numbers in tables {odd[:5] or ''}")
        if width == 1440 and players:
            copied = [line.split("\t") for line in found["copied"].splitlines() if "\t" in line]
            expect(len(copied) == len(players) + 1 and {len(line) for line in copied} == {len(copied[0])}, f"{where}: a copied table has a column for each of its own")
            numbers = [field for line in copied[1:] for field, heading in zip(line, copied[0]) if heading not in (copied[0][0], "How sure is the rank")]
            expect(all(NUMBER.fullmatch(field.strip()) for field in numbers), f"{where}: {len(numbers)} numbers copied from it are numbers")
        expect(not players or found["small"] >= 12, f"{where}: words in drawings are large enough to read ({found['small']})")
        if screenshots:
            image = browser.call("Page.captureScreenshot", captureBeyondViewport=True, optimizeForSpeed=True)["data"]
            (screenshots / f"{page.parent.name}-{width}-{scheme}.png").write_bytes(base64.b64decode(image))
    # As wide as A4 within the style sheet's margins.
    browser.open(page.as_uri(), 680, media="print")
    found = browser.evaluate(LOOK)
    expect(not found["cut"] and not found["scrolling"] and found["overflow"] <= 0, f"{page.parent.name}: nothing is cut off on paper {found['cut'] or ''}")
    paper = base64.b64decode(browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)["data"])
    expect(paper.startswith(b"%PDF") and len(paper) > 20_000, f"{page.parent.name}: it prints, {len(paper)} bytes")
    if printed_rows:
        untorn(page.parent.name, paper, printed_rows)
    if screenshots:
        (screenshots / f"{page.parent.name}.pdf").write_bytes(paper)


def check(folder, browser, screenshots=None):
    with open(folder / "values.csv", newline="", encoding="utf-8") as file:
        values = list(csv.DictReader(file))
    players = [row["player"] for row in values]
    ranked = sorted(values, key=lambda row: float(row["value"]))
    printed_rows = [re.match(r"row(\d+)part1 ", row["player"])[1] for row in ranked[15:-15] if row["player"].startswith("row")]
    look(folder / "report.html", browser, players, screenshots, printed_rows)
    with open(folder / "utilities.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        names = row["coalition"].split("|") if row["coalition"] else []
        if names != sorted(names) or not set(names) <= set(players):
            expect(False, f"{folder.name}: utilities.csv lists '{row['coalition']}' out of order or with unknown players")
            break
    return players, rows


def make(folder):
    """A small project of four providers, one with an awkward name and wrong labels."""
    source = random.Random(1)
    providers = ["north", "south, \"old\" <b>", "east & west", "مستشفى"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["who", "x", "y", "provider", "label"])
    for i in range(800):
        x, y, provider = source.gauss(0, 1), source.gauss(0, 1), i % 4
        inside = x * x + y * y < 1.4
        writer.writerow([f"p{i}", x, y, providers[provider], "in" if inside != (provider == 1) else "out"])
    (folder / "rows.csv").write_text(text.getvalue(), encoding="utf-8")
    project, out = folder / "project", folder / "out"
    unlearn(project, "init", "--data", f"csv:{folder / 'rows.csv'}", "--id-column", "who", "--label-column", "label", "--group-column", "provider",
            "--model", "mlp", "--hidden", "16", "--blocks", "4", "--blocks-by", "group", "--assignment-seed", "1")
    unlearn(project, "train")
    unlearn(project, "value", "--players", "groups", "--pool", "10000", "--out", str(out))
    return out, providers


def make_long(folder):
    """Tables over several pages: sixty providers whose names take three lines, averaged over eight block orders, with every column."""
    source = random.Random(2)
    with open(folder / "long.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "x", "y", "provider", "label"])
        for i in range(1200):
            x, y, provider = source.gauss(0, 1), source.gauss(0, 1), i % 60
            writer.writerow([f"p{i}", x, y, " ".join(f"row{provider}part{part}" + " of a name" * (part < 3) for part in range(1, 4)), "in" if x + y < 1 else "out"])
    project, out = folder / "long", folder / "long-out"
    unlearn(project, "init", "--data", f"csv:{folder / 'long.csv'}", "--id-column", "who", "--label-column", "label", "--group-column", "provider",
            "--model", "logistic", "--blocks", "3", "--assignment-seed", "1")
    unlearn(project, "train")
    unlearn(project, "value", "--estimator", "permutation", "--max-evaluations", "2000", "--orders", "8", "--metric", "loss", "--fidelity", "none",
            "--pool", "123456789.01", "--out", str(out))
    return out


program = chromium()
if program is None:
    print("skipped: no chromium here to look at the value report with", file=sys.stderr)
    sys.exit(0)
browser = Browser(program)
try:
    if len(sys.argv) > 2:
        screenshots = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
        if screenshots:
            screenshots.mkdir(parents=True, exist_ok=True)
        check(pathlib.Path(sys.argv[2]).resolve(), browser, screenshots)
    else:
        with tempfile.TemporaryDirectory() as name:
            out, providers = make(pathlib.Path(name).resolve())
            players, rows = check(out, browser)
            expect(sorted(players) == sorted(providers), "every provider is a player")
            expect(len(rows) == 2 ** len(providers), "every coalition of four is listed")
            check(make_long(pathlib.Path(name).resolve()), browser)
finally:
    browser.close()
finish()
