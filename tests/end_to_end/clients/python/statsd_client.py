"""Makes the calls of a workload with the package `statsd`, which knows plain StatsD.

Run by clients_test.py; the document on standard input is described in workload.py. Options:

    pipeline      all calls are collected, and sent packed
"""

import contextlib
import itertools
import json
import random
import sys

from statsd import StatsClient, TCPStatsClient, UnixSocketStatsClient


def connect(job):
    """A client as the job wants it."""
    if job["transport"] == "unix-stream":
        return UnixSocketStatsClient(job["address"])
    host, port = job["address"]
    return (TCPStatsClient if job["transport"] == "tcp" else StatsClient)(host, port)


def make(client, call):
    """One call."""
    do, name, value = call["do"], call["name"], call["value"]
    if do == "count" and value < 0:
        client.decr(name, -value, rate=call["rate"])
    elif do == "count":
        client.incr(name, value, rate=call["rate"])
    elif do == "gauge_delta":
        client.gauge(name, value, delta=True)
    else:
        getattr(client, do)(name, value)


def main():
    """All calls, then what a program does at its end."""
    job = json.load(sys.stdin)
    chances = itertools.cycle(job["chances"])
    random.random = lambda: next(chances)
    client = connect(job)
    with contextlib.ExitStack() as stack:
        caller = client
        if job["options"].get("pipeline"):
            caller = stack.enter_context(client.pipeline())
        for call in job["calls"]:
            make(caller, call)
    client.close()


if __name__ == "__main__":
    main()
