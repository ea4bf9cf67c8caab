"""Runs the code blocks of a page as a reader does, and compares what they print with what the page states."""

import asyncio
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]


def blocks(page, heading):
    """The code blocks below a heading of a page: their language and text."""
    section = (ROOT / page).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no snippets below {heading}"
    return found


def pattern(stated):
    """A line as a page states it, where `…` stands for any text."""
    return re.compile(".*".join(map(re.escape, stated.split("…"))))


class Reader:
    """Pastes snippets into a terminal and into the consoles of tabs.

    A snippet of JavaScript says in its first line for which tab it is. The lines of a `text` block may appear in any
    order; `Tab 1: ` in front of one names where, if it is not where the last snippet was pasted.
    """

    def __init__(self, gateway, terminal, tabs):
        self.gateway, self.terminal, self.tabs = gateway, terminal, tabs
        # The source of the last snippet, and what the terminal printed since the last stated output.
        self.last, self.printed = None, []
        self.token = None
        for tab in tabs.values():
            tab.prompt = self.answer

    def answer(self, question):
        return self.gateway.printed("moderator token") if "moderator" in question else self.token

    async def take(self, language, text):
        match language:
            case "sh":
                print(f"\nTerminal $ {text.strip()}", flush=True)
                self.printed = await self.terminal.run(self.gateway.localized(text))
                self.last, self.token = "Terminal", self.printed[-1] if self.printed else None
            case "js":
                head, code = text.split("\n", 1)
                names = [f"Tab {number}" for number in re.findall(r"\d", head)]
                assert names, f"the snippet does not say for which tab it is:\n{text}"
                print(f"\n{', '.join(names)} > {code.strip()}", flush=True)
                for self.last in names:
                    await self.tabs[self.last].evaluate(self.gateway.localized(code))
            case "text":
                for line in self.gateway.localized(text).splitlines():
                    source, colon, rest = line.partition(": ")
                    has_source = colon and source in self.tabs
                    await self.stated(*((source, rest) if has_source else (self.last, line)))
                for tab in self.tabs.values():
                    tab.lines.clear()
            case _:
                raise AssertionError(f"nothing runs a block of {language}")

    async def stated(self, name, line):
        expected = pattern(line)
        if name == "Terminal":
            found = next(filter(expected.fullmatch, self.printed), None)
            seen = self.printed
        else:
            found, seen = await self.tabs[name].expect(expected), self.tabs[name].lines
        assert found, f"{name} did not print: {line}\ninstead:\n" + "\n".join(seen)
        print(f"{name:>8}   {found[:150]}", flush=True)


async def walk(reader, page, heading):
    """Takes every snippet below a heading of a page."""
    for language, text in blocks(page, heading):
        await asyncio.wait_for(reader.take(language, text), 4 * 60)
