"""The server API as its own document describes it, judged by schemathesis: `contract.py PROGRAM`.

A gateway in development mode is asked for every operation with made-up input, good and bad; no answer may be one that
the document does not describe, and none a failure inside. The document's own examples must fit its schemas.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import jsonschema_rs

EXAMPLES = 15  # Of each operation, at most.
SECONDS = 60  # For all of it.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,ignored_auth"
)


def start(program):
    arguments = ["serve", "--dev", "--listen", "127.0.0.1:0", "--ready-json", "--log", "warn"]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def contents(operation, document):
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for answer in operation["responses"].values():
        if "$ref" in answer:
            answer = document["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
        yield from answer.get("content", {}).items()


def check_examples(document):
    count = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for kind, content in contents(operation, document):
                if "example" in content:
                    # References are looked up in the document itself.
                    schema = {**document, **content["schema"]}
                    validator = jsonschema_rs.Draft202012Validator(schema)
                    for error in validator.iter_errors(content["example"]):
                        sys.exit(f"{method} {path}: the {kind} example does not fit: {error.message}")
                    count += 1
    print(f"{count} examples fit their schemas")


def in_app(document, app):
    """What is made up stays in the one app there is."""
    paths = {}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            named = [parameter for parameter in operation["parameters"] if parameter.get("name") != "app"]
            operation["parameters"] = named
        paths[path.replace("{app}", app)] = operations
    return {**document, "paths": paths}


def main(program):
    process, ready = start(program)
    try:
        base = f"http://{ready['listen']}"
        with urllib.request.urlopen(f"{base}/api/openapi.json") as response:
            document = json.load(response)
        check_examples(document)
        described = Path(program).resolve().parent / "openapi-under-test.json"
        described.write_text(json.dumps(in_app(document, ready["app"])))
        tool = Path(sys.executable).parent / "schemathesis"
        command = [
            tool, "run", described, "--url", base, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
            "--max-examples", str(EXAMPLES), "--max-time", str(SECONDS), "--seed", "1", "--no-color", "--workers", "1",
            # The key of development mode opens this one too, and what it describes is the end of the run.
            "--exclude-path", "/api/v1/drain",
            "--header", f"Authorization: Bearer {ready['server_key']}",
        ]
        return subprocess.run(command, cwd=described.parent, timeout=300).returncode
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
