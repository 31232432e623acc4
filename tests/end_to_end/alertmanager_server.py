"""A real Alertmanager, for tests that ask it what it was told.

    server = AlertmanagerServer(folder, "alertmanager")
    server.start()
    server.url                                   what [channels.NAME] urls takes
    server.alerts()                              by the value of alertname: labels, annotations, …
    server.wait_alert("slow", "active")
    server.wait_gone("slow")

It listens on a port of the kernel's choice, talks to no cluster, and keeps its data in the
folder. Given a receiver it notifies that URL at once, as a webhook. Debian: package
prometheus-alertmanager.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import Server, Troubled, ask, expect, installed, wait_until


class AlertmanagerServer(Troubled):
    """One Alertmanager; `receiver` is the URL of a webhook that it tells."""

    def __init__(self, folder: Path, name: str, receiver: str | None = None) -> None:
        super().__init__(folder / f"{name}.log")
        self._program = installed("prometheus-alertmanager")
        self._folder = folder / name
        self._folder.mkdir()
        self._write_config(receiver)

    def _write_config(self, receiver: str | None) -> None:
        lines = ["route:", "  receiver: test", "  group_by: ['...']", "  group_wait: 0s",
                 "  group_interval: 1s", "receivers:", "- name: test"]
        if receiver is not None:
            lines += ["  webhook_configs:", f"  - url: {json.dumps(receiver)}",
                      "    send_resolved: true"]
        (self._folder / "alertmanager.yml").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Returns when it answers. Starts again where its data were left."""
        self._server = Server(
            [self._program, f"--config.file={self._folder / 'alertmanager.yml'}",
             f"--storage.path={self._folder / 'data'}", "--cluster.listen-address=",
             f"--web.listen-address=127.0.0.1:{self.port}"], self._log)
        self.port = self._server.wait_ready(self._server.listening_port, "Alertmanager's port")
        self._server.wait_ready(lambda: ask(self.port, "/-/ready")[0] == 200,
                                "Alertmanager's answer")

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Those it holds to be firing, by alertname; several of one name are a failure."""
        status, body = ask(self.port, "/api/v2/alerts")
        expect(status == 200, f"Alertmanager must answer /api/v2/alerts: {status} {body}")
        found: dict[str, dict[str, Any]] = {}
        for alert in json.loads(body):
            name = alert["labels"]["alertname"]
            expect(name not in found, f"one alert {name}, got several")
            found[name] = alert
        return found

    def wait_alert(self, name: str, state: str = "active") -> dict[str, Any]:
        """Until an alert of that name is there in this state."""
        wait_until(lambda: self.alerts().get(name, {}).get("status", {}).get("state") == state,
                   f"Alertmanager's alert {name}")
        return self.alerts()[name]

    def wait_gone(self, name: str) -> None:
        """Until it is resolved: Alertmanager lists what fires."""
        wait_until(lambda: name not in self.alerts(), f"the end of Alertmanager's alert {name}")
