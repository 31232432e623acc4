"""A real Prometheus that scrapes what it is told to, for tests that ask it in PromQL.

    server = PrometheusServer(folder, "prometheus", {"agent": "http://127.0.0.1:4711/metrics"})
    server.start()
    server.wait_scraped("agent")
    server.query('sum(hits_total{job="agent"})')

It listens on a port of the kernel's choice and keeps its data in the folder. Debian:
package prometheus.
"""

from __future__ import annotations

import json
import math
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import Server, Troubled, ask, expect, installed, wait_until

SCRAPE_INTERVAL = "1s"


class PrometheusServer(Troubled):
    """One with a job for each target; `options` are of all its jobs, as YAML lines."""

    def __init__(self, folder: Path, name: str, targets: Mapping[str, str],
                 options: tuple[str, ...] = ()) -> None:
        super().__init__(folder / f"{name}.log")
        self._program = installed("prometheus")
        self._folder = folder / name
        self._folder.mkdir()
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
        self._server = Server(
            [self._program, f"--config.file={self._folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={self._folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}"], self._log)
        self.port = self._server.wait_ready(self._server.listening_port, "Prometheus' port")
        self._server.wait_ready(lambda: ask(self.port, "/-/ready")[0] == 200, "Prometheus' answer")

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        status, body = ask(self.port, f"{path}?{urllib.parse.urlencode(parameters)}")
        expect(status == 200, f"Prometheus must answer {path} {parameters}: {status} {body}")
        answer = json.loads(body)
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
