"""Chromium without a window, spoken to over its DevTools protocol through a pair of pipes."""

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PROGRAM = next((path for path in map(shutil.which, NAMES) if path), None)
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--remote-debugging-pipe",
    "--hide-scrollbars",
)
SECONDS = 60  # for an answer, at most


class Page:
    """A page in Chromium. Messages of its console and errors of its scripts are in `problems`."""

    def __init__(self, process, to, answers):
        self.process, self.to, self.answers = process, to, answers
        self.numbers, self.rest, self.session, self.problems, self.requests = itertools.count(1), b"", None, [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Call a method of the protocol and return its result."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + SECONDS
        while True:
            answer = self._receive(end)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _receive(self, end):
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise EOFError("Chromium has ended")
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(parameters["exceptionDetails"]["exception"].get("description", "error"))
        elif event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str(parameters["args"]))
        elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(parameters["entry"]["text"])
        elif event.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def open(self, path, *, width=1280, height=900, touch=False, dark=False):
        """Open a file, and wait until it is there."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.problems.clear()
        self.requests.clear()
        self.call("Page.navigate", url=path.absolute().as_uri())
        end = time.monotonic() + SECONDS
        while self.run("location.href + document.readyState") != f"{path.absolute().as_uri()}complete":
            if time.monotonic() > end:
                raise TimeoutError(f"{path} is not loaded")
            time.sleep(0.02)

    def run(self, script):
        """Run JavaScript and return its value; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description", str(result)))
        return result["result"].get("value")

    def ask(self, function, *arguments):
        """Call a function of JavaScript with arguments that JSON can hold, and return its value."""
        return self.run(f"({function})({', '.join(map(json.dumps, arguments))})")

    def middle(self, selector):
        """Return the middle of the first element that a selector finds, in the window; scroll to it."""
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        return self.run(f"[{box}.x + {box}.width / 2, {box}.y + {box}.height / 2]")

    def click(self, selector):
        """Click the middle of the first element that a selector finds."""
        x, y = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, selector, right, down):
        """Take an element in its middle by the mouse, and move it by so many pixels."""
        x, y = self.middle(selector)
        button = {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **button)
        for share in (0.25, 0.5, 1):
            place = {"x": x + share * right, "y": y + share * down}
            self.call("Input.dispatchMouseEvent", type="mouseMoved", button="left", buttons=1, **place)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + right, y=y + down, **button)

    def drag_by_finger(self, selector, right, down):
        """Take an element in its middle by a finger, and move it by so many pixels."""
        x, y = self.middle(selector)
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        for share in (0.25, 0.5, 1):
            point = {"x": x + share * right, "y": y + share * down}
            self.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[point])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key, *, shift=False):
        """Press a key, such as ArrowRight."""
        text = {" ": " ", "Enter": "\r"}.get(key, "")
        codes = {
            " ": 32,
            "Enter": 13,
            "Tab": 9,
            "End": 35,
            "Home": 36,
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowRight": 39,
            "ArrowDown": 40,
        }
        code = {"windowsVirtualKeyCode": codes.get(key, 0), "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, **code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    def picture(self, *, whole=False):
        """Return a picture of what can be seen, or of the whole page, as the bytes of a PNG."""
        clip = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **clip)
        return base64.b64decode(picture["data"])


@contextlib.contextmanager
def open_chromium(*options):
    """Start Chromium and yield a page."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:

        def connect():  # the protocol is on descriptors 3 and 4
            ends = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        command = [PROGRAM, *OPTIONS, f"--user-data-dir={folder}", *options, "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, pass_fds=(3, 4), preexec_fn=connect, **quiet)
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Page(process, ours_out, ours_in)
        finally:
            process.kill()
            process.wait()
            os.close(ours_out)
            os.close(ours_in)
