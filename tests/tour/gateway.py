"""The real gateway in development mode, and the terminal of a reader."""

import asyncio
import json
import os
import re
import socket
import urllib.request

# The longest wait for an expected event.
TIMEOUT_S = 60
PORT = "127.0.0.1:7080"


class Gateway:
    """A gateway on a free port; `banner` is what it prints for a developer."""

    app = "demo"
    # The last line of its banner.
    END = "\n  } }));\n"

    def __init__(self, program):
        self.program = program
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "%s:%d" % free.getsockname()

    async def __aenter__(self):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("STAGEDOOR")}
        arguments = ["serve", "--dev", "--listen", self.address, "--log", "error"]
        self.process = await asyncio.create_subprocess_exec(
            self.program, *arguments, stdout=asyncio.subprocess.PIPE, env=environment,
        )
        self.banner = ""
        while not self.banner.endswith(self.END):
            line = await asyncio.wait_for(self.process.stdout.readline(), TIMEOUT_S)
            assert line, "the gateway ended"
            self.banner += line.decode()
        return self

    async def __aexit__(self, *_):
        self.process.terminate()
        await asyncio.wait_for(self.process.communicate(), TIMEOUT_S)

    @property
    def page(self):
        """A page whose console may connect."""
        return f"http://{self.address}/livez"

    def printed(self, name):
        """A value of the banner, by its name."""
        return re.search(rf"^ +{name} +(\S+)$", self.banner, re.MULTILINE).group(1)

    @property
    def export(self):
        """The line that a reader pastes into another terminal."""
        return re.search(r"^ +(export .*)$", self.banner, re.MULTILINE).group(1)

    @property
    def snippet(self):
        """What it proposes to paste into a browser's console."""
        return self.banner[self.banner.index("  ws = new WebSocket"):]

    async def get(self, path, token):
        """What the server API answers to the bearer of a token."""
        url = f"http://{self.address}/api/v1/apps/demo/{path}"
        call = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})

        def read():
            with urllib.request.urlopen(call, timeout=TIMEOUT_S) as response:
                return json.load(response)

        return await asyncio.to_thread(read)

    def localized(self, text):
        """A snippet with the address of this gateway."""
        return text.replace(PORT, self.address)


class Terminal:
    """One shell, whose variables outlive a snippet."""

    END = "-end-of-snippet-"

    async def __aenter__(self):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("STAGEDOOR")}
        self.process = await asyncio.create_subprocess_exec(
            "bash", "--norc", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, env=environment,
        )
        return self

    async def __aexit__(self, *_):
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), TIMEOUT_S)

    async def run(self, snippet):
        """The lines that a snippet prints; it must succeed."""
        self.process.stdin.write(f"{{ {snippet}\n}} </dev/null; code=$?; echo; echo {self.END} $code\n".encode())
        lines = []
        while True:
            line = await asyncio.wait_for(self.process.stdout.readline(), TIMEOUT_S)
            assert line, f"the shell ended in\n{snippet}"
            line = line.decode().rstrip("\n")
            if line.startswith(self.END):
                code = line.removeprefix(self.END).strip()
                assert code == "0", f"exit code {code} of\n{snippet}\n" + "\n".join(lines)
                return [line for line in lines if line]
            lines.append(line)
