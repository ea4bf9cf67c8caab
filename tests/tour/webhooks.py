"""Delivers events to a server as docs/webhooks.md says, and compares them with its examples and its table.

The functions of the page, in Node and Python, verify what was delivered and reject what was changed.
"""

import asyncio
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request

from client import TIMEOUT_S, Client, signed
from configured import SERVER_KEY, Configured
from snippets import ROOT

PAGE = "docs/webhooks.md"
CAMERA = {"kind": "camera", "has_audio": True, "has_video": True}
GROUPS = ["session.*", "user.*", "room.*", "participant.*", "stream.*", "moderation.*"]
# The function of the page, called with what is on standard input.
CALLS = {
    "js": ("verified.mjs", "node", """
const { body, headers, secret } = JSON.parse(await new Response(process.stdin).text());
console.log(verified(body, headers, secret).id);
"""),
    "python": ("verified.py", sys.executable, """
import sys
given = json.load(sys.stdin)
print(verified(given["body"].encode(), given["headers"], given["secret"])["id"])
"""),
}


class Endpoint:
    """A server that accepts deliveries and keeps them: headers and body."""

    def __init__(self):
        self.deliveries, self.news = [], threading.Condition()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                with endpoint.news:
                    endpoint.deliveries.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    endpoint.news.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/events" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self):
        """What was delivered, by its type."""
        return {event["type"]: event for event in map(json.loads, (body for _, body in self.deliveries))}

    def wait_for(self, types):
        with self.news:
            arrived = self.news.wait_for(lambda: set(types) <= self.events().keys(), TIMEOUT_S)
        assert arrived, f"{set(types) - self.events().keys()} were not delivered"


def blocks():
    text = (ROOT / PAGE).read_text()
    found = {}
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        found.setdefault(language, []).append(code)
    return found


def table():
    """The fields of `data` of each type, required and optional."""
    rows = (ROOT / PAGE).read_text().split("\n## Events\n")[1].split("\n## ")[0]
    documented = {}
    for names, data in re.findall(r"^\| (`[^|]+) \|[^|]+\| ?([^|]*)\|$", rows, re.MULTILINE):
        name = re.match(r"`([\w.]+)`", names).group(1)
        documented[name] = (data, set(re.findall(r"`(\w+)`", data)), set(re.findall(r"`(\w+)\?`", data)))
    started = documented["session.started"]
    data, required, optional = documented["session.ended"]
    assert data.startswith("the same, and"), data
    documented["session.ended"] = (data, required | started[1], optional | started[2])
    return documented


async def cause_all(gateway):
    """One event of each type."""
    ada, host = (Client(name) for name in ("ada", "host"))
    for client, role in ((ada, "publisher"), (host, "moderator")):
        token = signed(gateway, scope="session", sub=client.name, rooms={"lobby": role})
        await client.start(gateway, token)
        await client.request(join={"room": "lobby"})
    published = await ada.request(publish={"room": "lobby", "stream": CAMERA})
    await host.request(force_mute={"room": "lobby", "username": "ada", "lock": True})
    await ada.request(unpublish={"stream": published["published"]["stream"]["id"]})
    await host.request(leave={"room": "lobby"})
    call(gateway, "users/ada/ban", {"for_ms": 60_000, "reason": "spam"})


def call(gateway, path, body):
    request = urllib.request.Request(
        f"http://{gateway.admin}/api/v1/apps/{gateway.app}/{path}", data=json.dumps(body).encode(), method="POST",
        headers={"Authorization": f"Bearer {SERVER_KEY}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=TIMEOUT_S).close()


def compare(events):
    """The table and the examples of the page with what was delivered."""
    documented = table()
    for name, (_, required, optional) in documented.items():
        kind = "moderation.force_mute" if name == "moderation." else name
        data = set(events[kind].get("data", {}))
        assert required <= data <= required | optional, f"{kind}: {events[kind]}, documented {required}, {optional}"
    for example in map(json.loads, blocks()["json"]):
        event = events[example["type"]]
        assert example.keys() <= event.keys(), (example, event)
        assert example["data"].keys() == event["data"].keys(), (example, event)
    print(f"{len(documented)} types of events are delivered as documented", flush=True)


def verify(language, code, endpoint, secret):
    file, program, use = CALLS[language]
    headers, body = endpoint.deliveries[0]
    event = json.loads(body)["id"]
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / file).write_text(code + use)

        def run(**changed):
            given = {"body": body, "headers": headers, "secret": secret, **changed}
            return subprocess.run(
                [program, file], cwd=folder, input=json.dumps(given), text=True, capture_output=True, check=False,
            )

        accepted = run()
        assert accepted.stdout.strip() == event, accepted
        rotated = f"v1,{'A' * 43}= {headers['webhook-signature']}"
        assert run(headers={**headers, "webhook-signature": rotated}).stdout.strip() == event
        for changed, problem in (
            ({"body": body + " "}, "wrong signature"),
            ({"secret": "whsec_" + "c" * 32}, "wrong signature"),
            ({"headers": {**headers, "webhook-id": "msg_00"}}, "wrong signature"),
            ({"headers": {**headers, "webhook-signature": "v1,"}}, "wrong signature"),
            ({"headers": {**headers, "webhook-timestamp": "1500000000"}}, "older than five minutes"),
        ):
            rejected = run(**changed)
            assert rejected.returncode != 0 and problem in rejected.stderr, (changed, rejected)
    print(f"{language}: the function of the page verifies a delivery, and rejects what was changed", flush=True)


async def check(program):
    [toml] = blocks()["toml"]
    # The page's own configuration is valid.
    async with Configured(program, toml):
        pass
    endpoint = Endpoint()
    secret = re.search(r"whsec_[\w+/=]+", toml).group()
    local = re.sub(r'^url = .*$', f'url = "{endpoint.url}"\nallow_private = true', toml, flags=re.MULTILINE)
    local = re.sub(r"^events = .*$", f"events = {json.dumps(GROUPS)}", local, flags=re.MULTILINE)
    async with Configured(program, local) as gateway:
        await cause_all(gateway)
        types = set(table()) - {"moderation."} | {"moderation.force_mute"}
        await asyncio.to_thread(endpoint.wait_for, types)
    compare(endpoint.events())
    for language in CALLS:
        [code] = blocks()[language]
        verify(language, code, endpoint, secret)
    endpoint.server.shutdown()
