"""The configurations of docs/proxies.md, run by the real nginx and Caddy in front of the real gateway.

Usage: proxies.py path/to/stagedoor. Prints what it checked; the first mismatch ends it with 1.
"""

import asyncio
import atexit
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.request

import websockets

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "proxies.md"
NAME = "chat.example.com"
ORIGIN = f"https://{NAME}"
SERVER_KEY = "sk_" + 40 * "p"
# The longest wait for an expected event.
TIMEOUT_S = 30
# The gateway pings more often than a proxy's timeout, and waits for a test that is slow to answer.
GATEWAY = """
[listen]
listen = "127.0.0.1:{port}"
admin_listen = "127.0.0.1:{admin_port}"
trusted_proxies = ["127.0.0.1"]
allowed_origins = ["{origin}"]

[store.sqlite]
path = "proxies.db"

[keepalive]
interval = "4s"
timeout = "3s"

[[apps]]
id = "demo"
guests = true
server_keys = ["{key}"]
"""
# What surrounds the server of the page in a file of its own.
NGINX = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    scgi_temp_path {directory}/nginx-scgi;
    {server}
}}
"""


def check(found, expected, what):
    assert found == expected, f"{what}: expected {expected!r}, found {found!r}"
    print(f"  {what}", flush=True)


def snippet(language):
    """The only code block of the page in a language."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 1, f"the page has {len(blocks)} blocks of {language}"
    return blocks[0]


def replaced(text, changes):
    """The text with each change made in it; every one must apply."""
    for old, new in changes.items():
        assert old in text, f"the page no longer has {old!r}"
        text = text.replace(old, new)
    return text


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def listening(port, process):
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            assert process.poll() is None, f"{process.args[0]} ended with {process.returncode}"
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


class Program:
    """A process that ends with the test."""

    def __init__(self, arguments, port, **options):
        self.arguments, self.port, self.options = arguments, port, options

    async def start(self):
        self.process = subprocess.Popen(self.arguments, **self.options)
        # Not SIGKILL, which would leave the workers of nginx behind.
        atexit.register(self.process.terminate)
        await asyncio.wait_for(listening(self.port, self.process), TIMEOUT_S)

    def stop(self):
        self.process.terminate()
        self.process.wait(TIMEOUT_S)


def gateway(program, directory):
    port, admin_port = free_port(), free_port()
    config = directory / "stagedoor.toml"
    config.write_text(GATEWAY.format(port=port, admin_port=admin_port, origin=ORIGIN, key=SERVER_KEY))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STAGEDOOR")}
    arguments = [program, "serve", "--config", config, "--log", "warn"]
    return Program(arguments, port, env=environment), admin_port


def nginx(directory, upstream, certificate):
    port = free_port()
    server = replaced(snippet("nginx"), {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/chat.pem": str(certificate[0]),
        "/etc/ssl/chat.key": str(certificate[1]),
        "127.0.0.1:7080": f"127.0.0.1:{upstream}",
        "proxy_read_timeout 60s": "proxy_read_timeout 5s",
    })
    config = directory / "nginx.conf"
    config.write_text(NGINX.format(directory=directory, server=server))
    return Program([program_named("nginx"), "-p", directory, "-c", config], port, stderr=subprocess.DEVNULL)


def caddy(directory, upstream, certificate):
    port = free_port()
    site = replaced(snippet("caddyfile"), {
        f"{NAME} {{": f"{NAME}:{port} {{",
        "/etc/ssl/chat.pem": str(certificate[0]),
        "/etc/ssl/chat.key": str(certificate[1]),
        "127.0.0.1:7080": f"127.0.0.1:{upstream}",
    })
    config = directory / "Caddyfile"
    config.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + site)
    arguments = [program_named("caddy"), "run", "--adapter", "caddyfile", "--config", config]
    environment = {**os.environ, "HOME": str(directory), "XDG_CONFIG_HOME": str(directory), "XDG_DATA_HOME": str(directory)}
    return Program(arguments, port, env=environment, stderr=subprocess.DEVNULL)


def program_named(name):
    # Debian installs servers where only root's PATH has them.
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert path, f"{name} is not installed"
    return path


def certificate(directory):
    cert, key = directory / "chat.pem", directory / "chat.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-out", cert, "-keyout", key],
        check=True, stderr=subprocess.DEVNULL,
    )
    return cert, key


class Client:
    """A connection through the proxy, from a loopback address of its own."""

    def __init__(self, port, authority, source="127.0.0.9"):
        context = ssl.create_default_context(cafile=authority)
        self.options = {"host": "127.0.0.1", "port": port, "ssl": context, "local_addr": (source, 0)}

    async def connect(self, origin=ORIGIN, headers=None):
        self.socket = await websockets.connect(
            f"wss://{NAME}/v1/connect", subprotocols=["stagedoor.v1.json"], origin=origin,
            additional_headers=headers, proxy=None, **self.options,
        )
        return self

    async def request(self, id, **command):
        await self.socket.send(json.dumps({"id": id, **command}))
        return await self.until(lambda message: message.get("id") == id)

    async def until(self, is_expected):
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), TIMEOUT_S))
            if "ping" in message:
                await self.socket.send('{"pong":{"seq":0}}')
            if is_expected(message):
                return message

    async def start(self, username):
        reply = await self.request(1, start={
            "app": "demo", "username": username, "instance": f"instance-of-{username}", "credentials": {"guest": {}},
            "client": {"name": "proxies", "version": "1"},
        })
        return reply["ok"]["started"]

    def request_of_page(self, path):
        """The status of a request for another path of the same name."""
        connection = socket.create_connection(("127.0.0.1", self.options["port"]), timeout=TIMEOUT_S)
        with self.options["ssl"].wrap_socket(connection, server_hostname=NAME) as tls:
            tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
            return tls.makefile("rb").read().decode(errors="replace")


def addresses(admin_port):
    """The address of each session, by its user, as the gateway knows them."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{admin_port}/api/v1/apps/demo/sessions", headers={"Authorization": f"Bearer {SERVER_KEY}"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        sessions = json.load(response)["items"]
    return {session["username"]: session["address"] for session in sessions}


async def checked(name, proxy, admin_port, authority):
    print(f"\n{name}", flush=True)
    await proxy.start()
    client = await Client(proxy.port, authority).connect()
    check(client.socket.subprotocol, "stagedoor.v1.json", "the subprotocol is negotiated")
    user = f"ada-{name}"
    started = await client.start(user)
    check(addresses(admin_port)[user], "127.0.0.9", "the gateway sees the client's address")

    forger = await Client(proxy.port, authority, "127.0.0.8").connect(headers={"X-Forwarded-For": "203.0.113.9"})
    await forger.start(f"eve-{name}")
    check(addresses(admin_port)[f"eve-{name}"], "127.0.0.8", "a forged address is ignored")
    await forger.socket.close(1000)

    page = await Client(proxy.port, authority).connect(origin="https://elsewhere.example")
    refused = await page.until(lambda message: "disconnect" in message)
    check(refused["disconnect"]["code"], 4004, "another origin is refused")
    try:
        await page.until(lambda message: False)
    except websockets.ConnectionClosed as closed:
        check(closed.rcvd.code, 4004, "the close code is passed on")

    for path in ["/api/v1/apps/demo/sessions", "/metrics", "/livez"]:
        check("stagedoor" in client.request_of_page(path), False, f"{path} is not the gateway's")

    for _ in range(4):
        await client.until(lambda message: "ping" in message)
    print("  a connection with nothing but pings stays open", flush=True)

    proxy.stop()
    try:
        await client.until(lambda message: False)
    except websockets.ConnectionClosed:
        print("  the proxy ended", flush=True)
    await proxy.start()
    client = await Client(proxy.port, authority).connect()
    resumed = await client.request(2, resume={
        "session": started["session"]["id"], "secret": started["resume"]["secret"], "last_seq": 0,
    })
    assert "resumed" in resumed.get("ok", {}), resumed
    print("  the session is resumed through the next one", flush=True)
    await client.socket.close(1000)
    proxy.stop()


async def main():
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        files = certificate(directory)
        server, admin_port = gateway(sys.argv[1], directory)
        await server.start()
        for name, proxy in [("nginx", nginx), ("caddy", caddy)]:
            await checked(name, proxy(directory, server.port, files), admin_port, files[0])
        server.stop()


asyncio.run(main())
