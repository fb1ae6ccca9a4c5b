"""Pages of requests in headless Chromium: on a desk, on a phone, in the dark and on paper; and that they name nobody.

check_pages.py UNLEARN [SCREENSHOTS]
"""
import base64
import io
import pathlib
import random
import sys
import tempfile

from browser import LOOK, Browser, chromium
from support import expect, finish, unlearn

SECTIONS = ["done", "left", "evidence", "words"]


def make(folder):
    """A chain with a stitched request, its audit, an exact one and one of rows that no block holds; and a project of branches."""
    source = random.Random(3)
    rows = [f"{i},{source.gauss(0, 1)},{source.gauss(0, 1)}" for i in range(1500)]
    (folder / "rows.csv").write_text("who,x,y,label\n" + "".join(f"person-{row},{'ab'[float(row.split(',')[1]) + float(row.split(',')[2]) > 0]}\n" for row in rows))
    common = ["init", "--data", f"csv:{folder / 'rows.csv'}", "--id-column", "who", "--label-column", "label", "--assignment-seed", "1"]
    chain, branches = folder / "chain", folder / "branches"
    unlearn(chain, *common, "--model", "mlp", "--hidden", "8", "--blocks", "40", "--epochs", "4")
    unlearn(chain, "train")
    unlearn(chain, "delete", "--ids", "-", "--yes", "--method", "stitch", "--on-no-decay", "stitch", "--damping", "0.5", "--ticket",
            "DSR 2026/114: a reference <of some length>, مرجع", input="person-7\nperson-8\n")
    unlearn(chain, "audit")
    unlearn(chain, "report", "--out", str(folder / "owed.html"))
    unlearn(chain, "delete", "--ids", "-", "--yes", "--method", "exact", "--ignore-unknown", "--ignore-missing", input="person-7\nperson-20\nperson-99999\n")
    unlearn(branches, *common, "--model", "logistic", "--branches", "8")
    unlearn(branches, "train")
    unlearn(branches, "delete", "--ids", "-", "--yes", input="person-30\n")
    unlearn(branches, "report", "--out", str(folder / "branches.html"))
    unlearn(chain, "report", "--all", "--out", str(folder / "pages"))
    return [folder / "owed.html", folder / "branches.html", *sorted((folder / "pages").iterdir())]


def look(page, browser, screenshots):
    is_index = page.name == "index.html"
    for width, scheme in [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]:
        browser.open(page.as_uri(), width, scheme=scheme)
        found, where = browser.evaluate(LOOK), f"{page.name}, {width} px, {scheme}"
        expect(not browser.complaints, f"{where}: no complaint on the console {browser.complaints or ''}")
        expect([url for url in browser.requests if not url.startswith("data:")] == [page.as_uri()], f"{where}: the page asks for nothing but itself")
        expect(found["sections"] == (["requests"] if is_index else SECTIONS) and found["headings"] == len(found["sections"]), f"{where}: every section is there ({found['sections']})")
        expect(found["overflow"] <= 0 and not found["wide"], f"{where}: nothing is wider than the window {found['wide'] or ''}")
        for kind in ("empty", "outside", "overlapping", "faint", "cut", "unsaid"):
            expect(not found[kind], f"{where}: nothing is {kind} {found[kind][:5] or ''}")
        if screenshots:
            image = browser.call("Page.captureScreenshot", captureBeyondViewport=True, optimizeForSpeed=True)["data"]
            (screenshots / f"{page.stem}-{width}-{scheme}.png").write_bytes(base64.b64decode(image))
    browser.open(page.as_uri(), 680, media="print")
    found = browser.evaluate(LOOK)
    expect(not found["cut"] and not found["scrolling"] and found["overflow"] <= 0, f"{page.name}: nothing is cut off on paper {found['cut'] or ''}")
    paper = base64.b64decode(browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)["data"])
    if screenshots:
        (screenshots / f"{page.stem}.pdf").write_bytes(paper)
    try:
        import pypdf
    except ImportError:
        print("skipped: no pypdf here to count printed pages with", file=sys.stderr)
        return
    pages = len(pypdf.PdfReader(io.BytesIO(paper)).pages)
    # On both sides of two sheets, what is stitched and audited; the others on two pages.
    expect(pages <= (3 if page.name == "owed.html" else 2), f"{page.name}: {pages} printed pages")


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    pages = make(folder)
    expect([page.name for page in pages[2:]] == ["R1.html", "R2.html", "index.html"], f"a page a request and an index ({[page.name for page in pages]})")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        expect("person-" not in text, f"{page.name} names no row")
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    expect("Forgotten approximately" in texts["owed.html"] and "nearer to exact replay" in texts["owed.html"], "what is owed is said first, and what the audit found")
    expect("Forgotten exactly, in two steps." in texts["R1.html"], "a later exact request settles it")
    expect("Forgotten exactly." in texts["R2.html"] and "1 row by R1" in texts["R2.html"] and "1 of these names has no row" in texts["R2.html"], "names that were not found or deleted before are told apart")
    expect("Forgotten exactly." in texts["branches.html"] and "then branch by branch" in texts["branches.html"], "branches are exact and drawn")
    expect(all(words in texts["index.html"] for words in ("Every request was carried out, and no exact repetition is owed to any.", " Names that were not found are to be clarified in R2.")),
           "the index says what is owed, and what is to be clarified")
    program = chromium()
    if program:
        browser = Browser(program)
        screenshots = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
        if screenshots:
            screenshots.mkdir(parents=True, exist_ok=True)
        try:
            for page in pages:
                look(page, browser, screenshots)
        finally:
            browser.close()
    else:
        print("skipped: no Chromium here to look at the pages with", file=sys.stderr)

finish()
