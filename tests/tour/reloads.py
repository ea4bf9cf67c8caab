"""Runs the script of docs/sessions-tabs-reloads.md in a browser: reloaded, duplicated, and left.

The browser's back/forward cache is off under a debugger, so the events of leaving and returning are dispatched.
"""

import asyncio

from client import TIMEOUT_S, Client, signed
from snippets import blocks, pattern

PAGE = "docs/sessions-tabs-reloads.md"


async def printed(tab, what):
    """The instance that a tab printed when its session was started or resumed."""
    line = await tab.expect(pattern(f"{what} …"))
    assert line, f"not {what}, but {tab.lines}"
    return line.removeprefix(what).strip()


async def links(watcher, expected):
    """Waits until the watcher saw these links of others, and no participant who joined or left."""
    while True:
        watcher.news.clear()
        seen = [(name, push.get("link")) for name, push in watcher.pushes]
        if len(seen) >= len(expected):
            assert seen == [("participant_link", link) for link in expected], seen
            return
        await asyncio.wait_for(watcher.news.wait(), TIMEOUT_S)


async def check(gateway, browser):
    [(language, code)] = blocks(PAGE, "Code")
    assert language == "js"
    code = gateway.localized(code)
    token = signed(gateway, scope="session", sub="watcher", rooms={"lobby": "publisher"}, ttl_s=600)
    watcher = await Client("watcher").start(gateway, token)
    await watcher.request(join={"room": "lobby"})

    tab = await browser.open(gateway.page)
    await tab.evaluate(code)
    instance = await printed(tab, "started")
    await watcher.expect("participant_joined")
    watcher.pushes.clear()

    await tab.reload()
    await tab.evaluate(code)
    assert await printed(tab, "resumed") == instance
    await links(watcher, ["suspended", "live"])
    print("a reload resumes as the same participant", flush=True)

    watcher.pushes.clear()
    duplicate = await browser.duplicate(tab)
    await duplicate.evaluate(code)
    assert await printed(duplicate, "started") != instance
    await watcher.expect("participant_joined")
    print("a duplicated tab is another instance", flush=True)

    watcher.pushes.clear()
    await tab.evaluate('dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }))')
    await links(watcher, ["suspended"])
    await tab.evaluate('dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))')
    assert await printed(tab, "resumed") == instance
    await links(watcher, ["suspended", "live"])
    print("a page that returns from the cache resumes", flush=True)

    await tab.evaluate("""storage.setItem("session", '{"session":"AAAAAAAAAAAAAAAAAAAAAA","secret":"over"}')""")
    await tab.reload()
    await tab.evaluate(code)
    assert await printed(tab, "started") == instance
    print("a session that is over is started again", flush=True)
    await watcher.close(1000)
