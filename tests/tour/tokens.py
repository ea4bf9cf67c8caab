"""Runs the snippets of docs/tokens.md; the gateway accepts what they sign."""

import os
import pathlib
import subprocess
import tempfile

from client import Client
from snippets import blocks

PAGE = "docs/tokens.md"
# The language of a heading's snippet, how it is run, and how it prints a token with other claims.
HEADINGS = {
    "Node": ("js", "node", "token.mjs", "console.log(token({claims}, process.env.STAGEDOOR_APP_SECRET));"),
    "Python": ("python", "python3", "token_for.py", 'print(token({claims}, os.environ["STAGEDOOR_APP_SECRET"]))'),
}


async def check(gateway):
    for heading in HEADINGS:
        session, room, server = signed(gateway, heading)
        client = await Client(heading).start(gateway, session)
        assert client.started["session"]["user"] == {"username": "grace", "guest": False}, client.started
        joined = await client.request(join={"room": "lobby-1"})
        assert joined["joined"]["participant"]["role"] == "publisher", joined
        joined = await client.request(join={"room": "lobby", "token": room})
        assert joined["joined"]["participant"]["role"] == "moderator", joined
        await client.close(1000)
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
