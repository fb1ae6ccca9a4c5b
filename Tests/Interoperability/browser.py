"""Headless Chromium through its DevTools protocol over a pipe (--remote-debugging-pipe): no driver, no package, no port."""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


# What overlaps, leaves its drawing or cannot be read. Words in one drawing may not touch, so their boxes are a little smaller
# than the line they stand in.
LOOK = """
(() => {
    const shown = element => element.getClientRects().length > 0
    const name = element => [...element.childNodes].filter(node => node.nodeType == 3).map(node => node.data).join("").trim()
    const found = {drawings: 0, empty: [], outside: [], overlapping: [], faint: []}
    for (const svg of document.querySelectorAll("svg")) {
        if (!shown(svg)) continue
        found.drawings += 1
        const frame = svg.getBoundingClientRect()
        if (frame.width < 200 || frame.height < 60) found.empty.push(svg.getAttribute("aria-label"))
        const words = [...svg.querySelectorAll("text")].map(text => ({text: name(text), box: text.getBoundingClientRect()}))
        words.forEach(({text, box}, index) => {
            if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
                found.outside.push(text)
            for (const other of words.slice(index + 1)) {
                const b = other.box
                if (Math.min(box.right, b.right) - Math.max(box.left, b.left) > 1 && Math.min(box.bottom, b.bottom) - Math.max(box.top, b.top) > 4)
                    found.overlapping.push(text + " / " + other.text)
            }
        })
        for (const shape of svg.querySelectorAll("line, rect, circle, polygon, polyline")) {
            const box = shape.getBoundingClientRect()
            if (box.left < frame.left - 3 || box.right > frame.right + 3 || box.top < frame.top - 3 || box.bottom > frame.bottom + 3)
                found.outside.push(shape.outerHTML)
        }
    }
    // Relative luminance and contrast of WCAG 2.2.
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255).map(s => s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = element => {
        for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor
            if (colour != "rgba(0, 0, 0, 0)" && colour != "transparent") return colour
        }
        return "rgb(255, 255, 255)"
    }
    for (const element of document.body.querySelectorAll("*")) {
        if (!shown(element) || !name(element) || element.tagName == "title") continue
        const style = getComputedStyle(element)
        const a = light(element.tagName == "text" ? style.fill : style.color), b = light(behind(element))
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
        if (contrast < 4.5) found.faint.push(name(element).slice(0, 30) + " " + contrast.toFixed(2))
    }
    // Boxes that scroll by themselves are allowed to hold more than the window.
    const wide = [...document.body.querySelectorAll("*")].filter(
        element => shown(element) && !element.closest(".scroll, svg") && element.getBoundingClientRect().right > innerWidth + 1)
    found.wide = wide.map(element => element.tagName + " " + element.className).slice(0, 5)
    // No cell of a table lies beyond the edge, even where its box would scroll. A heading that nobody sees may lie anywhere.
    const narrow = matchMedia("screen and (max-width: 719px)").matches
    const cells = [...document.querySelectorAll("table th, table td")].filter(cell => shown(cell) && !(narrow && cell.closest("thead")))
    found.cut = cells.filter(cell => cell.getBoundingClientRect().right > innerWidth + 1 || cell.getBoundingClientRect().left < -1)
        .map(cell => cell.textContent).slice(0, 5)
    found.scrolling = [...document.querySelectorAll(".scroll")].filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.getAttribute("aria-label"))
    // On a phone a cell says what it is.
    found.unsaid = narrow ? [...document.querySelectorAll("td")].filter(cell => {
        const heading = cell.closest("table").querySelectorAll("thead th")[cell.cellIndex < 0 ? 0 : [...cell.parentNode.children].indexOf(cell)]
        return getComputedStyle(cell, "::before").content != JSON.stringify(heading.textContent)
    }).map(cell => cell.textContent).slice(0, 5) : []
    found.numbers = [...document.querySelectorAll("td.number")].map(cell => cell.textContent)
    // What a person copies: one line a row, tabs between.
    const table = document.querySelector("#values table"), selection = getSelection()
    selection.removeAllRanges()
    if (table) selection.selectAllChildren(table)
    found.copied = selection.toString()
    selection.removeAllRanges()
    found.overflow = document.documentElement.scrollWidth - innerWidth
    found.sections = [...document.querySelectorAll("main > section")].map(section => section.id)
    found.rows = document.querySelectorAll("#values tbody tr").length
    found.names = [...document.querySelectorAll("#values tbody th")].map(heading => heading.textContent)
    found.headings = document.querySelectorAll("section > h2").length
    found.small = Math.min(...[...document.querySelectorAll("svg text")].filter(shown).map(
        text => text.getBoundingClientRect().height))
    return found
})()
"""


def chromium():
    """The path of a browser, or None."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    """One browser with one page. What the page asks for and complains about is kept in `requests` and `complaints`."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory()
        # The browser reads commands from descriptor 3 and writes answers to 4.
        command_read, self.commands = os.pipe()
        self.answers, answer_write = os.pipe()

        def place():
            # Above 4 first: one of the two may be 3 or 4 itself.
            read, write = os.dup2(command_read, 60), os.dup2(answer_write, 61)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "about:blank"],
            preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(command_read)
        os.close(answer_write)
        self.number, self.buffer, self.session = 0, b"", None
        self.requests, self.complaints, self.loaded = [], [], False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        os.close(self.commands)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)
        # Helper processes may still write for a moment.
        shutil.rmtree(self.profile.name, ignore_errors=True)
        self.profile._finalizer.detach()

    def receive(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise EOFError("the browser has ended")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def notice(self, event):
        method, details = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(details["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(details["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str(details["args"]))
        elif method == "Page.loadEventFired":
            self.loaded = True

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive(60)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.notice(answer)

    def open(self, url, width, height=900, scheme="light", media=""):
        """Loads a page in a window so wide, or on paper where `media` is print."""
        self.requests, self.complaints, self.loaded = [], [], False
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        while not self.loaded:
            self.notice(self.receive(60))

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"]["value"]
