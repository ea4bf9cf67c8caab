"""Renders every Mermaid diagram of the documents with Mermaid in headless Chromium: `diagrams.py NODE_FOLDER`.

Each label of a diagram has to be in its picture, and a broken diagram has to fail. NODE_FOLDER is where the package of
package.json is installed.
"""

import asyncio
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tour"))

from browser import Browser  # noqa: E402

FOREIGN = {"target", "node_modules", "dist"}
# Of more diagrams than these, one that is in another form would not be missed.
MINIMUM = 8
# The text and size of a rendered diagram.
RENDER = """(async (text) => {
  const { svg } = await mermaid.render("diagram", text);
  document.body.innerHTML = svg;
  const picture = document.querySelector("svg");
  const { width, height } = picture.getBoundingClientRect();
  picture.querySelectorAll("style").forEach((style) => style.remove());
  return { text: picture.textContent.replaceAll(/\\s+/g, ""), width, height };
})"""
BROKEN = "sequenceDiagram\n  participant A as Ada\n  A->>B hello\n"
# The labels of the kinds of diagrams in use; a label may have breaks where lines wrap.
LABELS = {
    "sequenceDiagram": r"^ *(?:participant \w+ as (.+)|Note [^:]+: (.+)|opt (.+)|[^:\n]+: (.+))$",
    "stateDiagram-v2": r"^ *[^:\n]+: (.+)$",
    "flowchart": r"\[\(?([^\])]+)\)?\]|\|([^|]+)\|",
}


def diagrams():
    """The diagrams of all documents, each with its place."""
    for page in sorted(ROOT.rglob("*.md")):
        path = page.relative_to(ROOT)
        if FOREIGN & set(path.parts):
            continue
        text = page.read_text()
        for match in re.finditer(r"^```mermaid\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}", match.group(1)


def labels(text):
    kind = text.split()[0]
    assert kind in LABELS, f"nothing reads the labels of a {kind}"
    return ["".join(found) for found in re.findall(LABELS[kind], text, re.MULTILINE)]


async def check(tab, place, text):
    shown = await tab.evaluate(f"await {RENDER}({text!r})")
    assert shown["width"] > 50 and shown["height"] > 50, f"{place} has no size: {shown}"
    names = labels(text)
    assert names, f"{place} has no labels"
    missing = [label for label in names if re.sub(r"\s+", "", label) not in shown["text"]]
    assert not missing, f"{place} does not show {missing}"
    print(f"{place}: {len(names)} labels", flush=True)


async def main(folder):
    script = pathlib.Path(folder) / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
    found = list(diagrams())
    assert len(found) >= MINIMUM, f"only {len(found)} diagrams were found"
    async with Browser() as browser:
        tab = await browser.open("about:blank")
        await tab.evaluate(script.read_text() + "\n;null")
        await tab.evaluate("mermaid.initialize({ startOnLoad: false, securityLevel: 'strict' })")
        for place, text in found:
            await check(tab, place, text)
        try:
            await check(tab, "a broken diagram", BROKEN)
        except AssertionError as error:
            assert "Parse error" in str(error), error
        else:
            sys.exit("a broken diagram is rendered")
    print(f"{len(found)} diagrams are rendered")


asyncio.run(main(sys.argv[1]))
