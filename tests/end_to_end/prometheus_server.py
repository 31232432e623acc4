"""A real Prometheus that scrapes what it is told to, for tests that ask it in PromQL.

    server = PrometheusServer(folder, "prometheus", {"agent": "http://127.0.0.1:4711/metrics"})
    server.start()
    server.wait_scraped("agent")
    server.query('sum(hits_total{job="agent"})')

It listens on a port of the kernel's choice and keeps its data in the folder. Debian:
package prometheus.
"""

from __future__ import annotations

import http.client
import json
import math
import shutil
import signal
import socket
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import DEADLINE_S, Server, Skipped, expect, wait_until

SCRAPE_INTERVAL = "1s"


def free_port() -> int:
    """Unused a moment ago: Prometheus has no way to say which port it was given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PrometheusServer:
    """One with a job for each target; `options` are of all its jobs, as YAML lines."""

    def __init__(self, folder: Path, name: str, targets: Mapping[str, str],
                 options: tuple[str, ...] = ()) -> None:
        program = shutil.which("prometheus")
        if program is None:
            raise Skipped("prometheus is not installed")
        self._program = program
        self._folder = folder / name
        self._folder.mkdir()
        self._log = folder / f"{name}.log"
        self._server: Server | None = None
        self.port = 0
        self._write_config(targets, options)

    def _write_config(self, targets: Mapping[str, str], options: tuple[str, ...]) -> None:
        lines = ["global:", f"  scrape_interval: {SCRAPE_INTERVAL}",
                 f"  scrape_timeout: {SCRAPE_INTERVAL}", "scrape_configs:"]
        for job, url in targets.items():
            parts = urllib.parse.urlsplit(url)
            lines += [f"- job_name: {json.dumps(job)}", f"  metrics_path: {json.dumps(parts.path)}",
                      *(f"  {option}" for option in options),
                      "  static_configs:", f"  - targets: [{json.dumps(parts.netloc)}]"]
        (self._folder / "prometheus.yml").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Returns when it answers. Starts again where its data were left."""
        self.port = self.port or free_port()
        self._server = Server(
            [self._program, f"--config.file={self._folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={self._folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}"], self._log)
        self._server.wait_ready(lambda: self._get("/-/ready") is not None, "Prometheus' answer")

    def kill(self) -> None:
        """SIGKILL; also what the scene ends it with."""
        if self._server is not None:
            self._server.kill()

    stop = kill

    def pause(self) -> None:
        """SIGSTOP: nobody scrapes any more, in the middle of a scrape perhaps."""
        assert self._server is not None
        self._server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._server is not None
        self._server.process.send_signal(signal.SIGCONT)

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

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        body = self._get(f"{path}?{urllib.parse.urlencode(parameters)}")
        expect(body is not None, f"Prometheus must answer {path} {parameters}")
        answer = json.loads(body or "")
        expect(answer["status"] == "success", f"Prometheus refuses {parameters}: {answer}")
        return answer["data"]

    def query(self, promql: str) -> dict[frozenset[tuple[str, str]], float]:
        """An instant query: values by labels, without those of the scrape."""
        values = {}
        for result in self.ask("/api/v1/query", query=promql)["result"]:
            labels = {name: value for name, value in result["metric"].items()
                      if name not in ("instance", "job")}
            values[frozenset(labels.items())] = float(result["value"][1])
        return values

    def value(self, promql: str) -> float:
        """Of a query that has exactly one result; NaN where it has none."""
        values = list(self.query(promql).values())
        expect(len(values) <= 1, f"{promql}: one result at most, got {values}")
        return values[0] if values else math.nan

    def target(self, job: str) -> dict[str, Any]:
        """How its scrapes go: "health", "lastError", …"""
        found = [target for target in self.ask("/api/v1/targets")["activeTargets"]
                 if target["labels"]["job"] == job]
        expect(len(found) == 1, f"one target {job}, got {found}")
        return dict(found[0])

    def wait_scraped(self, job: str) -> None:
        """Until a scrape that began after this call has ended well; a failed one is a failure."""
        def scraped_at() -> str:
            target = self.target(job)
            expect(target["health"] != "down", f"a scrape of {job}: {target['lastError']}")
            return str(target["lastScrape"])
        # The one that runs now may have begun before.
        for _ in range(2):
            before = scraped_at()
            wait_until(lambda before=before: scraped_at() != before, f"a scrape of {job}")
