"""A headless Chromium to look at pages with: its DevTools protocol over two pipes, by the standard library alone."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import harness


@contextlib.contextmanager
def browser():
    """A Browser, which ends with the block; skips where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        harness.skip("chromium is not installed")
    with harness.temp_dir("browser") as home:
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()

        def take_pipes():
            saved = os.dup(to_read), os.dup(from_write)
            os.dup2(saved[0], 3)
            os.dup2(saved[1], 4)

        process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
             f"--user-data-dir={home}/profile", "--remote-debugging-pipe", "about:blank"],
            env=harness.clean_env(HOME=home, XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home, TMPDIR=home), preexec_fn=take_pipes,
            pass_fds=(3, 4), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(to_read)
        os.close(from_write)
        try:
            yield Browser(os.fdopen(to_write, "wb", 0), os.fdopen(from_read, "rb", 0))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Browser:
    def __init__(self, to, answers):
        self._to, self._answers, self._rest, self._last = to, answers, b"", 0
        self.events = []

    def call(self, method, session=None, **params):
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._to.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        while b"\0" not in self._rest:
            got = self._answers.read(1 << 20)
            assert got, "the browser is gone"
            self._rest += got
        text, self._rest = self._rest.split(b"\0", 1)
        return json.loads(text)

    def wait_for(self, method, session):
        while True:
            for event in self.events:
                if event.get("method") == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return event["params"]
            self.events.append(self._next())

    def open(self, path, width=1400, height=900, dark=False, script=True, media=""):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        page.call("Page.enable")
        page.call("Runtime.enable")
        page.call("Log.enable")
        page.call("Network.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        page.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        if not script:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        self.wait_for("Page.loadEventFired", session)
        return page


class Page:
    k_keys = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}

    def __init__(self, owner, session, target):
        self._owner, self._session, self._target = owner, session, target

    def call(self, method, **params):
        return self._owner.call(method, self._session, **params)

    def eval(self, script):
        """The value of a JavaScript expression, as JSON has it."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, (script, done)
        return done["result"].get("value")

    def press(self, key, shift=False):
        more = {"key": key, "code": key, "windowsVirtualKeyCode": self.k_keys.get(key, ord(key[0].upper())), "modifiers": 8 if shift else 0}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.call("Input.dispatchKeyEvent", type="keyDown", **more, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **more)

    def type(self, text):
        for key in text:
            self.press(key)

    def picture(self, path, whole=False):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def events(self, method):
        """What was told of this page so far."""
        self.eval("0")
        return [event["params"] for event in self._owner.events
                if event.get("method") == method and event.get("sessionId") == self._session]

    def close(self):
        self._owner.call("Target.closeTarget", targetId=self._target)
