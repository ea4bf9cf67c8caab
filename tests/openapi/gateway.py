"""A gateway for the calls: in production mode, with an operator, a failing webhook endpoint, and its dead letters."""

import os
import socket
import sqlite3
import subprocess
import time
import urllib.request

APP = "shop"
SERVER_KEY = "sk_" + 40 * "s"
OPERATOR_KEY = "sk_" + 40 * "o"
WRONG_KEY = "sk_" + 40 * "w"
ENDPOINT = "crm"
TIMEOUT_S = 30

# The endpoint's port takes no connections. Calls with a wrong key are not limited, because each operation gets one.
CONFIG = f"""
[listen]
listen = "127.0.0.1:{{port}}"
admin_listen = "127.0.0.1:{{admin_port}}"

[operator]
api_key = "{OPERATOR_KEY}"

[store.sqlite]
path = "calls.db"

[limits]
api_auth_failures_burst = 1000

[[apps]]
id = "{APP}"
hs256_secrets = [{{{{ kid = "1", secret = "{32 * 's'}" }}}}]
server_keys = ["{SERVER_KEY}"]

[[apps.webhook_endpoints]]
id = "{ENDPOINT}"
url = "http://127.0.0.1:9/events"
secrets = ["whsec_{32 * 'c'}"]
events = ["user.banned"]
allow_private = true
"""


class Gateway:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        port, self.admin_port = free_port(), free_port()
        self.socket_url = f"ws://127.0.0.1:{port}/v1/connect"
        self.url = f"http://127.0.0.1:{self.admin_port}"
        (directory / "stagedoor.toml").write_text(CONFIG.format(port=port, admin_port=self.admin_port))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("STAGEDOOR")}
        command = [self.program, "serve", "--config", "stagedoor.toml", "--log", "error"]
        self.process = subprocess.Popen(command, cwd=self.directory, env=environment)
        end = time.monotonic() + TIMEOUT_S
        while not is_listening(self.admin_port):
            assert self.process.poll() is None, f"the gateway ended with {self.process.returncode}"
            assert time.monotonic() < end, "the gateway does not listen"
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(TIMEOUT_S)

    def document(self):
        with urllib.request.urlopen(f"{self.url}/api/openapi.json", timeout=TIMEOUT_S) as response:
            return response.read()

    def leave_dead_letters(self, count):
        """Bans users, whose events then count as undelivered for too long."""
        for number in range(count):
            url = f"{self.url}/api/v1/apps/{APP}/users/dead-{number}/ban"
            headers = {"Authorization": f"Bearer {SERVER_KEY}"}
            request = urllib.request.Request(url, data=b"{}", method="POST", headers=headers)
            urllib.request.urlopen(request, timeout=TIMEOUT_S).close()
        self.stop()
        with sqlite3.connect(self.directory / "calls.db") as store:
            store.execute("UPDATE outbox SET due_ms = NULL, attempts = 30, error = 'refused'")
        store.close()
        self.start()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
