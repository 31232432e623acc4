"""Makes the calls of a workload with the DogStatsD client of the package `datadog`.

Run by clients_test.py; the document on standard input is described in workload.py. Options:

    buffering     several lines a packet
    aggregation   counts, gauges and sets are added up, values are packed
    samples_max   of the values of a timer in one aggregation, only so many are sent
"""

import itertools
import json
import sys

from datadog.dogstatsd import DogStatsd
from datadog.dogstatsd import base

# Longer than the agent is ever away from its sockets; the client would give up at once.
SOCKET_TIMEOUT_S = 20


def connect(job):
    """A client as the job wants it."""
    options = job["options"]
    arguments = {
        "disable_buffering": not options.get("buffering", False),
        "disable_aggregation": not options.get("aggregation", False),
        "max_metric_samples_per_context": options.get("samples_max", 0),
        "socket_timeout": SOCKET_TIMEOUT_S,
    }
    if job["transport"] == "udp":
        host, port = job["address"]
        return DogStatsd(host=host, port=port, **arguments)
    scheme = {"unix": "unixgram://", "unix-stream": "unixstream://"}[job["transport"]]
    return DogStatsd(socket_path=scheme + job["address"], **arguments)


def make(client, call, timestamp):
    """One call."""
    do, name, value, tags = call["do"], call["name"], call["value"], call["tags"]
    if do == "count" and value == 1:
        client.increment(name, tags=tags, sample_rate=call["rate"])
    elif do == "count" and value < 0:
        client.decrement(name, -value, tags=tags, sample_rate=call["rate"])
    elif do == "count":
        client.count(name, value, tags=tags, sample_rate=call["rate"])
    elif do == "count_at":
        client.count_with_timestamp(name, value, timestamp, tags=tags)
    elif do == "event":
        client.event(name, value, alert_type="warning", tags=tags)
    elif do == "service_check":
        client.service_check(name, value, tags=tags, message="as | expected")
    else:
        getattr(client, do)(name, value, tags=tags)


def main():
    """All calls, then what a program does at its end."""
    job = json.load(sys.stdin)
    chances = itertools.cycle(job["chances"])
    base.random = lambda: next(chances)
    client = connect(job)
    for call in job["calls"]:
        make(client, call, job["timestamp"])
    if not client.stop():
        sys.exit("the client could not deliver everything")


if __name__ == "__main__":
    main()
