"""A real VictoriaMetrics for one test: Debian's victoria-metrics, single node.

    victoria = VictoriaMetrics(scene.folder, "victoria")
    scene.ends_with(victoria.kill)
    victoria.start()
    victoria.series('{__name__="hits_delta"}')

Ports are the kernel's choice at first and kept after that; what it stores is in the folder.
"""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import urllib.parse
from pathlib import Path

from harness import DEADLINE_S, Server, Skipped, expect, wait_until

# Labels without the name, and the samples: milliseconds and values.
Series = tuple[dict[str, str], list[tuple[int, float]]]


class VictoriaMetrics:
    """One server."""

    def __init__(self, folder: Path, name: str) -> None:
        program = shutil.which("victoria-metrics")
        if program is None:
            raise Skipped("victoria-metrics is not installed")
        self._program = program
        self._folder = folder / name
        self._log = folder / f"{name}.log"
        self._server: Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """As the sink's option wants it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        self._log.unlink(missing_ok=True)
        self._server = Server(
            [self._program, f"-storageDataPath={self._folder}", "-retentionPeriod=100y",
             f"-httpListenAddr=127.0.0.1:{self.port}", "-search.latencyOffset=0s"], self._log)
        self._server.wait_ready(self._find_port, "VictoriaMetrics' port")
        self._server.wait_ready(lambda: self._ask("/health")[0] == 200, "VictoriaMetrics' answer")

    def _find_port(self) -> bool:
        """Its log says port 0; the kernel knows."""
        assert self._server is not None
        process = Path(f"/proc/{self._server.process.pid}")
        sockets = {link.readlink().name for link in process.glob("fd/*") if link.is_symlink()}
        for line in (process / "net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            is_listening = fields[3] == "0A"
            if is_listening and f"socket:[{fields[9]}]" in sockets:
                self.port = int(fields[1].split(":")[1], 16)
                return True
        return False

    def kill(self) -> None:
        """SIGKILL; what was not on disk yet is gone."""
        if self._server is not None:
            self._server.kill()

    def pause(self) -> None:
        """SIGSTOP: it accepts connections, through its backlog, and says nothing."""
        assert self._server is not None
        self._server.process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self._server.process.pid}/task")
        wait_until(lambda: all(stat.read_text().rsplit(")", 1)[1].split()[0] == "T"
                               for stat in threads.glob("*/stat")), "VictoriaMetrics stopped")

    def resume(self) -> None:
        """SIGCONT."""
        assert self._server is not None
        self._server.process.send_signal(signal.SIGCONT)

    def series(self, match: str) -> list[Series]:
        """Every stored sample of what matches. What was just written is made visible first."""
        self._ask("/internal/force_flush")
        status, body = self._ask("/api/v1/export?" + urllib.parse.urlencode({"match[]": match}))
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

    def _ask(self, path: str) -> tuple[int, str]:
        """Status and body; status 0 when it is not reached."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()
