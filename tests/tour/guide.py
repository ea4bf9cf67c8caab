"""Follows docs/typescript.md word by word in an empty folder, and runs the first snippet of README.md.

What a reader does is in the prose, in sentences of the forms in `Reader.STEPS`. The file that a sentence names is that
of the next snippet. `MINIMUM` notices a sentence that was reworded into another form.
"""

import asyncio
import os
import pathlib
import re
import socket
import subprocess
import tempfile

from browser import TIMEOUT_S
from snippets import ROOT, pattern

PAGE = "docs/typescript.md"
WORKSPACE = ROOT / "clients" / "typescript"
SERVERS = ("python3 -m http.server", "node server.mjs")
MINIMUM = {
    "save": 2, "change": 3, "visit_both": 1, "visit": 2, "enter": 2, "send": 4, "reload": 3, "show": 8, "silent": 1,
    "stop": 1,
}
# The log of a page, and one of its forms filled in and sent once it is shown.
LOG = "document.querySelector('[role=log]')?.innerText ?? ''"
FILL = """(() => {{
  const form = document.querySelector("#{form}");
  if (!form || form.hidden) return false;
  // A reader waits for the list of users before a message.
  if (form.id === "say" && !document.querySelector("output").value) return false;
  form.elements.{field}.value = {text!r};
  form.requestSubmit();
  return true;
}})()"""


class Reader:
    """A reader with an empty folder, a terminal and a browser."""

    STEPS = {
        "save": r"Save as `([^`]+)`",
        "change": r"In `([^`]+)`, (replace|put after) the line with `([^`]+)`",
        "visit_both": r"Open <(http://[^>]+)> in two tabs",
        "visit": r"<(http://[^>]+)> in tab (\d)",
        "enter": r"In tab (\d), enter as `([^`]+)`",
        "send": r"In tab (\d), send `([^`]+)`",
        "reload": r"Reload (both tabs|tab \d)",
        "show": r"Tab (\d) shows `([^`]+)`",
        "silent": r"[Tt]ab (\d) shows neither a leave nor a join",
        "stop": r"Stop the web server",
    }

    def __init__(self, gateway, browser, folder, packages):
        self.gateway, self.browser, self.folder, self.packages = gateway, browser, folder, packages
        self.tabs, self.server, self.edit, self.counts = {}, None, None, dict.fromkeys(self.STEPS, 0)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("STAGEDOOR")}

    def localized(self, text):
        """A text with the addresses of this test."""
        host, port = self.address.split(":")
        text = self.gateway.localized(text).replace("127.0.0.1:8000", self.address)
        return text.replace(f"http.server 8000 --bind {host}", f"http.server {port} --bind {host}").replace(
            "listen(8000,", f"listen({port},")

    async def follow(self, page):
        """Does what the page says, from its top."""
        for index, part in enumerate(re.split(r"^```(\w+\n.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)):
            if index % 2:
                language, text = part.split("\n", 1)
                await asyncio.wait_for(self.take(language, self.localized(text)), 4 * 60)
            else:
                await self.read(" ".join(part.split()))
        missing = {name: least for name, least in MINIMUM.items() if self.counts[name] < least}
        assert not missing, f"{PAGE} has fewer sentences of a form than expected: {missing} of {self.counts}"

    async def read(self, prose):
        found = [(match.start(), name, match) for name, form in self.STEPS.items() for match in re.finditer(form, prose)]
        for _, name, match in sorted(found, key=lambda step: step[0]):
            print(f"\n* {match.group()}", flush=True)
            self.counts[name] += 1
            await getattr(self, name)(*map(self.localized, match.groups()))

    async def take(self, language, text):
        if language != "sh":
            return self.write(text)
        for command in text.strip().splitlines():
            print(f"\n$ {command}", flush=True)
            if command.startswith("cargo run"):
                continue
            if command.startswith("export "):
                name = command.removeprefix("export ").split("=")[0]
                self.environment[name] = self.gateway.printed("app secret")
            elif command.startswith(SERVERS):
                await self.start(command)
            else:
                self.run(command)

    def run(self, command):
        for name, tarball in self.packages.items():
            command = command.replace(f"install {name}", f"install --no-audit --no-fund {tarball}")
        done = subprocess.run(
            ["bash", "-ec", command + "\npwd >.here"], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        *_, directory = [line for line in command.split("cd ")]
        if "cd " in command:
            self.folder = self.folder / directory.strip()
        print(done.stdout, flush=True)

    async def start(self, command):
        assert self.server is None, "the former web server still runs"
        self.server = subprocess.Popen(
            command.split(), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        host, port = self.address.split(":")
        while True:
            assert self.server.poll() is None, f"{command} ended with {self.server.returncode}"
            try:
                socket.create_connection((host, int(port)), TIMEOUT_S).close()
                return
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)

    def write(self, text):
        assert self.edit, f"the page does not say what to do with\n{text}"
        path, how, fragment = self.edit
        self.edit = None
        if how is None:
            path.write_text(text)
            return
        lines = path.read_text().splitlines(keepends=True)
        [index] = [number for number, line in enumerate(lines) if fragment in line]
        lines[index:index + 1] = [text] if how == "replace" else [lines[index], text]
        path.write_text("".join(lines))

    async def save(self, path):
        self.edit = (self.folder / path, None, None)

    async def change(self, path, how, fragment):
        self.edit = (self.folder / path, how, fragment)

    async def visit_both(self, url):
        for number in "12":
            await self.visit(url, number)

    async def visit(self, url, number):
        # As a browser shows it.
        url = re.sub(r"(:\d+)(\?|$)", r"\1/\2", url)
        self.tabs[number] = await self.browser.open(url)
        _, has_user, name = url.partition("?user=")
        if has_user:
            await self.in_room(number, name)

    async def enter(self, number, name):
        await self.fill(number, "enter", "username", name)
        await self.in_room(number, name)

    async def send(self, number, text):
        await self.fill(number, "say", "text", text)

    async def in_room(self, number, name):
        """Waits until a page lists a user: a reader would not be faster."""
        listed = f"document.querySelector('output').value.split(', ').includes({name!r})"
        await self.until(lambda: self.tabs[number].evaluate(listed), lambda: f"{name} is not in the room of tab {number}")

    async def fill(self, number, form, field, text):
        code = FILL.format(form=form, field=field, text=text)
        await self.until(lambda: self.tabs[number].evaluate(code), lambda: f"tab {number} shows no form {form}")

    async def reload(self, which):
        for number in "12" if which == "both tabs" else which[-1]:
            await self.tabs[number].reload()

    async def show(self, number, stated):
        expected = pattern(stated)
        shown = []

        async def is_shown():
            shown[:] = (await self.tabs[number].evaluate(LOG)).splitlines()
            return any(map(expected.fullmatch, shown))

        await self.until(is_shown, lambda: f"tab {number} does not show {stated!r}, but {shown}")

    async def silent(self, number):
        lines = (await self.tabs[number].evaluate(LOG)).splitlines()
        assert [line for line in lines if line.endswith((" joined", " left"))] == ["eve joined"], lines

    async def stop(self):
        # A shell that runs this in the background lets its children ignore the signal of Ctrl-C.
        self.server.terminate()
        self.server.wait(TIMEOUT_S)
        self.server = None

    async def until(self, condition, problem):
        deadline = asyncio.get_running_loop().time() + TIMEOUT_S
        while not await condition():
            assert asyncio.get_running_loop().time() < deadline, problem()
            await asyncio.sleep(0.05)


def pack(folder):
    """The tarballs of the packages, in place of the registry's."""
    for name in ("client", "server"):
        source = WORKSPACE / "packages" / name
        assert (source / "dist" / "index.js").exists(), f"build the packages first: npm run build in {WORKSPACE}"
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder], cwd=source, check=True)
        [tarball] = pathlib.Path(folder).glob(f"*-{name}-*.tgz")
        yield f"@stagedoor/{name}", tarball


async def check_readme(gateway, browser):
    """The first snippet of README.md: two users chat in the consoles of two tabs."""
    code = re.search(r"^```js\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL).group(1)
    bundle = (WORKSPACE / "packages" / "client" / "dist" / "stagedoor.js").read_text()
    module = "URL.createObjectURL(new Blob([bundle], { type: 'text/javascript' }))"
    code = gateway.localized(code).replace("import {", "const {", 1)
    code = code.replace("} from '@stagedoor/client';", f"}} = await import({module});")
    ada, eve = await browser.open(gateway.page), await browser.open(gateway.page)
    for tab, name in ((ada, "ada"), (eve, "eve")):
        await tab.evaluate(f"globalThis.bundle = {bundle!r}; null")
        await tab.evaluate(code.replace("guest: 'ada'", f"guest: '{name}'"))
    assert await ada.expect(pattern("eve: hello")), ada.lines
    for tab in (ada, eve):
        await tab.evaluate("manager.stop()")
    print("\nthe first snippet of README.md works in two tabs", flush=True)


async def check(gateway, browser):
    await check_readme(gateway, browser)
    with tempfile.TemporaryDirectory() as packages, tempfile.TemporaryDirectory() as folder:
        page = (ROOT / PAGE).read_text()
        example = (WORKSPACE / "examples" / "chat" / "index.html").read_text()
        assert f"```html\n{example}```" in page, f"{PAGE} does not show the example chat as it is"
        reader = Reader(gateway, browser, pathlib.Path(folder), dict(pack(packages)))
        try:
            await reader.follow(page)
        finally:
            if reader.server:
                reader.server.kill()
    print(f"\n{PAGE} works as written", flush=True)
