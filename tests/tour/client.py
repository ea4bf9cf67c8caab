"""One connection of a stock WebSocket library, and tokens to start it with."""

import asyncio
import base64
import hashlib
import hmac
import json
import time

import websockets

# The longest wait for an expected event.
TIMEOUT_S = 60


def signed(gateway, **claims):
    """A token of the gateway's app, good for five minutes."""
    now = int(time.time())
    full = {"iss": gateway.app, "aud": "stagedoor", "iat": now, "exp": now + 300, **claims}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, full)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    code = hmac.digest(gateway.printed("app secret").encode(), text, hashlib.sha256)
    return (text + b"." + base64.urlsafe_b64encode(code).rstrip(b"=")).decode()


class Client:
    """Answers pings and keeps every push, by its name and in order, in `pushes`."""

    def __init__(self, name):
        self.name, self.socket, self.id, self.seq = name, None, 0, 0
        self.pushes, self.replies, self.news = [], {}, asyncio.Event()

    async def connect(self, gateway):
        url = f"ws://{gateway.address}/v1/connect"
        self.socket = await websockets.connect(
            url, subprotocols=["stagedoor.v1.json"], proxy=None, user_agent_header="Mozilla/5.0 (tour)",
        )
        self.reader = asyncio.create_task(self.read())
        return self

    async def start(self, gateway, token):
        return await self.start_with(gateway, f"instance-of-{self.name}", credentials={"token": token})

    async def start_as_guest(self, gateway):
        return await self.start_with(gateway, f"tab-of-{self.name}", username=self.name, credentials={"guest": {}})

    async def start_with(self, gateway, instance, **user):
        await self.connect(gateway)
        start = {"app": gateway.app, "instance": instance, "client": {"name": "tour", "version": "1"}, **user}
        self.started = (await self.request(start=start))["started"]
        return self

    async def read(self):
        try:
            async for text in self.socket:
                await self.receive(json.loads(text))
        except websockets.ConnectionClosed:
            pass

    async def receive(self, message):
        self.seq = message.pop("seq", self.seq)
        if "ping" in message:
            await self.socket.send(json.dumps({"pong": {"seq": self.seq}}))
        elif "id" in message:
            self.replies.pop(message["id"]).set_result(message)
        else:
            self.pushes += message.items()
            self.news.set()

    async def request(self, **command):
        """The result of a command, which must succeed."""
        self.id += 1
        reply = self.replies[self.id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": self.id, **command}))
        message = await asyncio.wait_for(reply, TIMEOUT_S)
        assert "ok" in message, f"{self.name}: {command} is answered with {message}"
        return message["ok"]

    async def expect(self, name):
        """Waits for a push of this name."""
        while not any(name == push for push, _ in self.pushes):
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), TIMEOUT_S)

    def is_open(self):
        """Whether requests are answered."""
        is_ending = any(name == "disconnect" for name, _ in self.pushes)
        return self.socket is not None and self.socket.close_code is None and not is_ending

    async def close(self, code):
        await self.socket.close(code)
        await self.reader
