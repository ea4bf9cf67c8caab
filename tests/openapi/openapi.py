"""The server API's OpenAPI document, accepted by tools of other projects: `openapi.py PROGRAM NODE_FOLDER`.

Two linters find nothing, two generators drop nothing, and the clients that they make work against a real gateway: the
Python one for every operation, the TypeScript one for some. A warning of a tool is a failure. NODE_FOLDER is where the
packages of package.json are installed.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import calls
from gateway import APP, SERVER_KEY, WRONG_KEY, Gateway

HERE = Path(__file__).parent
# What the tools print, by the text without which it is a failure; anything in `WARNINGS` is one too.
WARNINGS = ["warn", "unsupported", "deprecat", "omitted"]


def run(tool, *arguments, **options):
    """Runs a tool to its end. It must succeed and not warn."""
    command = [str(part) for part in (tool, *arguments)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False, **options,
    )
    warned = [word for word in WARNINGS if word in done.stdout.lower()]
    if done.returncode != 0 or warned:
        sys.exit(f"{' '.join(command)}\n{done.stdout}\nended with {done.returncode}, warnings: {warned}")
    return done.stdout.strip()


def lint(document, node):
    environment = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    run(node / "redocly", "lint", "--config", HERE / "redocly.yaml", document, env=environment)
    print("redocly lint: no problems")
    run(node / "spectral", "lint", "--fail-severity", "hint", "--ruleset", HERE / "spectral.yaml", document)
    print("spectral lint: no problems")


def call_from_typescript(document, folder, gateway):
    node, work = folder / "node_modules" / ".bin", folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name in ["client.ts", "tsconfig.json", "package.json"]:
        shutil.copy(HERE / name, work)
    run(node / "openapi-typescript", document, "--output", work / "api.d.ts")
    run(node / "tsc", "--project", work)
    print("openapi-typescript: the client type-checks")
    print(run("node", work / "out" / "client.js", gateway.url, APP, SERVER_KEY, WRONG_KEY))


def call_from_python(document, directory, gateway):
    scripts = Path(sys.executable).parent
    # The generator formats its code with ruff, which is beside it.
    environment = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"}
    generated = directory / "python"
    run(
        scripts / "openapi-python-client", "generate", "--path", document, "--output-path", generated,
        "--fail-on-warning", env=environment,
    )
    print("openapi-python-client: no warnings")
    sys.path.insert(0, str(generated))
    importlib.invalidate_caches()
    calls.call_all(gateway, json.loads(document.read_text()))


def main(program, folder):
    program, folder = Path(program).resolve(), Path(folder).resolve()
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        with Gateway(program, directory) as gateway:
            gateway.leave_dead_letters(2)
            document = directory / "openapi.json"
            document.write_bytes(gateway.document())
            lint(document, folder / "node_modules" / ".bin")
            call_from_typescript(document, folder, gateway)
            # The last call of this one drains the gateway.
            call_from_python(document, directory, gateway)


main(*sys.argv[1:])
