"""The real gateway with a configuration, for what development mode does not have: an operator, webhook endpoints."""

import asyncio
import os
import pathlib
import socket
import sqlite3
import tempfile

from gateway import TIMEOUT_S

APP = "shop"
APP_SECRET = 32 * "a"
SERVER_KEY = "sk_" + 40 * "s"
OPERATOR_KEY = "sk_" + 40 * "o"
CONFIG = f"""
[listen]
listen = "{{address}}"
admin_listen = "{{admin}}"

[operator]
api_key = "{OPERATOR_KEY}"

[store.sqlite]
path = "facts.db"

[[apps]]
id = "{APP}"
guests = true
hs256_secrets = ["{APP_SECRET}"]
server_keys = ["{SERVER_KEY}"]

{{endpoint}}
"""


class Configured:
    """A gateway with one app and one webhook endpoint, in a directory of its own."""

    app = APP

    def __init__(self, program, endpoint):
        self.program, self.endpoint = program, endpoint
        self.address, self.admin = free_address(), free_address()

    @property
    def export(self):
        return f"export STAGEDOOR_URL=http://{self.admin} STAGEDOOR_SERVER_KEY={SERVER_KEY} STAGEDOOR_APP={APP}"

    def printed(self, name):
        """A value of which development mode would print one."""
        return {"app secret": APP_SECRET}[name]

    def localized(self, text):
        return text.replace("127.0.0.1:7080", self.admin)

    async def __aenter__(self):
        self.directory = tempfile.TemporaryDirectory()
        config = CONFIG.format(address=self.address, admin=self.admin, endpoint=self.endpoint)
        (pathlib.Path(self.directory.name) / "stagedoor.toml").write_text(config)
        await self.run("check-config", "stagedoor.toml")
        await self.serve()
        return self

    async def __aexit__(self, *_):
        await self.stop()
        self.directory.cleanup()

    async def run(self, *arguments):
        """Runs a command of the program to its end; it must succeed."""
        process = await self.spawn(*arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        output, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
        assert process.returncode == 0, output.decode()

    async def spawn(self, *arguments, **streams):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("STAGEDOOR")}
        return await asyncio.create_subprocess_exec(
            self.program, *arguments, cwd=self.directory.name, env=environment, **streams,
        )

    async def serve(self):
        self.process = await self.spawn("serve", "--config", "stagedoor.toml", "--log", "error")
        host, port = self.admin.split(":")
        while True:
            assert self.process.returncode is None, f"the gateway ended with {self.process.returncode}"
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return
            await asyncio.sleep(0.02)

    async def stop(self):
        self.process.terminate()
        await asyncio.wait_for(self.process.wait(), TIMEOUT_S)

    async def make_dead_letters(self):
        """Marks every undelivered message as one that failed for too long."""
        await self.stop()
        with sqlite3.connect(pathlib.Path(self.directory.name) / "facts.db") as store:
            store.execute("UPDATE outbox SET due_ms = NULL, attempts = 30, error = 'refused'")
        store.close()
        await self.serve()


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return "%s:%d" % free.getsockname()
