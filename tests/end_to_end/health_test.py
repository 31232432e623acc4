#!/usr/bin/env python3
"""How the agent says it is, part by part, with the real servers: each part fails and comes back,
and /health turns with it; probes of a process that is stuck, or stops; `pitot status` against it;
and who may ask.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from typing import Any

from harness import (DEADLINE_S, Agent, Scene, binary, expect, expect_equal, main, toml,
                     wait_until)
from influxdb_server import InfluxDB
from prometheus_server import PrometheusServer
from service_test import held
from victoria_metrics_server import VictoriaMetrics

INTERVAL_S = 0.5
# Below the time of an attempt: a destination that hangs is noticed before its attempt ends.
ATTEMPT_S = 30
TOKEN = "swordfish"
# Exit codes of `pitot status`.
OK, DEGRADED, FAILING, UNKNOWN, CONFIGURATION = 0, 1, 2, 3, 78


def settings(sinks: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """Of an agent with one UDP listener."""
    return {"interval": f"{INTERVAL_S:g}s", "shards": 2,
            "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
            "sinks": sinks, **more}


PAGE = {"metrics": {"type": "prometheus"}}


def health(agent: Agent) -> dict[str, Any]:
    """The document, after a look at the status that goes with it."""
    status, body = agent.ask("/health")
    document: dict[str, Any] = json.loads(body)
    expect_equal("the status of /health", status, 503 if document["state"] == "failing" else 200)
    return document


def state(agent: Agent, part: str) -> str:
    """How one part is."""
    found: str = health(agent)["parts"][part]["state"]
    return found


def flushes(agent: Agent) -> int:
    """Ended so far."""
    _, body = agent.ask("/api/v1/status")
    return int(json.loads(body)["flush"].get("flushes", 0))


def wait_well(agent: Agent) -> None:
    """A flush has ended, and nothing is wrong."""
    wait_until(lambda: flushes(agent) > 0 and health(agent)["state"] == "ok", "all parts ok")


def client_of(scene: Scene, agent: Agent) -> socket.socket:
    """A connected UDP client."""
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(agent.address("udp"))
    return client


def run_status(agent: Agent, *arguments: str,
               variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`pitot status` of that agent."""
    return subprocess.run([str(binary()), "status", "--url", f"http://{agent.http}", *arguments],
                          text=True, capture_output=True, check=False, timeout=DEADLINE_S,
                          env={**os.environ, **(variables or {})})


def reached(agent: Agent, code: int) -> subprocess.CompletedProcess[str] | None:
    """What `pitot status` says, once it exits with this code."""
    done = run_status(agent)
    return done if done.returncode == code else None


def check_turns(agent: Agent, server: Any, sink: str) -> str:
    """Killed and started, hung and resumed: the sink's part turns each time, and others stay."""
    part = f"sinks.{sink}"
    told = []

    def seen(what: str) -> bool:
        found = health(agent)["parts"]
        if found[part]["state"] == "ok":
            return False
        told.append(found[part]["reason"])
        # A busy machine may make a flush late, but no other sink fail.
        others = {name: each["state"] for name, each in found.items()
                  if name.startswith("sinks.") and name != part}
        expect(set(others.values()) == {"ok"}, f"{what}: only {part} must turn, got {others}")
        return True

    def turns_within(flush: int) -> bool:
        document = json.loads(agent.ask("/api/v1/status")[1])
        is_well = document["health"]["parts"][part]["state"] == "ok"
        expect(not is_well or document["flush"]["flushes"] < flush,
               f"{part} must have turned by flush {flush}, got {document['flush']}")
        return not is_well

    wait_well(agent)
    server.kill()
    wait_until(lambda: seen("killed"), f"{part} to turn after a kill")
    server.start()
    wait_until(lambda: state(agent, part) == "ok", f"{part} to be well again")
    server.pause()
    # The next flush is sent to it; by the one behind that it has not been taken. One more for
    # an answer that was on its way.
    by_flush = flushes(agent) + 3
    wait_until(lambda: turns_within(by_flush), f"{part} to turn while it hangs")
    wait_until(lambda: seen("hung"), f"{part} to say why")
    server.resume()
    wait_until(lambda: state(agent, part) == "ok", f"{part} to go on")
    return f"killed: {told[0]}; hung: {told[-1]}"


def test_pushgateway(scene: Scene) -> str:
    """Killed and hung."""
    gateway = scene.pushgateway()
    agent = scene.agent(settings({**PAGE, "push": {
        "type": "pushgateway", "url": gateway.url, "timeout": f"{ATTEMPT_S}s"}}))
    said = check_turns(agent, gateway, "push")
    agent.stop()
    return said


def test_databases(scene: Scene) -> str:
    """InfluxDB and VictoriaMetrics, one after the other, in one agent."""
    said = []
    influx = InfluxDB(scene.folder, "influx")
    victoria = VictoriaMetrics(scene.folder, "victoria")
    for server in (influx, victoria):
        scene.ends_with(server.kill)
        server.start()
    influx.create_database("metrics")
    for name, server in (("influx", influx), ("victoria", victoria)):
        agent = scene.agent(settings({**PAGE, name: {
            "type": "influxdb", "url": server.url, "database": "metrics",
            "timeout": f"{ATTEMPT_S}s"}}))
        with Traffic(client_of(scene, agent)):
            said.append(check_turns(agent, server, name))
        agent.stop()
    return " / ".join(said)


class Traffic:
    """A line now and then: destinations that take only news get some in every interval."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        while not self._ended.wait(INTERVAL_S / 5):
            self._client.send(b"beat:1|c")

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def test_refused_for_good(scene: Scene) -> str:
    """A destination that wants other credentials holds the sink: failing, until it is mended."""
    gateway = scene.pushgateway()
    agent = scene.agent(settings({"push": {"type": "influxdb", "url": gateway.url,
                                           "database": "metrics"}}))
    with Traffic(client_of(scene, agent)):
        wait_until(lambda: state(agent, "sinks.push") != "ok", "the sink to turn")
        found = health(agent)["parts"]["sinks.push"]
    expect(found["reason"], "it must say why")
    agent.stop()
    return f"{found['state']}: {found['reason']}"


def test_scraper(scene: Scene) -> str:
    """A real Prometheus scrapes the agent's own server; that it goes is no trouble of ours."""
    agent = scene.agent(settings(PAGE))
    expect_equal("where the page is", agent.where("metrics"), f"http://{agent.http}/metrics")
    server = PrometheusServer(scene.folder, "prometheus", {"agent": agent.where("metrics")})
    scene.ends_with(server.kill)
    server.start()
    client_of(scene, agent).send(b"hits:3|c")
    wait_until(lambda: server.value("hits_total") == 3, "the hits")
    server.kill()
    wait_well(agent)
    agent.stop()
    return "scraped at the agent's own server"


def test_loops(scene: Scene) -> str:
    """Each loop is held in turn: its part turns, then the liveness probe, then both come back."""
    gateway = scene.pushgateway()
    agent = scene.agent(settings({**PAGE, "push": {"type": "pushgateway", "url": gateway.url}}))
    wait_well(agent)
    loops = {"pitot-shard-1": ("shards.1", "shard 1"), "pitot-flush": ("flush", "flush"),
             "pitot-sinks": ("delivery", "delivery")}
    for thread, (part, name) in loops.items():
        with held(agent, thread):
            wait_until(lambda stuck=part: state(agent, stuck) == "degraded", f"{part} to turn")
            expect_equal("/health/live meanwhile", agent.ask("/health/live"), (200, "live\n"))
            wait_until(lambda stuck=part: state(agent, stuck) == "failing", f"{part} to fail")
            live = wait_until(lambda: (agent.ask("/health/live")[0] == 503
                                       and agent.ask("/health/live")[1]), "the probe to turn")
            expect(live.startswith(f"{name} has not answered for "), f"it must name {name}: {live}")
            expect_equal("/health/ready", agent.ask("/health/ready")[0], 200)
            expect_equal("pitot status", run_status(agent).returncode, FAILING)
        wait_until(lambda back=part: state(agent, back) == "ok", f"{part} to come back")
        expect_equal("/health/live again", agent.ask("/health/live"), (200, "live\n"))
    wait_well(agent)
    agent.stop()
    return f"stuck, named, and back: {', '.join(loops)}"


def test_intake(scene: Scene) -> str:
    """Refused lines, series above a limit, and datagrams for which there was no room."""
    agent = scene.agent(settings(PAGE, shards=1, limits={"series_per_metric": 10}, listeners={
        "udp": {"type": "udp", "address": "127.0.0.1:0", "receive_buffer": "4KiB"}}))
    wait_well(agent)
    client = client_of(scene, agent)
    client.send(b"good:1|c\nbad\n\x1b[2Jevil\xff:1|c\nworse:1|q")
    found = wait_until(lambda: (state(agent, "intake") == "degraded" and health(agent)), "intake")
    expect(found["parts"]["intake"]["reason"].startswith("3 of 4 line(s) refused"), str(found))
    status = json.loads(agent.ask("/api/v1/status")[1])
    lines = {line["line"]: line["sender"] for line in status["refused"]}
    sender = f"udp 127.0.0.1:{client.getsockname()[1]}"
    expect_equal("refused lines", lines,
                 {"bad": sender, "\\x1b[2Jevil\\xff:1|c": sender, "worse:1|q": sender})
    wait_well(agent)
    client.send("\n".join(f"many:1|c|#id:{number}" for number in range(30)).encode())
    wait_until(lambda: state(agent, "intake") == "degraded", "intake to turn again")
    expect_equal("who it was", json.loads(agent.ask("/api/v1/status")[1])["series"]["overflowing"],
                 [{"name": "many", "lines": 20}])
    wait_well(agent)
    with held(agent, "pitot-shard-0"):
        for _ in range(500):
            client.send(b"burst:1|c|#padding:" + b"x" * 400)
    wait_until(lambda: state(agent, "listeners.udp") == "failing", "drops to be told")
    told = health(agent)["parts"]["listeners.udp"]
    expect(told["lost"]["kernel_drops"] > 250, str(told))
    wait_well(agent)
    page = wait_until(lambda: reached(agent, OK), "exit code 0")
    expect("kernel_drops" in page.stdout, page.stdout)
    expect_equal("escapes on the page", [c for c in page.stdout if c < " " and c != "\n"], [])
    agent.stop({"udp": 502})
    return told["reason"]


def test_stop_is_seen(scene: Scene) -> str:
    """From SIGTERM to the end /health/ready says that it stops, and /health/live that it lives."""
    gateway = scene.pushgateway()
    agent = scene.agent(settings({"push": {"type": "pushgateway", "url": gateway.url,
                                           "timeout": f"{ATTEMPT_S}s"}}, shutdown_deadline="3s"))
    expect_equal("/health/ready", agent.ask("/health/ready"), (200, "ready\n"))
    gateway.pause()
    agent.process.send_signal(signal.SIGTERM)
    answers = []

    def stops() -> bool:
        answers.append(agent.ask("/health/ready"))
        return answers[-1] == (503, "stopping\n")

    wait_until(stops, "the stop to be seen")
    expect_equal("/health/live", agent.ask("/health/live"), (200, "live\n"))
    expect_equal("the phase", health(agent)["phase"], "stopping")
    gateway.resume()
    agent.stopped()
    return "ready, then stopping, then gone"


def test_status_command(scene: Scene) -> str:
    """The page and the document of a running agent, its state as exit code; and of none."""
    gateway = scene.pushgateway()
    agent = scene.agent(settings({**PAGE, "push": {"type": "pushgateway", "url": gateway.url}}))
    with Traffic(client_of(scene, agent)):
        wait_until(lambda: "beat" in run_status(agent).stdout, "the busiest name")
        wait_well(agent)
        good = wait_until(lambda: reached(agent, OK), "exit code 0")
        expect(": ok for " in good.stdout.splitlines()[0], good.stdout)
        document = run_status(agent, "--format", "json")
        read = json.loads(document.stdout)
        expect_equal("state", read["health"]["state"], "ok")
        expect_equal("account", read["ledger"]["closed"], True)
        expect_equal("busiest", [busy["name"] for busy in read["busiest"]], ["beat"])
        expect_equal("process", read["pid"], agent.process.pid)
        gateway.kill()
        wait_until(lambda: reached(agent, DEGRADED), "exit code 1")
        expect("retrying" in run_status(agent).stdout, "the page must say that it tries again")
    config = scene.folder / "status.toml"
    config.write_text(f'[http]\naddress = "{agent.http}"\n')
    found = subprocess.run([str(binary()), "status", "--config", str(config)], text=True,
                           capture_output=True, check=False, timeout=DEADLINE_S)
    expect_equal("exit code with the configuration", found.returncode, DEGRADED)
    agent.stop()
    nobody = run_status(agent)
    expect_equal("exit code of nobody", nobody.returncode, UNKNOWN)
    expect(agent.http in nobody.stderr and "--url" in nobody.stderr, nobody.stderr)
    return nobody.stderr.splitlines()[0]


def test_who_may_ask(scene: Scene) -> str:
    """With a token: probes need none, all else does. Without one: a browser that was led astray
    gets nothing."""
    agent = scene.agent(settings(PAGE, http={"address": "127.0.0.1:0", "token": TOKEN}))
    shown = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/health", "/api/v1/status", "/metrics", "/api/v1/series",
                 "/api/v1/label/__name__/values"):
        expect_equal(f"{path} without the token", agent.ask(path)[0], 401)
        expect_equal(f"{path} with it", agent.ask(path, shown)[0], 200)
    for path in ("/health/live", "/health/ready"):
        expect_equal(f"{path} without the token", agent.ask(path)[0], 200)
    expect_equal("pitot status without it", run_status(agent).returncode, UNKNOWN)
    with_token = run_status(agent, variables={"PITOT_HTTP__TOKEN": TOKEN})
    expect(with_token.returncode in (OK, DEGRADED), f"pitot status with it: {with_token}")
    for text in (with_token.stdout, agent.ask("/api/v1/status", shown)[1], agent.said()):
        expect(TOKEN not in text, "the token must not be shown")
    agent.stop()
    open_to_all = scene.agent(settings(PAGE))
    expect_equal("by another name", open_to_all.ask("/health", {"Host": "evil.example"})[0], 403)
    expect_equal("as localhost", open_to_all.ask("/health", {"Host": "localhost:1"})[0], 200)
    open_to_all.stop()
    return "401, 403, 200"


def refused_start(scene: Scene, name: str, configured: Mapping[str, Any]) -> tuple[int, str]:
    """Exit code and words of an agent that must not start."""
    config = scene.folder / f"{name}.toml"
    config.write_text(toml(configured) + "\n")
    done = subprocess.run([str(binary()), "run", "--config", str(config)], text=True,
                          capture_output=True, check=False, timeout=DEADLINE_S)
    return done.returncode, done.stderr


def test_addresses(scene: Scene) -> str:
    """One that others can reach needs a token; one that is taken is said, with what to set; with
    none there is no server."""
    code, said = refused_start(scene, "public", settings(PAGE, http={"address": "0.0.0.0:0"}))
    expect_equal("exit code", code, CONFIGURATION)
    expect("http.address: must be of this machine only" in said, said)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = refused_start(scene, "taken", settings(PAGE, http={"address": address}))
    expect_equal("exit code", code, 1)
    expect(f"cannot listen on {address}: Address already in use; set another" in said,
           said)
    without = scene.agent(settings({"out": {"type": "console"}}, http={"address": ""}))
    expect_equal("the address of no server", without.http, "")
    without.stop()
    return said.strip().splitlines()[-1]


if __name__ == "__main__":
    main(test_pushgateway, test_databases, test_refused_for_good, test_scraper, test_loops,
         test_intake, test_stop_is_seen, test_status_command, test_who_may_ask, test_addresses,
         limit_s=600)
