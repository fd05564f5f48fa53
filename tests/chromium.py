"""A headless Chromium that tests open pages with: what a page computes, and what it does on a mouse, a key, a finger.

It speaks the Chrome DevTools protocol through two pipes, so it needs a Chromium and nothing else. Without one,
`browser()` skips the test.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

NAMES = ("chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # in containers tests run as root
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no network: a page that needs one fails
)
TIMEOUT = 60.0  # seconds until a silent browser is a failure


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser, and end it afterwards; skip the test where there is none."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    to_read, to_write = os.pipe(), os.pipe()  # what the browser reads, and what it writes
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        redirect = f'exec "$0" "$@" 3<&{to_read[0]} 4>&{to_write[1]}'  # the protocol wants descriptors 3 and 4
        command = ["sh", "-c", redirect, program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            command, pass_fds=(to_read[0], to_write[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_read[0])
        os.close(to_write[1])
        try:
            yield Browser(to_write[0], to_read[1])
        finally:
            process.kill()
            process.wait()
            os.close(to_read[1])
            os.close(to_write[0])


class Browser:
    """One page of a running browser.

    Attributes
    ----------
    complaints : list of str
        What the page wrote on the console as an error or warning, and exceptions that nobody caught.
    """

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.received, self.number, self.session = b"", 0, None
        self.complaints: list[str] = []
        self.loaded = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.screen()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.outgoing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def screen(self, width: int = 1000, height: int = 800, *, dark: bool = False, touch: bool = False) -> None:
        """Set the size of the window in CSS pixels, the color scheme, and whether there is a touch screen."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, page: Path | str) -> None:
        """Open a file, or HTML given as text, and wait until it is loaded."""
        url = page.resolve().as_uri() if isinstance(page, Path) else f"data:text/html;charset=utf-8,{quote(page)}"
        self.complaints.clear()
        self.loaded = False
        self.call("Page.navigate", url=url)
        while not self.loaded:
            self._receive()

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, which may be a promise."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def run(self, function: str, *arguments: Any) -> Any:
        """Call a function of JavaScript with arguments that JSON can hold, and return its value."""
        return self.evaluate(f"({function})({', '.join(map(json.dumps, arguments))})")

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key, by its name in JavaScript: ``"ArrowLeft"``, ``"Tab"``, ``" "``."""
        codes = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, "Enter": 13, " ": 32}
        code = codes.get(key) or {"Home": 36, "End": 35, "PageUp": 33, "PageDown": 34, "Escape": 27}.get(key, 0)
        values = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        text = {" ": " ", "Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **values)
        self.call("Input.dispatchKeyEvent", type="keyUp", **values)

    def center(self, selector: str) -> tuple[float, float]:
        """Return the middle of an element in the window, scrolled to first."""
        function = """selector => {
            const element = document.querySelector(selector);
            element.scrollIntoView({block: "center"});
            const {x, y, width, height} = element.getBoundingClientRect();
            return [x + width / 2, y + height / 2];
        }"""
        x, y = self.run(function, selector)
        return x, y

    def click(self, selector: str) -> None:
        """Click on the middle of an element."""
        self.drag(selector, 0, 0)

    def drag(self, selector: str, right: float, down: float, *, touch: bool = False) -> None:
        """Take an element in its middle by the mouse, or by a finger, and move it by CSS pixels in four steps."""
        x, y = self.center(selector)
        places = [(x + right * k / 4, y + down * k / 4) for k in range(5)]
        if touch:
            self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
            for a, b in places[1:]:
                self.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": a, "y": b}])
            self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            return
        mouse = {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, buttons=1, **mouse)
        for a, b in places[1:] if (right, down) != (0, 0) else ():
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=a, y=b, buttons=1, button="left")
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + right, y=y + down, buttons=0, **mouse)

    def screenshot(self, path: Path | str, *, whole: bool = True) -> None:
        """Write a PNG file of the window, or of the whole page."""
        content = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        Path(path).write_bytes(base64.b64decode(content["data"]))

    def _clip(self, whole):
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def _receive(self):
        """Wait for one message; note what the page complains about."""
        while b"\0" not in self.received:
            if not select.select([self.incoming], [], [], TIMEOUT)[0]:
                raise TimeoutError(f"the browser said nothing for {TIMEOUT:g} s")
            more = os.read(self.incoming, 1 << 16)
            if not more:
                raise RuntimeError("the browser ended")
            self.received += more
        text, self.received = self.received.split(b"\0", 1)
        message = json.loads(text)
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([argument.get("value") for argument in parameters["args"]]))
        elif method == "Network.requestWillBeSent" and parameters["request"]["url"].startswith(("http", "//")):
            self.complaints.append(f"it asked the network for {parameters['request']['url']}")
        return message
