"""Runs the snippets of docs/tokens.md; the gateway accepts what they sign."""

import asyncio
import json
import os
import pathlib
import subprocess
import tempfile

import websockets

from snippets import blocks

PAGE = "docs/tokens.md"
# The longest wait for an expected event.
TIMEOUT_S = 60
# The language of a heading's snippet, how it is run, and how it prints a token with other claims.
HEADINGS = {
    "Node": ("js", "node", "token.mjs", "console.log(token({claims}, process.env.STAGEDOOR_APP_SECRET));"),
    "Python": ("python", "python3", "token_for.py", 'print(token({claims}, os.environ["STAGEDOOR_APP_SECRET"]))'),
}


class Client:
    """One connection of a stock library."""

    def __init__(self, socket):
        self.socket, self.id = socket, 0

    @classmethod
    async def connect(cls, gateway):
        url = f"ws://{gateway.address}/v1/connect"
        return cls(await websockets.connect(url, subprotocols=["stagedoor.v1.json"], proxy=None))

    async def request(self, **command):
        self.id += 1
        await self.socket.send(json.dumps({"id": self.id, **command}))
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), TIMEOUT_S))
            if message.get("id") == self.id:
                assert "ok" in message, f"{command}: {message}"
                return message["ok"]


async def check(gateway):
    for heading in HEADINGS:
        session, room, server = signed(gateway, heading)
        client = await Client.connect(gateway)
        start = {"app": "demo", "instance": f"backend-in-{heading}", "credentials": {"token": session}}
        reply = await client.request(start={**start, "client": {"name": "tokens", "version": "1"}})
        assert reply["started"]["session"]["user"] == {"username": "grace", "guest": False}, reply
        joined = await client.request(join={"room": "lobby-1"})
        assert joined["joined"]["participant"]["role"] == "publisher", joined
        joined = await client.request(join={"room": "lobby", "token": room})
        assert joined["joined"]["participant"]["role"] == "moderator", joined
        await client.socket.close(1000)
        assert "items" in await gateway.get("rooms", server)
        print(f"{heading}: its session, room and server tokens are accepted", flush=True)


def signed(gateway, heading):
    """The tokens that the snippet below a heading prints: its own, and one for each of the page's other claims."""
    language, program, file, call = HEADINGS[heading]
    [(found, code)] = blocks(PAGE, heading)
    assert found == language, heading
    environment = {**os.environ, "STAGEDOOR_APP_SECRET": gateway.printed("app secret")}

    def printed(text, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / file).write_text(text)
            run = subprocess.run(
                [program, file, *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True,
            )
        return run.stdout.strip()

    yield printed(code, "grace")
    functions = code.split("claims = ")[0].removesuffix("const ")
    for _, claims in blocks(PAGE, "Other claims"):
        claims = claims.strip().replace("a new random text", f"used in {heading}")
        yield printed(functions + call.format(claims=claims))
