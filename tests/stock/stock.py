"""A stock WebSocket client against the real program: what any client author sees.

Usage: stock.py path/to/stagedoor. Prints a transcript; the first thing that is not as documented ends it with 1.
"""

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request

import websockets

# Long enough for the slowest of it, so that a failure is one and no hang.
PATIENCE_S = 30
# The shortest life after which expiry and renewal are comfortably apart.
TTL_S = 5


class Gateway:
    def __init__(self, program):
        arguments = ["serve", "--dev", "--listen", "127.0.0.1:0", "--ready-json", "--log", "warn"]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        self.url = f"ws://{self.ready['listen']}/v1/connect"

    def api(self, method, path, body=None):
        url = f"http://{self.ready['listen']}/api/v1/apps/{self.ready['app']}/{path}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.ready['server_key']}"}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request) as response:
            text = response.read()
        say("api", f"{method} {path} {json.dumps(body)} -> {response.status}")
        return json.loads(text) if text else None

    def token(self, **claims):
        return self.api("POST", "sessions", claims)["token"]


class Client:
    """One WebSocket of the stock library."""

    def __init__(self, name, socket):
        self.name, self.socket, self.last_seq = name, socket, 0

    @classmethod
    async def connect(cls, gateway, name):
        return cls(name, await websockets.connect(gateway.url, subprotocols=["stagedoor.v1.json"]))

    @classmethod
    async def start(cls, gateway, name, username, instance, credentials):
        client = await cls.connect(gateway, name)
        await client.send(1, start={
            "app": gateway.ready["app"], "username": username, "instance": instance,
            "credentials": credentials, "client": {"name": "stock", "version": "1"},
        })
        started = await client.until(lambda message: message.get("id") == 1)
        if "ok" not in started:
            return client, started["error"]
        await client.state("established")
        return client, started["ok"]["started"]

    async def send(self, id, **command):
        text = json.dumps({"id": id, **command})
        say(f"{self.name} ->", text)
        await self.socket.send(text)

    async def hear(self):
        text = await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        say(f"{self.name} <-", text)
        message = json.loads(text)
        self.last_seq = message.get("seq", self.last_seq)
        return message

    async def until(self, wanted):
        while True:
            message = await self.hear()
            if wanted(message):
                return message

    async def state(self, state):
        await self.until(lambda message: message.get("session_state", {}).get("state") == state)

    async def closed(self, code):
        try:
            closing = await self.until(lambda message: "disconnect" in message)
            check(closing["disconnect"]["code"], code)
            await self.until(lambda message: False)
        except websockets.ConnectionClosed as closed:
            say(f"{self.name} <-", f"close {closed.rcvd.code} {closed.rcvd.reason!r}")
            check(closed.rcvd.code, code)


def say(who, what):
    print(f"{who:>12} {what if len(what) < 300 else what[:297] + '...'}", flush=True)


def title(text):
    print(f"\n== {text}", flush=True)


def check(found, expected):
    assert found == expected, f"expected {expected!r}, found {found!r}"


async def guest_and_replaced(gateway):
    title("guest, and replaced by a newer connection of the same instance")
    older, started = await Client.start(gateway, "older", "ada", "stock-tab-1", {"guest": {}})
    check(started["session"]["user"], {"username": "ada", "guest": True})
    newer, _ = await Client.start(gateway, "newer", "ada", "stock-tab-1", {"guest": {}})
    await older.closed(4013)
    await newer.send(2, end={})
    await newer.closed(1000)


async def expired_and_renewed(gateway):
    title("token, asked for a new one, expired, renewed")
    token = gateway.token(username="bob", ttl_s=TTL_S)
    client, started = await Client.start(gateway, "bob", "bob", "stock-tab-2", {"token": token})
    check(started["session"]["user"], {"username": "bob", "guest": False})
    await client.until(lambda message: "token_expiring" in message)
    await client.state("tokenExpired")
    await client.send(2, join={"room": "lobby"})
    refused = await client.until(lambda message: message.get("id") == 2)
    check(refused["error"]["code"], "token_expired")
    await client.send(3, renew={"auth_token": gateway.token(username="bob")})
    await client.until(lambda message: "renewed" in message.get("ok", {}))
    await client.state("established")
    await client.socket.close()


async def cut_and_resumed(gateway):
    title("cut, and resumed")
    client, started = await Client.start(gateway, "carol", "carol", "stock-tab-3", {"guest": {}})
    seen = client.last_seq
    await client.send(2, postpone_renewal={})
    await client.until(lambda message: message.get("id") == 2)
    client.socket.transport.abort()
    again = await Client.connect(gateway, "carol again")
    session, secret = started["session"]["id"], started["resume"]["secret"]
    await again.send(1, resume={"session": session, "secret": secret, "last_seq": seen})
    resumed = (await again.hear())["ok"]["resumed"]
    check((resumed["replayed_count"], resumed["state"]), (1, "established"))
    missed = await again.hear()
    check((missed["id"], missed["seq"]), (2, seen + 1))
    await again.send(3, renew={})
    await again.until(lambda message: "renewed" in message.get("ok", {}))
    await again.socket.close()


async def banned(gateway):
    title("banned, and refused")
    client, started = await Client.start(gateway, "mallory", "mallory", "stock-tab-4", {"guest": {}})
    gateway.api("POST", "users/mallory/ban", {"for_ms": 60_000, "reason": "spam"})
    await client.closed(4011)
    for name, credentials in [("guest", {"guest": {}}), ("token", {"token": started["access_token"]})]:
        client, error = await Client.start(gateway, name, "mallory", "stock-tab-4", credentials)
        check(error["code"], "banned")
        await client.closed(4011)


async def stopped(gateway):
    title("the gateway is stopped")
    client, _ = await Client.start(gateway, "dave", "dave", "stock-tab-5", {"guest": {}})
    gateway.process.terminate()
    await client.closed(4200)
    check(gateway.process.wait(PATIENCE_S), 0)


async def main():
    gateway = Gateway(sys.argv[1])
    try:
        print(f"websockets {websockets.__version__} against {gateway.url}")
        for scene in [guest_and_replaced, expired_and_renewed, cut_and_resumed, banned, stopped]:
            await scene(gateway)
        print("\nall as documented")
    finally:
        gateway.process.kill()


asyncio.run(main())
