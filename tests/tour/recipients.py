"""Compares the table "Who receives what" of docs/protocol.md with a running gateway.

One participant of each kind is in a room. For each row a command is carried out, and what each of them receives is
compared with the row.
"""

import asyncio
import json
import pathlib
import re

from client import TIMEOUT_S, Client, signed

ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "docs" / "protocol.md"
SCHEMA = ROOT / "proto" / "schema" / "stagedoor.v1.schema.json"
ROOM = "recipients"
CAMERA = {"kind": "camera", "has_audio": True, "has_video": True}
# The kinds of receivers, in the order of the columns, and the role of the participant that stands for each.
ROLES = {
    "sender": "moderator", "target": "publisher", "viewer": "subscriber", "rest": "publisher_only", "feed": "moderator",
}


def rows():
    """What each kind of receiver gets, by the first cell of the row."""
    lines = PAGE.read_text().split("### Who receives what\n")[1].split("\n## ")[0].splitlines()
    table = [line.strip("|").split("|") for line in lines if line.startswith("| ")][2:]
    return {cells[0].strip(): [set(re.findall(r"`(\w+)`", cell)) for cell in cells[1:]] for cells in table}


class Check:
    def __init__(self, gateway):
        self.gateway, self.rows, self.done = gateway, rows(), []

    async def client(self, kind, name=None):
        token = signed(
            self.gateway, scope="session", sub=name or kind, rooms={ROOM: ROLES[kind]}, ttl_s=3600,
            app_moderator=kind == "sender",
        )
        return await Client(name or kind).start(self.gateway, token)

    async def enter(self):
        """One participant of each kind, in the room."""
        self.clients = {kind: await self.client(kind) for kind in ROLES}
        for client in self.clients.values():
            await self.join(client)
        await self.clients["feed"].request(set_session_feed={"room": ROOM, "enabled": True})
        await self.settled()

    @staticmethod
    async def join(client):
        joined = (await client.request(join={"room": ROOM}))["joined"]
        client.participant = joined["participant"]["id"]

    async def settled(self, expected=()):
        """Waits until each client has what is expected of it and has answered a request after that."""
        for kind, names in expected:
            client = self.clients[kind]
            while not names <= {name for name, _ in client.pushes}:
                client.news.clear()
                try:
                    await asyncio.wait_for(client.news.wait(), TIMEOUT_S)
                except TimeoutError:
                    return
        for client in self.clients.values():
            if client.is_open():
                await client.request(postpone_renewal={})

    async def row(self, title, act, sender="sender", target=None):
        """Carries a command out and compares what everybody got with the row."""
        self.done.append(title)
        cells = self.rows.get(title)
        assert cells is not None, f"the table has no row {title}"
        to_sender, to_target, to_viewers, to_rest, to_feed = cells
        expected = {kind: to_viewers for kind in self.clients}
        expected["rest"], expected["feed"] = to_rest, to_viewers | to_feed
        if target:
            expected[target] = to_target
        expected[sender] = to_sender
        for client in self.clients.values():
            client.pushes.clear()
        result = await act(self.clients[sender])
        await self.settled(expected.items())
        for kind, client in self.clients.items():
            found = {name for name, _ in client.pushes}
            wanted = expected[kind]
            assert found == wanted, f"{title}: {kind} gets {found or 'nothing'}, not {wanted or 'nothing'}"
        print(f"  {title}", flush=True)
        return result

    async def command(self, title, name, body, sender="sender", target=None):
        return await self.row(title, lambda client: client.request(**{name: body}), sender, target)

    async def publish(self):
        published = await self.clients["target"].request(publish={"room": ROOM, "stream": CAMERA})
        await self.settled()
        return published["published"]["stream"]["id"]

    async def acknowledge(self, stream):
        self.clients["sender"].pushes.clear()
        await self.clients["target"].request(update_stream={"stream": stream, "has_audio": False})
        await self.settled([("sender", {"moderation"})])

    async def unmute(self, stream):
        await self.clients["target"].request(update_stream={"stream": stream, "has_audio": True})
        await self.settled()

    async def streams(self):
        published = await self.command("`publish`", "publish", {"room": ROOM, "stream": CAMERA}, "target")
        stream = published["published"]["stream"]["id"]
        await self.command("`update_stream`", "update_stream", {"stream": stream, "name": "desk"}, "target")
        await self.command("`subscribe`", "subscribe", {"stream": stream}, "viewer", "target")
        relay = {"to": self.clients["target"].participant, "stream": stream, "data": {}}
        await self.command("`relay`", "relay", relay, "viewer", "target")
        await self.command("`unsubscribe`", "unsubscribe", {"stream": stream}, "viewer", "target")
        signal = {"room": ROOM, "type": "chat", "data": {}}
        to = self.clients["target"].participant
        await self.command("`signal`", "signal", signal)
        await self.command("`signal` with `to`", "signal", {**signal, "to": to}, "sender", "target")
        return stream

    async def mutes(self, stream):
        of_user = {"room": ROOM, "username": "target"}
        await self.command("`force_mute` of a stream", "force_mute", {"stream": stream}, "sender", "target")
        await self.command(
            "`update_stream` that acknowledges a mute", "update_stream", {"stream": stream, "has_audio": False},
            "target", "sender",
        )
        await self.command("`lift_mute` of a stream", "lift_mute", {"stream": stream}, "sender", "target")
        await self.command("`request_unmute`", "request_unmute", {"stream": stream}, "sender", "target")
        await self.unmute(stream)
        await self.command(
            "`force_mute` of a participant, with `lock`", "force_mute", {**of_user, "lock": True}, "sender", "target",
        )
        await self.acknowledge(stream)
        await self.command("`lift_mute` of a participant", "lift_mute", of_user, "sender", "target")
        await self.unmute(stream)
        await self.command("`force_mute_all`", "force_mute_all", {"room": ROOM}, "sender", "target")
        await self.acknowledge(stream)
        await self.command("`disable_force_mute`", "disable_force_mute", {"room": ROOM}, "sender", "target")

    async def roles(self):
        target = {"room": ROOM, "participant": self.clients["target"].participant}
        await self.command(
            "`set_role` to one that may not publish", "set_role", {**target, "role": "subscriber"}, "sender", "target",
        )
        await self.command("`set_role`", "set_role", {**target, "role": "publisher"}, "sender", "target")
        await self.command("`unpublish`", "unpublish", {"stream": await self.publish()}, "target")
        stream = await self.publish()
        await self.command("`force_unpublish`", "force_unpublish", {"stream": stream}, "sender", "target")

    async def sessions(self):
        target = self.clients["target"]
        await self.row("a connection is lost", lambda client: client.close(3000), "target")

        async def resume(client):
            await client.connect(self.gateway)
            secret = client.started["resume"]["secret"]
            session = client.started["session"]["id"]
            await client.request(resume={"session": session, "secret": secret, "last_seq": client.seq})

        await self.row("`resume`", resume, "target")
        token = signed(self.gateway, scope="session", sub="target", rooms={ROOM: "publisher"}, ttl_s=1800)
        await self.command("`renew`", "renew", {"auth_token": token}, "target")
        await self.command("`postpone_renewal`", "postpone_renewal", {}, "target")
        await self.command("`ping`", "ping", {}, "target")
        await self.command("`leave`", "leave", {"room": ROOM}, "target")
        await self.row("`join`", self.join, "target")
        await self.command("`join` in the same room again", "join", {"room": ROOM}, "target")
        await self.command("`roster`", "roster", {"room": ROOM}, "viewer")

    async def removals(self):
        await self.command("`lock_room`", "lock_room", {"room": ROOM})
        await self.command("`unlock_room`", "unlock_room", {"room": ROOM})
        await self.publish()
        of_user = {"room": ROOM, "username": "target"}
        await self.command("`force_disconnect`", "force_disconnect", of_user, "sender", "target")
        await self.command("`unblock`", "unblock", of_user)
        await self.join(self.clients["target"])
        await self.settled()
        await self.command(
            "`force_disconnect` with `scope` `app`", "force_disconnect", {**of_user, "block": {"scope": "app"}},
            "sender", "target",
        )
        self.clients.pop("target")
        feed = {"room": ROOM, "enabled": True}
        await self.command("`set_session_feed`", "set_session_feed", feed, "feed")

    async def ends(self):
        token = signed(self.gateway, scope="session", sub="newcomer", rooms={ROOM: "publisher"}, ttl_s=3600)
        newcomer = self.clients["newcomer"] = Client("newcomer")
        await self.row("`start`", lambda client: client.start(self.gateway, token), "newcomer")
        await self.join(newcomer)
        await self.settled()
        await self.command("`end`", "end", {}, "newcomer")
        self.clients.pop("newcomer")
        await self.command("`end_room`", "end_room", {"room": ROOM})


async def check(gateway):
    check = Check(gateway)
    await check.enter()
    await check.mutes(await check.streams())
    await check.roles()
    await check.sessions()
    await check.removals()
    await check.ends()
    missing = set(check.rows) - set(check.done)
    assert not missing, f"no check of the rows {missing}"
    commands = {choice["required"][0] for choice in json.loads(SCHEMA.read_text())["$defs"]["Command"]["oneOf"]}
    named = {re.match(r"`(\w+)`", row).group(1) for row in check.rows if row.startswith("`")}
    assert named == commands, f"commands and rows differ: {named ^ commands}"
    print("the table of receivers is that of the gateway")
