"""Every operation of the server API, called with the generated client: once with success, and with an error.

Each answer must be parsed into its type. The participants that the calls are about are real ones.
"""

import importlib
import json
import time

from websockets.sync.client import connect

from gateway import APP, ENDPOINT, OPERATOR_KEY, SERVER_KEY, TIMEOUT_S, WRONG_KEY

PACKAGE = "stagedoor_server_api_client"
ROOM = "lobby"


class Participant:
    """A session in the room, with a stream."""

    def __init__(self, gateway, token, instance):
        self.socket = connect(gateway.socket_url, subprotocols=["stagedoor.v1.json"], proxy=None)
        self.number = 0
        credentials, client = {"token": token}, {"name": "calls", "version": "1"}
        started = self.request(start={
            "app": APP, "instance": instance, "credentials": credentials, "client": client,
        })
        self.session = started["started"]["session"]["id"]
        self.until(lambda message: message.get("session_state", {}).get("state") == "established")
        self.id = self.request(join={"room": ROOM})["joined"]["participant"]["id"]
        self.stream = self.publish()

    def publish(self):
        stream = {"kind": "camera", "has_audio": True, "has_video": True}
        return self.request(publish={"room": ROOM, "stream": stream})["published"]["stream"]["id"]

    def request(self, **command):
        self.number += 1
        number = self.number
        self.socket.send(json.dumps({"id": number, **command}))
        reply = self.until(lambda message: message.get("id") == number)
        assert "ok" in reply, reply
        return reply["ok"]

    def until(self, is_expected):
        while True:
            message = json.loads(self.socket.recv(TIMEOUT_S))
            if is_expected(message):
                return message


class Calls:
    """The generated client, and what was called with it."""

    def __init__(self, gateway, document):
        self.client = importlib.import_module(PACKAGE)
        self.models = importlib.import_module(f"{PACKAGE}.models")
        self.url, self.document = gateway.url, document
        self.succeeded, self.refused = set(), {}

    def tag_of(self, name):
        for operations in self.document["paths"].values():
            for operation in operations.values():
                if operation["operationId"] == name:
                    return operation["tags"][0]
        raise AssertionError(f"the document has no {name}")

    def send(self, name, key, arguments):
        module = importlib.import_module(f"{PACKAGE}.api.{self.tag_of(name)}.{name}")
        # The client raises at an answer that the document does not have.
        client = self.client.AuthenticatedClient(self.url, key, raise_on_unexpected_status=True, timeout=TIMEOUT_S)
        with client:
            return module.sync_detailed(client=client, **arguments)

    def does(self, name, status, expected, *, key=SERVER_KEY, **arguments):
        """A call that succeeds with a body of the model `expected`."""
        answer = self.send(name, key, arguments)
        assert answer.status_code == status, f"{name}: {answer.status_code} {answer.content}"
        model = getattr(self.models, expected) if isinstance(expected, str) else expected
        assert type(answer.parsed) is model, f"{name}: parsed as {type(answer.parsed)}"
        self.succeeded.add(name)
        return answer.parsed

    def fails(self, name, status, code, *, key=SERVER_KEY, **arguments):
        """A call that is refused with a problem."""
        answer = self.send(name, key, arguments)
        assert answer.status_code == status, f"{name}: {answer.status_code} {answer.content}"
        problem = answer.parsed
        assert type(problem) is self.models.Problem, f"{name}: parsed as {type(problem)}"
        assert (problem.status, problem.code) == (status, self.models.ProblemCode(code)), f"{name}: {problem}"
        assert problem.detail and not problem.additional_properties, f"{name}: {problem}"
        self.refused.setdefault(name, []).append(code)
        return problem

    def assert_complete(self):
        operations = [operation for path in self.document["paths"].values() for operation in path.values()]
        names = {operation["operationId"] for operation in operations}
        assert names == self.succeeded, f"never succeeded: {names - self.succeeded}"
        assert names == self.refused.keys(), f"never refused: {names - self.refused.keys()}"
        problems = sum(map(len, self.refused.values()))
        print(f"openapi-python-client: {len(names)} operations succeeded, {problems} problems were parsed")


def call_all(gateway, document):
    calls = Calls(gateway, document)
    models, app = calls.models, {"app": APP}

    def in_room(room=ROOM):
        return {**app, "room": room}

    def user(name):
        return {**app, "username": name}

    # Tokens, with which two users start sessions.
    def session_token(name):
        rooms = models.MintSessionRooms.from_dict({"*": "publisher"})
        body = models.MintSession(username=name, rooms=rooms)
        return calls.does("mint_session_token", 201, "Minted", **app, body=body).token

    calls.fails("mint_session_token", 400, "invalid_argument", **app, body=models.MintSession(username="ada", for_ms=0))
    ada = Participant(gateway, session_token("ada"), "calls-of-ada")
    bob = Participant(gateway, session_token("bob"), "calls-of-bob")
    body = models.MintRoom(room=ROOM, role=models.Role.MODERATOR, username="ada")
    assert calls.does("mint_room_token", 201, "Minted", **app, body=body).expires_at_ms > time.time() * 1000
    calls.fails("mint_room_token", 400, "invalid_argument", **app, body=models.MintRoom(room=ROOM, for_ms=0))
    server_token = calls.does("mint_server_token", 201, "Minted", **app).token
    problem = calls.fails("mint_server_token", 403, "forbidden", **app, key=server_token)
    assert problem.title == "Forbidden", problem

    # Rooms.
    settings = models.RoomOverrides(participants=5, membership_expiry=models.Expiry.KEEP)
    body = models.NewRoom(room="hall", settings=settings, mute=models.NewMute(active=True), locked=True)
    hall = calls.does("create_room", 201, "Room", **app, body=body)
    assert (hall.settings.participants, hall.settings.membership_expiry) == (5, models.Expiry.KEEP), hall
    calls.fails("create_room", 409, "room_exists", **app, body=models.NewRoom(room="hall"))
    page = calls.does("list_rooms", 200, "PageOfRoom", **app, limit=1)
    page = calls.does("list_rooms", 200, "PageOfRoom", **app, limit=1, cursor=page.next_)
    assert type(page.items[0]) is models.Room, page
    calls.fails("list_rooms", 400, "invalid_argument", **app, limit=0)
    assert calls.does("show_room", 200, "Room", **in_room()).counts.participants == 2
    calls.fails("show_room", 404, "room_not_found", **in_room("absent"))
    body = models.NewSignal(type_="news", data={"text": ["five", 5, None]}, ref="signal-1")
    assert calls.does("send_signal", 200, "Sent", **in_room(), body=body).recipients == 2
    absent = "AAAAAAAAAAAAAAAAAAAAAA"
    body = models.NewSignal(type_="news", data=1, to=absent)
    calls.fails("send_signal", 404, "participant_not_found", **in_room(), body=body)

    # Streams.
    page = calls.does("list_streams", 200, "PageOfStream", **in_room())
    assert {stream.id for stream in page.items} == {ada.stream, bob.stream}, page
    calls.fails("list_streams", 404, "room_not_found", **in_room("absent"))
    body = models.NewLayout(layout_classes=["focus"])
    stream = calls.does("set_layout_classes", 200, "Stream", **in_room(), stream=ada.stream, body=body)
    assert stream.layout_classes == ["focus"], stream
    calls.fails("set_layout_classes", 404, "stream_not_found", **in_room(), stream=absent, body=body)
    body = models.RequestUnmute(stream=bob.stream)
    calls.does("request_unmute", 200, "ModerationReceipt", **in_room(), body=body, wait_ms=0)
    calls.fails("request_unmute", 404, "stream_not_found", **in_room(), body=models.RequestUnmute(stream=absent))
    body = models.ForceUnpublish(stream=bob.stream, reason="spam")
    receipt = calls.does("force_unpublish", 200, "ModerationReceipt", **in_room(), body=body)
    assert receipt.targets[0].outcome == models.Outcome.ENFORCED, receipt
    calls.fails("force_unpublish", 404, "stream_not_found", **in_room(), body=body)

    # Participants.
    page = calls.does("list_participants", 200, "PageOfPresentParticipant", **in_room())
    assert {present.participant.id for present in page.items} == {ada.id, bob.id}, page
    calls.fails("list_participants", 404, "room_not_found", **in_room("absent"))
    body = models.SetRole(participant=bob.id, role=models.Role.SUBSCRIBER)
    calls.does("set_role", 200, "ModerationReceipt", **in_room(), body=body)
    body = models.SetRole(participant=absent, role=models.Role.SUBSCRIBER)
    calls.fails("set_role", 404, "participant_not_found", **in_room(), body=body)
    block = models.Block(for_ms=60_000, scope=models.BlockScope.ROOM)
    body = models.ForceDisconnect(participant=bob.id, block=block, reason="spam")
    calls.does("force_disconnect", 200, "ModerationReceipt", **in_room(), body=body)
    calls.fails("force_disconnect", 400, "invalid_argument", **in_room(), body=models.ForceDisconnect())
    calls.does("unblock", 200, "ModerationReceipt", **in_room(), body=models.Unblock(username="bob"))
    calls.fails("unblock", 404, "room_not_found", **in_room("absent"), body=models.Unblock(username="bob"))

    # The mutes come last: the participants do not acknowledge them, and lose their streams for it.
    for name, model in [("force_mute", models.ForceMute), ("lift_mute", models.LiftMute)]:
        receipt = calls.does(name, 200, "ModerationReceipt", **in_room(), body=model(username="ada"), wait_ms=0)
        assert type(receipt.counts) is models.OutcomeCounts, receipt
        calls.fails(name, 400, "invalid_argument", **in_room(), body=model())
        calls.fails(name, 404, "stream_not_found", **in_room(), body=model(stream=absent))
    for name in ["lock_room", "unlock_room", "force_mute_all", "disable_force_mute"]:
        receipt = calls.does(name, 200, "ModerationReceipt", **in_room(), wait_ms=0)
        assert receipt.command == models.ModerationCommand(name), receipt
        calls.fails(name, 404, "room_not_found", **in_room("absent"))

    # A repetition is answered again, another call under the same key is not.
    first = calls.does("end_room", 200, "ModerationReceipt", **in_room("hall"), idempotency_key="end-1")
    again = calls.does("end_room", 200, "ModerationReceipt", **in_room("hall"), idempotency_key="end-1")
    assert first.version == again.version, (first, again)
    calls.fails("end_room", 422, "ref_conflict", **in_room(), idempotency_key="end-1")

    # Sessions.
    page = calls.does("list_sessions", 200, "PageOfSession", **app, state=models.SessionFilter.ESTABLISHED)
    assert {session.username for session in page.items} == {"ada", "bob"}, page
    calls.fails("list_sessions", 400, "invalid_argument", **app, cursor="not one of ours")
    assert calls.does("show_session", 200, "Session", **app, session=ada.session).client.name == "calls"
    calls.fails("show_session", 404, "not_found", **app, session=absent)
    calls.does("end_session", 204, type(None), **app, session=bob.session)
    calls.fails("end_session", 404, "not_found", **app, session=absent)
    ended = calls.does("show_session", 200, "Session", **app, session=bob.session)
    assert (ended.ending.code, ended.ending.action) == (4015, models.Action.STOP), ended

    # Users.
    page = calls.does("list_users", 200, "PageOfUser", **app, banned=True)
    assert page.items and all(listed.block.kind == models.BlockKind.BAN for listed in page.items), page
    calls.fails("list_users", 400, "invalid_argument", **app, limit=1_001)
    assert calls.does("show_user", 200, "UserWithSessions", **user("ada")).sessions[0].id == ada.session
    calls.fails("show_user", 404, "not_found", **user("absent"))
    banned = calls.does("ban_user", 200, "DoneToUser", **user("bob"), body=models.Ban(for_ms=60_000, reason="spam"))
    assert banned.block.set_by == models.BlockSource.OPERATOR, banned
    calls.fails("ban_user", 400, "invalid_argument", **user("bob"), body=models.Ban(for_ms=0))
    assert calls.does("unban_user", 200, "DoneToUser", **user("bob")).username == "bob"
    calls.fails("unban_user", 404, "not_found", **user("bob"))
    assert calls.does("revoke_tokens", 200, "DoneToUser", **user("bob")).accepted_from_ms > 0
    calls.fails("revoke_tokens", 400, "invalid_argument", **user(257 * "a"))
    calls.does("delete_user", 200, "DoneToUser", **user("bob"))
    calls.fails("delete_user", 404, "not_found", **user("bob"))
    assert calls.does("revoke_all", 200, "RevokedAll", **app).sessions_ended == 1
    future = models.RevokeAll(before_ms=int(time.time() + 3600) * 1000)
    calls.fails("revoke_all", 400, "invalid_argument", **app, body=future)

    # Webhooks.
    endpoint = calls.does("list_webhooks", 200, "Endpoints", **app).endpoints[0]
    assert (endpoint.id, endpoint.dead) == (ENDPOINT, 2), endpoint
    letters = calls.does("list_dead_letters", 200, "PageOfDeadLetter", **app).items
    assert [letter.body["type"] for letter in letters] == 2 * ["user.banned"], letters
    calls.fails("list_dead_letters", 400, "invalid_argument", **app, limit=0)
    assert calls.does("replay_dead_letter", 200, "Replayed", **app, number=letters[0].number).replayed == 1
    calls.fails("replay_dead_letter", 404, "not_found", **app, number=1_000_000)
    body = models.ReplayAll(endpoint=ENDPOINT)
    assert calls.does("replay_dead_letters", 200, "Replayed", **app, body=body).replayed == 1
    calls.fails("replay_dead_letters", 404, "not_found", **app, body=models.ReplayAll(endpoint="absent"))

    # The audit log has rows of each kind of actor and outcome that these calls leave.
    order = models.AuditOrder.NEWEST_FIRST
    rows = calls.does("list_audit", 200, "PageOfAuditRow", **app, order=order).items
    assert all(type(row.actor) is models.AuditActorServer for row in rows), rows
    outcomes = {type(row.outcome) for row in rows}
    assert outcomes == {models.AuditOutcomeDone, models.AuditOutcomeReceipts}, outcomes
    calls.fails("list_audit", 400, "invalid_argument", **app, limit=0)
    lines = calls.does("export_audit", 200, str, **app, after=1).splitlines()
    assert json.loads(lines[-1])["head"]["number"] == rows[0].number, lines[-1]
    checked = calls.does("verify_audit", 200, "AuditCheck", **app)
    assert checked.ok and checked.head.number == rows[0].number, checked
    calls.fails("verify_audit", 400, "invalid_argument", **app, head="no head")

    # The node, and what a caller without a key gets. The drain is last.
    rotated = calls.does("rotate_keys", 200, "Rotated", key=OPERATOR_KEY, former_for_ms=0)
    assert rotated.kid, rotated
    calls.fails("rotate_keys", 401, "unauthorized")
    refuse_strangers(calls)
    draining = calls.does("drain", 202, "Draining", key=OPERATOR_KEY)
    assert draining.sessions == 0, draining
    calls.assert_complete()


def refuse_strangers(calls):
    """Each operation says in its type that a wrong key is refused."""
    values = {
        "app": APP, "room": ROOM, "username": "ada", "number": 1, "session": 22 * "A", "stream": 22 * "A",
    }
    bodies = {
        "NewRoom": {"room": "r"}, "NewSignal": {"type_": "t", "data": None}, "NewLayout": {"layout_classes": []},
        "SetRole": {"participant": 22 * "A", "role": calls.models.Role.SUBSCRIBER}, "Unblock": {"username": "ada"},
        "RequestUnmute": {"stream": 22 * "A"}, "ForceUnpublish": {"stream": 22 * "A"}, "ReplayAll": {"endpoint": "e"},
        "MintSession": {"username": "ada"}, "MintRoom": {"room": "r"},
    }
    for path, operations in calls.document["paths"].items():
        for operation in operations.values():
            arguments = {name: value for name, value in values.items() if f"{{{name}}}" in path}
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                model = schema["$ref"].rsplit("/", 1)[1]
                arguments["body"] = getattr(calls.models, model)(**bodies.get(model, {}))
            calls.fails(operation["operationId"], 401, "unauthorized", key=WRONG_KEY, **arguments)
