"""Runs the examples of docs/server-api.md line by line, and compares the answers with those that the page states.

Each section has a gateway of its own, with the users that the page assumes. An answer with an error that the page does
not state is a failure.
"""

import json
import re
import tempfile

from client import Client
from configured import OPERATOR_KEY, Configured
from gateway import Gateway, Terminal
from snippets import ROOT, pattern

PAGE = "docs/server-api.md"
CAMERA = {"kind": "camera", "has_audio": True, "has_video": True}
# A dead letter is made from a message that could not be delivered.
ENDPOINT = """
[[apps.webhook_endpoints]]
id = "crm"
url = "http://127.0.0.1:9/events"
secrets = ["whsec_bG9uZy1lbm91Z2gtYW5kLXJhbmRvbS1lbm91Z2gtMzI="]
events = ["user.banned"]
allow_private = true
"""
# Texts that differ from those of the page: ids, hashes, tokens.
VARIABLE = re.compile(r"[\w-]{22}|[0-9a-f]{64}|gw-[0-9a-f]+|eyJ.*", re.DOTALL)

# What a section says of its answers, besides their form.
MORE = {
    "Idempotency": lambda seen: seen[0] == seen[1],
    "Request ids": lambda seen: any("x-request-id: order-4711" in line.lower() for line in seen[0][1]),
}


def sections():
    """The code blocks of the introduction, and those of each section by its heading."""
    introduction, *parts = (ROOT / PAGE).read_text().split("\n## ")
    return blocks_of(introduction), {part.split("\n", 1)[0]: blocks_of(part) for part in parts}


def blocks_of(text):
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def is_like(stated, actual):
    """Whether an answer is one as the page states it: the same fields, and texts unless they are ids."""
    match stated:
        case dict():
            return (
                isinstance(actual, dict) and stated.keys() == actual.keys()
                and all(is_like(value, actual[key]) for key, value in stated.items())
            )
        case list():
            return isinstance(actual, list) and bool(stated) <= bool(actual) and all(map(is_like, stated, actual))
        case str():
            return isinstance(actual, str) and bool(
                pattern(stated).fullmatch(actual) or (VARIABLE.fullmatch(stated) and VARIABLE.fullmatch(actual))
            )
        case bool():
            return stated is actual
        case _:
            return type(stated) is type(actual)


class People:
    """`ada` publishes a camera in the room `lobby`, and `eve` is there."""

    def __init__(self, gateway):
        self.gateway, self.ada, self.eve = gateway, None, None

    async def enter(self, name):
        client = await Client(name).start_as_guest(self.gateway)
        client.participant = (await client.request(join={"room": "lobby"}))["joined"]["participant"]["id"]
        return client

    async def gather(self):
        """A user that the last block removed starts and joins again."""
        if not (self.ada and self.ada.is_open()):
            self.ada = await self.enter("ada")
            published = await self.ada.request(publish={"room": "lobby", "stream": CAMERA})
            self.stream = published["published"]["stream"]["id"]
        if not (self.eve and self.eve.is_open()):
            self.eve = await self.enter("eve")


class Section:
    def __init__(self, gateway, terminal, people):
        self.gateway, self.terminal, self.people = gateway, terminal, people
        # Answers that the page has not stated yet, and all of them; each with its line and its whole output.
        self.answers, self.seen, self.last = [], [], None

    def own(self, line):
        """An example with the ids of this run."""
        ada, last = self.people.ada, self.last if isinstance(self.last, dict) else {}
        line = self.gateway.localized(line).replace("apps/demo", f"apps/{self.gateway.app}")
        for form, value in (
            (r"(?<=/sessions/)[\w-]{22}", ada and ada.started["session"]["id"]),
            (r"(?<=/streams/)[\w-]{22}", self.people.stream if ada else None),
            (r'(?<="participant": ")[\w-]{22}', ada and ada.participant),
            (r"(?<=cursor=)\w+", last.get("next")),
            (r"(?<=dead-letters/)\d+", last.get("items") and last["items"][0].get("number")),
        ):
            if re.search(form, line):
                assert value, f"nothing to put into {line}"
                line = re.sub(form, str(value), line)
        return line

    async def run(self, line):
        print(f"$ {line}", flush=True)
        output = await self.terminal.run(self.own(line))
        try:
            self.last = json.loads(output[-1]) if output else None
        except json.JSONDecodeError:
            self.last = None
        self.answers.append((line, self.last, output))
        self.seen.append((self.last, output))

    async def take(self, language, text):
        match language:
            case "sh":
                self.refuse_unstated_errors()
                for line in text.strip().splitlines():
                    if line.startswith(("npx ", "openapi-python-client ")):
                        self.check_generator(line)
                    else:
                        await self.run(line)
            case "json":
                stated = json.loads(text)
                found = [answer for answer in self.answers if is_like(stated, answer[1])]
                assert found, f"no answer is like\n{text}but\n" + "\n".join(str(seen) for _, seen, _ in self.answers)
                print(f"  {json.dumps(found[0][1])[:150]}", flush=True)
                self.answers.remove(found[0])
            case _:
                raise AssertionError(f"nothing runs a block of {language}")

    def refuse_unstated_errors(self):
        for line, answer, _ in self.answers:
            is_error = isinstance(answer, dict) and answer.get("type") == "about:blank"
            assert not is_error, f"{line}\n{answer}"
        self.answers.clear()

    @staticmethod
    def check_generator(line):
        """`make openapi` runs the generators, which are not installed here."""
        test = (ROOT / "tests" / "openapi" / "openapi.py").read_text()
        for word in line.removeprefix("npx ").split():
            assert word.startswith(("openapi.json", "stagedoor-api")) or f'"{word}"' in test, f"no test runs {line}"


async def run_section(heading, blocks, introduction, gateway, people):
    print(f"\n{PAGE}, {heading}", flush=True)
    async with Terminal() as terminal:
        with tempfile.TemporaryDirectory() as directory:
            await terminal.run(f"cd {directory}\n{gateway.export}")
            section = Section(gateway, terminal, people)
            operator = OPERATOR_KEY if isinstance(gateway, Configured) else "$STAGEDOOR_SERVER_KEY"
            await terminal.run(f"OPERATOR_KEY={operator}")
            for language, text in introduction:
                assert language == "sh", language
                await terminal.run(section.own(text))
            for language, text in blocks:
                if language == "sh" and heading != "Users":
                    await people.gather()
                await section.take(language, text)
            section.refuse_unstated_errors()
            assert heading not in MORE or MORE[heading](section.seen), section.seen


async def check(program):
    introduction, found = sections()
    assert len(found) > 12, found.keys()
    for heading, blocks in found.items():
        if heading == "Webhooks":
            async with Configured(program, ENDPOINT) as gateway:
                await run_webhooks(blocks, introduction, gateway)
        elif blocks:
            async with Gateway(program) as gateway:
                people = People(gateway)
                await people.gather()
                await run_section(heading, blocks, introduction, gateway, people)
    print(f"\nthe examples of {PAGE} work as written", flush=True)


async def run_webhooks(blocks, introduction, gateway):
    async with Terminal() as terminal:
        await terminal.run(gateway.export)
        for number in (1, 2):
            await terminal.run(
                f"curl -sS -f -X POST $STAGEDOOR_URL/api/v1/apps/{gateway.app}/users/dead-{number}/ban "
                '-H "Authorization: Bearer $STAGEDOOR_SERVER_KEY" -H "Content-Type: application/json" -d "{}"'
            )
    await gateway.make_dead_letters()
    await run_section("Webhooks", blocks, introduction, gateway, Absent())


class Absent:
    """The users of a section that has none."""

    ada = None

    async def gather(self):
        pass
