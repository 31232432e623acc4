#!/usr/bin/env python3
"""Alerts from lines to messages: a real Alertmanager shows an alert active and then resolved, a
receiver gets each change once, also where the agent is killed in between, and the agent says of
itself why.
"""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any

from alertmanager_server import AlertmanagerServer
from harness import Agent, Scene, Settings, binary, expect, expect_equal, main, wait_until

INTERVAL = "200ms"


class Receiver:
    """A webhook receiver that keeps what it was told."""

    def __init__(self, scene: Scene) -> None:
        self.bodies: list[dict[str, Any]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Takes everything."""

            def do_POST(self) -> None:  # pylint: disable=invalid-name
                """One message, or several."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        scene.ends_with(self._server.shutdown)

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def told(self, name: str) -> list[str]:
        """The states of one alert, in the order in which they came."""
        states = []
        for body in list(self.bodies):
            for alert in body["alerts"]:
                if alert["labels"]["alertname"] == name:
                    states.append(alert["status"])
        return states


def settings(receiver: Receiver, state: Path, alertmanager: AlertmanagerServer | None = None,
             **rules: Settings) -> Settings:
    """An agent that tells the receiver of a queue that is long, besides other rules."""
    channels: dict[str, Any] = {
        "hook": {"type": "webhook", "url": receiver.url, "format": "alertmanager"}}
    if alertmanager is not None:
        channels["oncall"] = {"type": "alertmanager", "urls": [alertmanager.url]}
    return {
        "interval": INTERVAL,
        "state_directory": str(state),
        "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
        "sinks": {"metrics": {"type": "prometheus"}},
        "http": {"address": "127.0.0.1:0"},
        "channels": channels,
        "alerts": {"long_queue": {"condition": "queue.depth > 100",
                                  "annotations": {"summary": "{{ labels.queue }} has {{ value }}"},
                                  "channels": list(channels)}, **rules},
    }


def say(scene: Scene, agent: Agent, *lines: str) -> None:
    """One datagram."""
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.sendto("\n".join(lines).encode(), agent.address("udp"))


def ask(agent: Agent, path: str) -> Any:
    """A document of the agent's own server."""
    status, body = agent.ask(path)
    expect_equal(f"status of {path}", status, 200)
    return json.loads(body)


def state_of(agent: Agent, name: str) -> str:
    """As the rules page has it."""
    for group in ask(agent, "/api/v1/rules")["data"]["groups"]:
        for rule in group["rules"]:
            if rule["name"] == name:
                return str(rule["state"])
    raise AssertionError(f"no rule {name}")


def pitot_alerts(agent: Agent, *words: str) -> tuple[int, str]:
    """What the command says of this agent."""
    run = subprocess.run([str(binary()), "alerts", *words, "--url", f"http://{agent.http}"],
                         capture_output=True, text=True, timeout=60, check=False,
                         env={"PATH": os.environ.get("PATH", "")})
    return run.returncode, run.stdout + run.stderr


def pitot_check_live(agent: Agent, file: Path) -> tuple[int, str]:
    """What rules of a file would match in this agent."""
    run = subprocess.run([str(binary()), "check", "--explain", "--live", "--url",
                          f"http://{agent.http}", str(file)],
                         capture_output=True, text=True, timeout=60, check=False,
                         env={"PATH": os.environ.get("PATH", "")})
    return run.returncode, run.stdout + run.stderr


def saved_firing(state: Path) -> bool:
    """The state file says that something was told. (Its text is binary, names are not.)"""
    path = state / "alerts.state"
    return path.exists() and b"long_queue" in path.read_bytes()


def test_alertmanager_shows_it_active_and_then_resolved(scene: Scene) -> None:
    """From a gauge in a datagram to a real Alertmanager, and back."""
    alertmanager = AlertmanagerServer(scene.folder, "alertmanager")
    alertmanager.start()
    scene.ends_with(alertmanager.kill)
    receiver = Receiver(scene)
    agent = scene.agent(settings(receiver, scene.folder / "state", alertmanager))
    say(scene, agent, "queue.depth:250|g|#queue:mail")
    alert = alertmanager.wait_alert("long_queue")
    expect_equal("its label", alert["labels"]["queue"], "mail")
    wait_until(lambda: receiver.told("long_queue") == ["firing"], "the receiver's message")
    say(scene, agent, "queue.depth:3|g|#queue:mail")
    alertmanager.wait_gone("long_queue")
    wait_until(lambda: receiver.told("long_queue") == ["firing", "resolved"],
               "the receiver's second message")
    agent.stop()


def test_alertmanager_shows_one_level_at_a_time(scene: Scene) -> None:
    """Severity is a label, by which Alertmanager knows an alert: the other level is another one,
    and the one before has ended. alerts() fails where there are two of one name.
    """
    alertmanager = AlertmanagerServer(scene.folder, "alertmanager")
    alertmanager.start()
    scene.ends_with(alertmanager.kill)
    rule: Settings = {"value": "disk.used", "warn": "> 85", "crit": "> 95",
                      "labels": {"team": "shop"}, "channels": ["oncall"]}
    state = scene.folder / "state"
    agent = scene.agent(settings(Receiver(scene), state, alertmanager, disk_full=rule))

    def shown() -> str:
        labels = alertmanager.alerts().get("disk_full", {}).get("labels", {})
        return str(labels.get("severity"))

    for value, severity in (("90", "warning"), ("97", "critical"), ("90", "warning")):
        say(scene, agent, f"disk.used:{value}|g|#disk:sda")
        wait_until(lambda wanted=severity: shown() == wanted, f"the level {severity}")
    say(scene, agent, "disk.used:97|g|#disk:sda")
    wait_until(lambda: shown() == "critical", "the level critical")
    wait_until(lambda: (state / "alerts.state").exists() and
               b"disk_full" in (state / "alerts.state").read_bytes(), "the state file")
    agent.stop()

    # The rule is no more, and so are its labels.
    agent = scene.agent(settings(Receiver(scene), state, alertmanager))
    alertmanager.wait_gone("disk_full")
    agent.stop()


def test_killed_while_it_fires(scene: Scene) -> None:
    """No second message after kill -9, and exactly one when it ends; whether that was while the
    agent ran or while it was away."""
    receiver = Receiver(scene)
    state = scene.folder / "state"
    configuration = settings(receiver, state)
    agent = scene.agent(configuration)
    say(scene, agent, "queue.depth:250|g|#queue:mail")
    wait_until(lambda: receiver.told("long_queue") == ["firing"], "the first message")
    wait_until(lambda: saved_firing(state), "the state file")
    agent.kill()

    agent = scene.agent(configuration)
    wait_until(lambda: ask(agent, "/api/v1/alerts")["data"]["alerts"], "the restored alert")
    alerts = ask(agent, "/api/v1/alerts")["data"]["alerts"]
    expect_equal("its state", alerts[0]["state"], "firing")
    say(scene, agent, "queue.depth:260|g|#queue:mail")
    flushes = ask(agent, "/api/v1/alerts")["data"]["pitot"]["flushes"]
    wait_until(lambda: ask(agent, "/api/v1/alerts")["data"]["pitot"]["flushes"] > flushes + 3,
               "three more flushes")
    expect_equal("messages after the restart", receiver.told("long_queue"), ["firing"])
    agent.kill()

    agent = scene.agent(configuration)
    say(scene, agent, "queue.depth:1|g|#queue:mail")
    wait_until(lambda: receiver.told("long_queue") == ["firing", "resolved"], "the end")
    flushes = ask(agent, "/api/v1/alerts")["data"]["pitot"]["flushes"]
    wait_until(lambda: ask(agent, "/api/v1/alerts")["data"]["pitot"]["flushes"] > flushes + 3,
               "three more flushes")
    agent.stop()
    agent = scene.agent(configuration)
    say(scene, agent, "queue.depth:1|g|#queue:mail")
    wait_until(lambda: ask(agent, "/api/v1/alerts")["data"]["pitot"]["flushes"] > 2, "two flushes")
    expect_equal("messages in all", receiver.told("long_queue"), ["firing", "resolved"])
    agent.stop()


def test_what_the_agent_says_of_its_alerts(scene: Scene) -> None:
    """Pages, commands, ALERTS in the exposition, derived series, metrics and health."""
    receiver = Receiver(scene)
    agent = scene.agent({
        **settings(receiver, scene.folder / "state",
                   mistyped={"condition": "increase(erors[1m]) > 10"}),
        "self_metrics": {"enabled": True},
        "derive": {"queue_double": {"metric": "queue.double", "expr": "queue.depth * 2"}}})
    expect_equal("nothing fires", pitot_alerts(agent)[0], 0)
    say(scene, agent, "queue.depth:250|g|#queue:mail", "errors:1|c", "queue.double:9|g|#queue:mail")
    wait_until(lambda: state_of(agent, "long_queue") == "firing", "the alert")
    alert = ask(agent, "/api/v1/alerts")["data"]["alerts"][0]
    expect_equal("alertname", alert["labels"]["alertname"], "long_queue")
    expect_equal("queue", alert["labels"]["queue"], "mail")
    expect_equal("value", float(alert["value"]), 250.0)
    expect_equal("summary", alert["annotations"]["summary"], "mail has 250")

    code, text = pitot_alerts(agent)
    expect_equal("exit code of list", code, 2)
    expect('long_queue{queue="mail"}' in text, f"list must name the alert, says {text}")
    expect("mistyped: `erors` matches no series; the closest name is `errors`" in text,
           f"list must name what is mistyped, says {text}")
    code, text = pitot_alerts(agent, "explain", "long_queue", "queue=mail")
    expect_equal("exit code of explain", code, 0)
    expect("FIRING" in text and "queue.depth > 100" in text and "from 1 series" in text,
           f"explain must show the condition, says {text}")
    code, text = pitot_alerts(agent, "history", "long_queue")
    expect("firing" in text, f"history must show its states, says {text}")
    code, text = pitot_alerts(agent, "explain", "long_queu")
    expect_equal("exit code of an unknown rule", code, 1)
    expect("did you mean `long_queue`?" in text, f"explain must know better, says {text}")

    new = scene.folder / "new.toml"
    new.write_text(
        "[alerts.deep]\ncondition = 'queue.depth > 9'\n"
        "[alerts.derived]\ncondition = 'queue.double > 9'\n"
        "[alerts.typo]\ncondition = 'queue.dept > 9'\n"
        "[alerts.kind]\ncondition = 'p95(queue.depth[1m]) > 9'\n")
    code, text = pitot_check_live(agent, new)
    expect_equal("exit code of check --live", code, 0)
    for words in ("queue.depth: 1 series in 1 group\n                queue.depth{queue=\"mail\"}\n",
                  "queue.double: 1 series in 1 group\n",
                  "queue.dept: no series; closest names are `queue.depth`",
                  "queue.depth: no series: `queue.depth` is a gauge"):
        expect(words in text, f"check --live must say {words!r}, says {text}")

    def exposed() -> str:
        with urllib.request.urlopen(agent.where("metrics")) as answer:
            return str(answer.read().decode())

    wanted = 'ALERTS{alertname="long_queue",alertstate="firing",queue="mail",severity="'
    wait_until(lambda: wanted in exposed(), "ALERTS in the exposition")
    page = exposed()
    expect('queue_double{queue="mail"} 500' in page, "a derived series must be there")
    expect('pitot_alert_firing{alert="long_queue"} 1' in page, "alert metrics must be there")
    expect('pitot_channel_delivered_total{channel="hook"} 1' in page, "channels have metrics")
    expect('pitot_rejected_total{reason="reserved_name"} 1' in page,
           "a client may not use a derived name")
    parts = ask(agent, "/health")["parts"]
    expect_equal("health of alerts", parts["alerts"]["state"], "ok")
    expect_equal("health of the channel", parts["channels.hook"]["state"], "ok")
    say(scene, agent, "queue.depth:1|g|#queue:mail")
    wait_until(lambda: "ALERTS{" not in exposed(), "the end of ALERTS")
    agent.stop()


if __name__ == "__main__":
    main(test_alertmanager_shows_it_active_and_then_resolved,
         test_alertmanager_shows_one_level_at_a_time, test_killed_while_it_fires,
         test_what_the_agent_says_of_its_alerts)
