"""What README.md, the guide and the pages for client authors show, done as a new user does it.

Usage: tour.py path/to/stagedoor. Prints what it pasted and saw; the first mismatch ends it with 1.
"""

import asyncio
import pathlib
import sys
import tempfile

import chat
import guide
import recipients
import reloads
import server_api
import tokens
import webhooks
from browser import Browser
from gateway import Gateway, Terminal
from snippets import Reader, pattern, walk


async def banner(gateway, browser):
    """The snippet that development mode prints starts a session."""
    tab = await browser.open(gateway.page)
    await tab.evaluate(gateway.snippet)
    assert await tab.expect(pattern('{"seq":2,"session_state":{"state":"established",…')), tab.lines
    print("the snippet of development mode starts a session")


async def by_hand(gateway, terminal, browser, program):
    tabs = {f"Tab {number}": await browser.open(gateway.page) for number in (1, 2, 3)}
    await terminal.run(gateway.export)
    with tempfile.TemporaryDirectory() as directory:
        # Where a reader has the release build.
        release = pathlib.Path(directory) / "target" / "release"
        release.mkdir(parents=True)
        (release / "stagedoor").symlink_to(program)
        await terminal.run(f"cd {directory}")
        await walk(Reader(gateway, terminal, tabs), "docs/tour.md", "Five minutes")
    print("\nthe tour works as written")


async def webrtc(gateway, terminal, browser):
    tabs = {f"Tab {number}": await browser.open(gateway.page) for number in (1, 2)}
    await terminal.run(gateway.export)
    await walk(Reader(gateway, terminal, tabs), "docs/webrtc.md", "Try it")
    print("\nmedia flows between two tabs")


async def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    async with Gateway(program) as gateway, Terminal() as terminal, Browser() as browser:
        await by_hand(gateway, terminal, browser, program)
    async with Gateway(program) as gateway, Browser() as browser:
        await guide.check(gateway, browser)
    async with Gateway(program) as gateway, Terminal() as terminal, Browser() as browser:
        await chat.check(gateway, browser)
        await banner(gateway, browser)
        await tokens.check(gateway)
        await webrtc(gateway, terminal, browser)
        await reloads.check(gateway, browser)
        await recipients.check(gateway)
    await server_api.check(program)
    await webhooks.check(program)


asyncio.run(main())
