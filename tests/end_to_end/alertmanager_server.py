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

import http.client
import json
import shutil
from pathlib import Path
from typing import Any

from harness import DEADLINE_S, Server, Skipped, expect, wait_until
from prometheus_server import free_port


class AlertmanagerServer:
    """One Alertmanager; `receiver` is the URL of a webhook that it tells."""

    def __init__(self, folder: Path, name: str, receiver: str | None = None) -> None:
        program = shutil.which("prometheus-alertmanager")
        if program is None:
            raise Skipped("prometheus-alertmanager is not installed")
        self._program = program
        self._folder = folder / name
        self._folder.mkdir()
        self._log = folder / f"{name}.log"
        self._server: Server | None = None
        self.port = 0
        self._write_config(receiver)

    @property
    def url(self) -> str:
        """Without a path; known once it was started."""
        return f"http://127.0.0.1:{self.port}"

    def _write_config(self, receiver: str | None) -> None:
        lines = ["route:", "  receiver: test", "  group_by: ['...']", "  group_wait: 0s",
                 "  group_interval: 1s", "receivers:", "- name: test"]
        if receiver is not None:
            lines += ["  webhook_configs:", f"  - url: {json.dumps(receiver)}",
                      "    send_resolved: true"]
        (self._folder / "alertmanager.yml").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Returns when it answers. Starts again where its data were left."""
        self.port = self.port or free_port()
        self._server = Server(
            [self._program, f"--config.file={self._folder / 'alertmanager.yml'}",
             f"--storage.path={self._folder / 'data'}", "--cluster.listen-address=",
             f"--web.listen-address=127.0.0.1:{self.port}"], self._log)
        self._server.wait_ready(lambda: self._get("/-/ready") is not None,
                                "Alertmanager's answer")

    def kill(self) -> None:
        """SIGKILL; also what the scene ends it with."""
        if self._server is not None:
            self._server.kill()

    stop = kill

    def _get(self, path: str) -> str | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if answer.status == 200 else None

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Those it holds to be firing, by alertname; several of one name are a failure."""
        body = self._get("/api/v2/alerts")
        expect(body is not None, "Alertmanager must answer /api/v2/alerts")
        found: dict[str, dict[str, Any]] = {}
        for alert in json.loads(body or "[]"):
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
