"""A real VictoriaMetrics for one test: Debian's victoria-metrics, single node.

    victoria = VictoriaMetrics(scene.folder, "victoria")
    scene.ends_with(victoria.kill)
    victoria.start()
    victoria.series('{__name__="hits_delta"}')

Ports are the kernel's choice at first and kept after that; what it stores is in the folder.
"""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path

from harness import Server, Troubled, ask, expect, installed

# Labels without the name, and the samples: milliseconds and values.
Series = tuple[dict[str, str], list[tuple[int, float]]]


class VictoriaMetrics(Troubled):
    """One server."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder / f"{name}.log")
        self._program = installed("victoria-metrics")
        self._folder = folder / name

    def start(self) -> None:
        """Returns when it answers."""
        self._log.unlink(missing_ok=True)
        self._server = Server(
            [self._program, f"-storageDataPath={self._folder}", "-retentionPeriod=100y",
             f"-httpListenAddr=127.0.0.1:{self.port}", "-search.latencyOffset=0s"], self._log)
        self.port = self._server.wait_ready(self._server.listening_port, "VictoriaMetrics' port")
        self._server.wait_ready(lambda: ask(self.port, "/health")[0] == 200,
                                "VictoriaMetrics' answer")

    def series(self, match: str) -> list[Series]:
        """Every stored sample of what matches. What was just written is made visible first."""
        ask(self.port, "/internal/force_flush")
        parameters = urllib.parse.urlencode({"match[]": match})
        status, body = ask(self.port, f"/api/v1/export?{parameters}")
        expect(status == 200, f"export of {match}: {status} {body}")
        found = []
        for line in body.splitlines():
            entry = json.loads(line)
            labels = {key: value for key, value in entry["metric"].items() if key != "__name__"}
            found.append((labels, list(zip(entry["timestamps"], entry["values"], strict=True))))
        return found

    def sum(self, match: str) -> float:
        """Over all samples of all series."""
        return sum(value for _, samples in self.series(match) for _, value in samples)
