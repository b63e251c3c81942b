"""Chromium without a window, led over a pipe in the words of the DevTools protocol."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from harness import tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 120
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-extensions", "--disable-background-networking", "--disable-component-update"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
    # What drops down below the address is a page, too, and takes as long to start as the browser.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
)
_CODES = {"z": 90, "Enter": 13, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38}
_CODES |= {"ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35, " ": 32, "a": 65, "/": 191}
_TEXTS = {"Enter": "\r", " ": " ", "/": "/"}


def program_of_browser() -> str:
    """The path of Chromium, or of its twin by Google; skips where neither is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), "") or tools.program("chromium")


class Browser:
    """A browser; everything goes through its two pipes, in this thread."""

    def __init__(self, folder: str) -> None:
        program = program_of_browser()
        theirs_in, self._out = (_high(fd) for fd in os.pipe())
        self._in, theirs_out = (_high(fd) for fd in os.pipe())
        self._pid = os.posix_spawn(
            program,
            [program, *_FLAGS, f"--user-data-dir={folder}", "about:blank"],
            {**os.environ, "HOME": folder},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_in, 3),
                (os.POSIX_SPAWN_DUP2, theirs_out, 4),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setpgroup=0,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self.workers: list[str] = []

    def send(self, method: str, session: str = "", **words: Any) -> dict[str, Any]:
        """What a command answers."""
        number = self._post(method, session, words)
        while True:
            message = self._next()
            if message.get("id") == number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                answer: dict[str, Any] = message["result"]
                return answer
            self._note(message)

    def _post(self, method: str, session: str, words: dict[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": words}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return self._number

    def _note(self, message: dict[str, Any]) -> None:
        """Keep an event; watch each worker from its first line on."""
        if message.get("method") != "Target.attachedToTarget":
            self.events.append(message)
            return
        session = message["params"]["sessionId"]
        self.workers.append(session)
        for method in ("Runtime.enable", "Network.enable", "Runtime.runIfWaitingForDebugger"):
            self._post(method, session, {})

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError("the browser does not answer")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise AssertionError("the browser has ended")
            self._buffer += data
        one, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        return message

    def wait(self, method: str, words: dict[str, Any]) -> None:
        """Wait for an event that says some words among others."""
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.get("method") == method and words.items() <= event["params"].items():
                    return
            seen = len(self.events)
            self._note(self._next())

    def page(self) -> Page:
        """A new tab."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session)

    def close(self) -> None:
        """End it with all that it started."""
        os.close(self._out)
        os.close(self._in)
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


class Page:
    """A tab, which notes what goes wrong in it and what it fetches."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        watch = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        self.send("Target.setAutoAttach", **watch)
        self.send("Page.setLifecycleEventsEnabled", enabled=True)

    def send(self, method: str, **words: Any) -> dict[str, Any]:
        """What a command of the page answers."""
        return self._browser.send(method, self._session, **words)

    def open(self, address: str) -> None:
        """Go to an address, and wait until all of it is there."""
        loader = self.send("Page.navigate", url=address)["loaderId"]
        self._browser.wait("Page.lifecycleEvent", {"loaderId": loader, "name": "load"})

    def run(self, script: str) -> Any:
        """The value of an expression, awaited."""
        return self._run(script, self._session)

    def run_in_workers(self, script: str) -> list[Any]:
        """The same in each worker."""
        return [self._run(script, session) for session in self._browser.workers]

    def _run(self, script: str, session: str) -> Any:
        words = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self._browser.send("Runtime.evaluate", session, expression=script, **words)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str) -> Any:
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + PATIENCE
        while not (value := self.run(condition)):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)
        return value

    def write(self, text: str) -> None:
        """Put a text where the cursor is, as pasting does."""
        self.send("Input.insertText", text=text)

    def press(self, key: str, *, shift: bool = False, control: bool = False) -> None:
        """Press a key and let it go."""
        words: dict[str, Any] = {"key": key, "code": key, "modifiers": 8 * shift + 2 * control}
        words["windowsVirtualKeyCode"] = _CODES[key]
        if control and key == "a":
            words["commands"] = ["selectAll"]
        if key in _TEXTS:
            words["text"] = _TEXTS[key]
        self.send("Input.dispatchKeyEvent", type="keyDown", **words)
        self.send("Input.dispatchKeyEvent", type="keyUp", **{**words, "text": ""})

    def look(self, width: int, height: int, *, dark: bool) -> None:
        """Take a size and a colour scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def complaints(self) -> list[str]:
        """What the console and the log of the browser say is wrong."""
        self.run("0")
        found = []
        for event in self._browser.events:
            words = event["params"] if "method" in event else {}
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(json.dumps(words["exceptionDetails"]))
            elif event.get("method") == "Runtime.consoleAPICalled" and words["type"] != "log":
                found.append(json.dumps(words["args"]))
            elif event.get("method") == "Log.entryAdded" and words["entry"]["level"] != "info":
                found.append(f"{words['entry']['text']} {words['entry'].get('url', '')}")
        return found

    def fetched(self) -> list[str]:
        """The addresses that were asked for, by workers too."""
        return [
            event["params"]["request"]["url"]
            for event in self._browser.events
            if event.get("method") == "Network.requestWillBeSent"
        ]


def _high(fd: int) -> int:
    """The same pipe under a number that no program expects."""
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return high


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that ends with the block; skips where none is installed."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        started = Browser(folder)
        try:
            yield started
        finally:
            started.close()


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is offered while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
