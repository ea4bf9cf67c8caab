"""Headless Chromium, driven over the DevTools protocol as far as a tour needs it."""

import asyncio
import json
import pathlib
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request

import websockets

# The longest wait for an expected event.
TIMEOUT_S = 60
NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--remote-debugging-port=0", "--disable-popup-blocking", "about:blank",
    # A camera that needs no permission; addresses of this machine as ICE candidates, where no mDNS resolves names.
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--disable-features=WebRtcHideLocalIpsWithMdns", "--autoplay-policy=no-user-gesture-required",
]


class Browser:
    """A browser with a profile of its own, which ends with the `async with` block."""

    async def __aenter__(self):
        program = next(filter(None, map(shutil.which, NAMES)), None)
        assert program, f"no browser is installed, one of {', '.join(NAMES)}"
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.tabs = []
        self.process = subprocess.Popen(
            [program, f"--user-data-dir={self.profile.name}", *ARGUMENTS],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.port = await asyncio.wait_for(self.debugging_port(), TIMEOUT_S)
        return self

    async def __aexit__(self, *_):
        for tab in self.tabs:
            await tab.close()
        self.process.terminate()
        self.process.wait(TIMEOUT_S)
        self.profile.cleanup()

    async def debugging_port(self):
        file = pathlib.Path(self.profile.name) / "DevToolsActivePort"
        while not (file.exists() and file.read_text().count("\n")):
            assert self.process.poll() is None, f"the browser ended with {self.process.returncode}"
            await asyncio.sleep(0.05)
        return int(file.read_text().splitlines()[0])

    async def open(self, url):
        """A new tab that shows a page."""
        address = f"http://127.0.0.1:{self.port}/json/new?{urllib.parse.quote(url, safe='')}"
        with urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=TIMEOUT_S) as response:
            return await self.attach(json.load(response), url)

    async def duplicate(self, tab):
        """A tab with the same page and a copy of its `sessionStorage`."""
        url = await tab.evaluate("location.href")
        known = {tab.target for tab in self.tabs}
        await tab.evaluate("window.open(location.href), null")
        while True:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json/list", timeout=TIMEOUT_S) as response:
                new = [one for one in json.load(response) if one["type"] == "page" and one["id"] not in known]
            opened = [one for one in new if one["url"] == url]
            if opened:
                return await self.attach(opened[0], url)
            await asyncio.sleep(0.05)

    async def attach(self, target, url):
        socket = await websockets.connect(target["webSocketDebuggerUrl"], max_size=None, proxy=None)
        tab = Tab(target["id"], socket)
        self.tabs.append(tab)
        await tab.call("Runtime.enable")
        await tab.call("Page.enable")
        await tab.loaded(url)
        return tab


class Tab:
    """A page with its console: `lines` is what it printed, `prompt` answers its dialogs."""

    def __init__(self, target, socket):
        self.target, self.socket, self.next_id, self.calls = target, socket, 0, {}
        self.lines, self.news, self.prompt = [], asyncio.Event(), lambda question: ""
        self.reader = asyncio.create_task(self.read())

    async def close(self):
        await self.socket.close()
        await asyncio.gather(self.reader, return_exceptions=True)

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.calls.pop(message["id"]).set_result(message)
                continue
            match message["method"]:
                case "Runtime.consoleAPICalled":
                    values = [str(argument.get("value", "")) for argument in message["params"]["args"]]
                    self.print(" ".join(values))
                case "Runtime.exceptionThrown":
                    details = message["params"]["exceptionDetails"]
                    self.print("exception " + details.get("exception", {}).get("description", details["text"]))
                case "Page.javascriptDialogOpening":
                    answer = {"accept": True, "promptText": self.prompt(message["params"]["message"])}
                    await self.send("Page.handleJavaScriptDialog", answer)

    def print(self, line):
        self.lines.append(line.rstrip())
        self.news.set()

    async def expect(self, line):
        """Removes the first line that matches, or answers None if there is none in time."""
        deadline = asyncio.get_running_loop().time() + TIMEOUT_S
        while True:
            found = next(filter(line.fullmatch, self.lines), None)
            if found is not None:
                self.lines.remove(found)
                return found
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), deadline - asyncio.get_running_loop().time())
            except TimeoutError:
                return None

    async def send(self, method, parameters):
        self.next_id += 1
        self.calls[self.next_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": self.next_id, "method": method, "params": parameters}))
        return self.calls[self.next_id]

    async def call(self, method, **parameters):
        answer = await asyncio.wait_for(await self.send(method, parameters), TIMEOUT_S)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    async def loaded(self, url):
        while await self.evaluate("location.href + document.readyState") != url + "complete":
            await asyncio.sleep(0.05)

    async def reload(self):
        """Loads the page again, which forgets every variable of its scripts."""
        await self.evaluate("isOld = true")
        url = await self.evaluate("location.href")
        await self.call("Page.reload")
        while await self.evaluate("typeof isOld") != "undefined":
            await asyncio.sleep(0.05)
        await self.loaded(url)

    async def evaluate(self, code):
        """The value of a text that is pasted into the console."""
        result = await self.call(
            "Runtime.evaluate", expression=code, replMode=True, returnByValue=True, awaitPromise=True,
        )
        problem = result.get("exceptionDetails")
        assert problem is None, f"{problem['exception'].get('description', problem)} in\n{code}"
        return result["result"].get("value")
