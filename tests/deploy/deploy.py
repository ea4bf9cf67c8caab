"""What `deploy/` says, held against the program and against itself.

Usage: deploy.py path/to/stagedoor. Prints what it looked at; the first thing that does not fit ends it with 1.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from ruamel.yaml import YAML

DEPLOY = pathlib.Path(__file__).parents[2] / "deploy"
SECRETS = "/run/secrets/"


def check(holds, what):
    if not holds:
        sys.exit(f"does not hold: {what}")
    print(f"  {what}")


def compose_file_has_the_shape_of_one(path):
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", path],
        check=True,
    )


def what_a_service_names_is_there(compose):
    declared = {kind: set(compose.get(kind, {})) for kind in ["secrets", "volumes", "networks"]}
    for name, service in compose["services"].items():
        for secret in service.get("secrets", []):
            check(secret in declared["secrets"], f"{name}: the secret {secret} is declared")
        for network in service.get("networks", []):
            check(network in declared["networks"], f"{name}: the network {network} is declared")
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            is_there = (DEPLOY / source).exists() if "/" in source else source in declared["volumes"]
            check(is_there, f"{name}: {source} is there to be mounted")


def secrets_are_files(compose):
    """Compose refuses others where a container's file system is read-only."""
    for name, secret in compose["secrets"].items():
        check(secret == {"file": f"./secrets/{name}"}, f"the secret {name} is a file")


def only_the_gateway_is_reached_from_elsewhere(compose):
    for name, service in compose["services"].items():
        public = [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]
        check(public == (["7080:7080"] if name == "gateway" else []), f"{name}: publishes {public}")


def what_one_gateway_does_not_need_is_not_started(compose):
    services = compose["services"]
    for name in ["redis", "postgres"]:
        service = services[name]
        check(service["profiles"] == ["cluster"], f"{name}: is started with the profile `cluster` only")
        check("ports" not in service, f"{name}: publishes no port")
        check("test" in service["healthcheck"], f"{name}: is asked whether it is well")
        check(service["volumes"], f"{name}: keeps what it has")
    started = {name for name, service in services.items() if "profiles" not in service}
    for name in started:
        needed = set(services[name].get("depends_on", []))
        check(needed <= started, f"{name}: needs nothing that is not started")


def the_mounted_configuration_can_be_run(program, compose):
    """With a secret in place of each file that the compose file mounts."""
    text = (DEPLOY / "stagedoor.toml").read_text()
    with tempfile.TemporaryDirectory() as directory:
        for secret in compose["services"]["gateway"]["secrets"]:
            check(f'"{SECRETS}{secret}"' in text, f"the configuration reads the secret {secret}")
            (pathlib.Path(directory) / secret).write_text("sk_" + 64 * "0")
        check(text.count(SECRETS) == len(compose["services"]["gateway"]["secrets"]), "and no other")
        configuration = pathlib.Path(directory) / "stagedoor.toml"
        configuration.write_text(text.replace(SECRETS, ""))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("STAGEDOOR")}
        subprocess.run([program, "check-config", configuration], check=True, env=environment, stdout=subprocess.DEVNULL)
    check(True, "the configuration can be run")


def main():
    path = DEPLOY / "compose.yml"
    compose_file_has_the_shape_of_one(path)
    compose = YAML(typ="safe").load(path)
    what_a_service_names_is_there(compose)
    secrets_are_files(compose)
    only_the_gateway_is_reached_from_elsewhere(compose)
    what_one_gateway_does_not_need_is_not_started(compose)
    the_mounted_configuration_can_be_run(sys.argv[1], compose)
    print("\ndeploy/ fits")


main()
