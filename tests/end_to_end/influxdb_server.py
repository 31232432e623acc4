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

import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

from harness import Server, Troubled, ask, expect, installed

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


class InfluxDB(Troubled):
    """One server; what arrives by UDP is in the database `udp`."""

    UDP_DATABASE = "udp"

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder / f"{name}.log")
        self._program = installed("influxd", "influxdb")
        self._folder = folder / name
        self._folder.mkdir()
        self.udp_port = 0

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
        server = Server([self._program, "-config", str(configuration)], self._log)
        self._server = server
        self._server.wait_ready(self._find_port, "InfluxDB's port")
        self._server.wait_ready(lambda: ask(self.port, "/ping")[0] == 204, "InfluxDB's answer")
        self.udp_port = self._server.wait_ready(lambda: server.listening_port("udp"),
                                                "InfluxDB's UDP port")
        self.create_database(self.UDP_DATABASE)

    def _find_port(self) -> bool:
        assert self._server is not None
        found = re.search(r"Listening on HTTP.* addr=127\.0\.0\.1:(\d+)", self._server.said())
        if found:
            self.port = int(found[1])
        return found is not None

    def create_database(self, name: str) -> None:
        """Nothing, if it is there."""
        self.query(f'create database "{name}"')

    def query(self, statement: str, database: str = "") -> list[Row]:
        """All rows of one InfluxQL statement; the measurement is in "name"."""
        parameters = urllib.parse.urlencode({"q": statement, "db": database, "epoch": "ns"})
        status, body = ask(self.port, f"/query?{parameters}", "POST")
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
        status, body = ask(self.port, f"/write?db={database}", "POST", lines)
        expect(status == 204, f"{lines}: {status} {body}")


def identifier(name: str) -> str:
    """A measurement, field or tag as InfluxQL writes it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
