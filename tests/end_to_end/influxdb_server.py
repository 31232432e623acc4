"""A real InfluxDB 1 for one test: Debian's influxd, with its HTTP API and a UDP listener.

    influx = InfluxDB(scene.folder, "influx")
    scene.ends_with(influx.kill)
    influx.start()
    influx.create_database("metrics")
    influx.query("select sum(delta) from hits", "metrics")

Ports are the kernel's choice at first and kept after that, so that a sink finds it again;
what it stores is in the folder and outlives a kill. What it answers is InfluxQL's JSON;
query() makes rows of it.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import urllib.parse
from pathlib import Path
from typing import Any

from harness import DEADLINE_S, Server, Skipped, expect, wait_until

Row = dict[str, Any]  # a point, or what is asked of several: columns, and tags where grouped

CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  flux-enabled = false
[[udp]]
  enabled = true
  bind-address = "127.0.0.1:{udp_port}"
  database = "{udp_database}"
  batch-size = 1
  read-buffer = 8388608
"""


class InfluxDB:
    """One server; what arrives by UDP is in the database `udp`."""

    UDP_DATABASE = "udp"

    def __init__(self, folder: Path, name: str) -> None:
        program = shutil.which("influxd")
        if program is None:
            raise Skipped("influxd is not installed (Debian's package influxdb)")
        self._program = program
        self._folder = folder / name
        self._folder.mkdir()
        self._log = folder / f"{name}.log"
        self._server: Server | None = None
        self.port = 0
        self.udp_port = 0

    @property
    def url(self) -> str:
        """As the sink's option wants it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def udp_url(self) -> str:
        """As the sink's option wants it."""
        return f"udp://127.0.0.1:{self.udp_port}"

    def start(self) -> None:
        """Returns when it answers, and its UDP listener has a database to write to."""
        configuration = self._folder / "influxdb.conf"
        configuration.write_text(CONFIGURATION.format(
            folder=self._folder, port=self.port, udp_port=self.udp_port,
            udp_database=self.UDP_DATABASE))
        self._log.unlink(missing_ok=True)
        self._server = Server([self._program, "-config", str(configuration)], self._log)
        self._server.wait_ready(self._find_port, "InfluxDB's port")
        self._server.wait_ready(lambda: self._ask("GET", "/ping")[0] == 204, "InfluxDB's answer")
        self._server.wait_ready(self._find_udp_port, "InfluxDB's UDP port")
        self.create_database(self.UDP_DATABASE)

    def _find_port(self) -> bool:
        assert self._server is not None
        found = re.search(r"Listening on HTTP.* addr=127\.0\.0\.1:(\d+)", self._server.said())
        if found:
            self.port = int(found[1])
        return found is not None

    def _find_udp_port(self) -> bool:
        """Its log says port 0; the kernel knows."""
        assert self._server is not None
        process = Path(f"/proc/{self._server.process.pid}")
        sockets = {link.readlink().name for link in process.glob("fd/*") if link.is_symlink()}
        for line in (process / "net/udp").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in sockets:
                self.udp_port = int(fields[1].split(":")[1], 16)
                return True
        return False

    def kill(self) -> None:
        """SIGKILL; what it had acknowledged is in its log on disk."""
        if self._server is not None:
            self._server.kill()

    def pause(self) -> None:
        """SIGSTOP: it accepts connections, through its backlog, and says nothing."""
        assert self._server is not None
        self._server.process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self._server.process.pid}/task")
        wait_until(lambda: all(stat.read_text().rsplit(")", 1)[1].split()[0] == "T"
                               for stat in threads.glob("*/stat")), "InfluxDB stopped")

    def resume(self) -> None:
        """SIGCONT."""
        assert self._server is not None
        self._server.process.send_signal(signal.SIGCONT)

    def create_database(self, name: str) -> None:
        """Nothing, if it is there."""
        self.query(f'create database "{name}"')

    def query(self, statement: str, database: str = "") -> list[Row]:
        """All rows of one InfluxQL statement; the measurement is in "name"."""
        parameters = urllib.parse.urlencode({"q": statement, "db": database, "epoch": "ns"})
        status, body = self._ask("POST", f"/query?{parameters}")
        expect(status == 200, f"{statement}: {status} {body}")
        result = json.loads(body)["results"][0]
        expect("error" not in result, f"{statement}: {result}")
        return [{"name": series.get("name", ""), **series.get("tags", {}),
                 **dict(zip(series["columns"], values, strict=True))}
                for series in result.get("series", []) for values in series["values"]]

    def value(self, statement: str, database: str) -> float | None:
        """Of a statement with one row and one column beside the time; None without a row."""
        rows = self.query(statement, database)
        if not rows:
            return None
        expect(len(rows) == 1, f"{statement}: must be one row, got {rows}")
        return next(value for key, value in rows[0].items() if key not in ("name", "time"))

    def write(self, lines: str, database: str) -> None:
        """As another client would."""
        status, body = self._ask("POST", f"/write?db={database}", lines)
        expect(status == 204, f"{lines}: {status} {body}")

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        """Status and body; status 0 when it is not reached."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()


def identifier(name: str) -> str:
    """A measurement, field or tag as InfluxQL writes it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
