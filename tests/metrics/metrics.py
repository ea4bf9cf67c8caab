"""`/metrics` of the real program, read by the parsers of the Prometheus client for Python in both text formats.

Usage: metrics.py path/to/stagedoor. The first difference ends it with 1.
"""

import http.client
import json
import subprocess
import sys

from prometheus_client import parser as classic
from prometheus_client.openmetrics import parser as openmetrics

# The kind of a family in the classic format, where it differs from that of OpenMetrics.
CLASSIC_KINDS = {"info": "gauge"}
# Changes between two scrapes of an idle gateway.
CHANGING = "stagedoor_store_call_duration_seconds"


def scrape(connection, accept):
    connection.request("GET", "/metrics", headers={"Accept": accept})
    response = connection.getresponse()
    return response.headers["Content-Type"], response.read().decode()


def samples(families):
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def check(connection):
    media_type, text = scrape(connection, "text/plain;version=0.0.4")
    assert media_type == "text/plain; version=0.0.4; charset=utf-8", media_type
    assert "# UNIT" not in text and "# EOF" not in text, text
    plain = list(classic.text_string_to_metric_families(text))
    media_type, text = scrape(connection, "application/openmetrics-text;version=1.0.0")
    assert media_type == "application/openmetrics-text; version=1.0.0; charset=utf-8", media_type
    open_ = list(openmetrics.text_string_to_metric_families(text))

    assert len(plain) == len(open_) > 40, (len(plain), len(open_))
    for one, other in zip(plain, open_):
        kind = CLASSIC_KINDS.get(other.type, other.type)
        name = f"{other.name}_info" if other.type == "info" else other.name
        # The parser removes `_total` from the name of a counter.
        assert (one.name, one.type, one.documentation) == (name, kind, other.documentation), (one, other)
    one, other = samples(plain), samples(open_)
    assert one.keys() == other.keys(), one.keys() ^ other.keys()
    different = {key for key in one if one[key] != other[key] and not key[0].startswith(CHANGING)}
    assert not different, different
    print(f"{len(plain)} families and {len(one)} samples, the same in both formats")


def main(program):
    arguments = ["serve", "--dev", "--listen", "127.0.0.1:0", "--ready-json", "--log", "warn"]
    gateway = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        # One connection for all, because it is counted itself.
        check(http.client.HTTPConnection(json.loads(gateway.stdout.readline())["listen"]))
    finally:
        gateway.terminate()
        gateway.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
