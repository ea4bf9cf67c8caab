"""Two visitors talk in the chat page that development mode serves."""

import asyncio

from browser import TIMEOUT_S

ENTER = """
get("username").value = "{name}";
get("enter").requestSubmit();
"""
SAY = """
get("text").value = "{text}";
get("say").requestSubmit();
"""


async def shown(tab, text):
    """Waits until the page's log has a line."""
    deadline = asyncio.get_running_loop().time() + TIMEOUT_S
    log = ""
    while text not in log.splitlines():
        assert asyncio.get_running_loop().time() < deadline, f"the page does not show {text!r}:\n{log}"
        await asyncio.sleep(0.05)
        log = await tab.evaluate('get("log").innerText')


async def check(gateway, browser):
    url = f"http://{gateway.address}/examples/chat.html"
    ada, eve = await browser.open(url), await browser.open(url)
    await ada.evaluate(ENTER.format(name="ada"))
    await shown(ada, "in lobby with ada")
    await eve.evaluate(ENTER.format(name="eve"))
    await shown(ada, "eve joined")
    await eve.evaluate(SAY.format(text="hello"))
    await shown(ada, "eve: hello")
    print("two visitors talk in the chat page", flush=True)
