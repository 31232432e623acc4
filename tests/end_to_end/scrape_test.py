#!/usr/bin/env python3
"""/metrics of the real binary, scraped by a real Prometheus and asked for in PromQL: sums,
counts and gauges to the unit, tags of odd bytes byte for byte, quantiles within the stated
error; in OpenMetrics, which a Prometheus asks for, and in the text format. And what the agent
does where it cannot listen, or is asked badly.
"""

from __future__ import annotations

import http.server
import math
import random
import socket
import subprocess
import threading
import time
import urllib.request
from typing import Any

import exposition
from harness import (DEADLINE_S, Agent, Failure, Scene, Settings, binary, expect, expect_equal,
                     main, toml, wait_until)
from prometheus_server import PrometheusServer

INTERVAL_S = 0.2
# For a test that must know what is in an interval.
LONG_INTERVAL_S = 3
# Schema 5, as the configuration has it by default.
RELATIVE_ERROR = 0.0109
SLOW_CALLS = 2000
TEXT_ONLY = {"Accept": "text/plain;version=0.0.4"}
OPEN_METRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}

# Values of tags as they are sent, each in a counter of its own.
ODD_VALUES = ("plain", "a b", 'q"uote', "back\\slash", "{brace}", "käse", "日本", "tab\there",
              "a=b", "🎉", "per%cent", "x/y?z", "'")


def settings(**sink: Any) -> Settings:
    """An agent with one listener and the scrape sink."""
    return {
        "interval": f"{INTERVAL_S:g}s",
        "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
        "sinks": {"metrics": {"type": "prometheus", "address": "127.0.0.1:0", **sink}},
    }


def fetch(url: str, headers: dict[str, str]) -> tuple[str, str]:
    """Body and content type of one scrape."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers),
                                timeout=DEADLINE_S) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


def send(agent: Agent, lines: list[str]) -> int:
    """In datagrams of a few lines; how many."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(agent.address("udp"))
        packets = ["\n".join(lines[at:at + 20]) for at in range(0, len(lines), 20)]
        for packet in packets:
            client.send(packet.encode())
    return len(packets)


def traffic(dice: random.Random) -> tuple[list[str], list[float]]:
    """Lines of every kind, and the values of the one timer among them."""
    times_ms = [round(dice.lognormvariate(4, 1), 3) for _ in range(SLOW_CALLS)]
    lines = [f"call.time:{value}|ms|#route:/a" for value in times_ms]
    lines += [f"hits:{number}|c|#shard:{number % 7}" for number in range(700)]
    lines += [f"odd:{number + 1}|c|#value:{value}" for number, value in enumerate(ODD_VALUES)]
    lines += ["sampled:1|c|@0.25"] * 25
    lines += ["queue.length:12.5|g", "depth:-3|g", "users:a|s", "users:b|s", "users:a|s"]
    lines += [f"size:{number}|h" for number in (1, 2, 3, 4)]
    dice.shuffle(lines)
    return lines, times_ms


def check_sums(server: PrometheusServer, times_ms: list[float]) -> None:
    """What is in it since the start, and so is there whatever the interval."""
    expect_equal("up", server.value('up{job="agent"}'), 1)
    expect_equal("hits", server.value("sum(hits_total)"), sum(range(700)))
    for shard in range(7):
        expect_equal(f"hits of shard {shard}", server.value(f'hits_total{{shard="{shard}"}}'),
                     sum(range(shard, 700, 7)))
    odd = {dict(labels)["value"]: value for labels, value in server.query("odd_total").items()}
    expect_equal("odd values", odd, {value: number + 1 for number, value in enumerate(ODD_VALUES)})
    expect_equal("sampled", server.value("sampled_total"), 100)
    expect_equal("queue_length", server.value("queue_length"), 12.5)
    expect_equal("depth", server.value("depth"), -3)
    expect_equal("count of calls", server.value("call_time_seconds_count"), SLOW_CALLS)
    total = server.value("call_time_seconds_sum")
    expect(abs(total - sum(times_ms) / 1000) < 1e-6, f"sum of calls: {total}")
    expect_equal("size_count", server.value("size_count"), 4)
    expect_equal("size_sum", server.value("size_sum"), 10)


def scraping(scene: Scene, agent: Agent, url: str = "") -> PrometheusServer:
    """A Prometheus that scrapes the agent, or what stands between them."""
    server = PrometheusServer(scene.folder, "prometheus", {"agent": url or agent.where("metrics")})
    scene.ends_with(server.kill)
    server.start()
    return server


def check_traffic(agent: Agent, server: PrometheusServer) -> tuple[int, int]:
    """Sends lines of every kind and asks for all of it; datagrams and lines."""
    lines, times_ms = traffic(random.Random(4))
    sent = send(agent, lines)
    wait_until(lambda: server.value("sum(hits_total)") == sum(range(700)), "all hits")
    server.wait_scraped("agent")
    check_sums(server, times_ms)
    return sent, len(lines)


class TextOnlyProxy:
    """Asks the agent for the text format, whatever it is asked for itself."""

    def __init__(self, upstream: str) -> None:
        self.content_types: set[str] = set()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One scrape."""

            def do_GET(self) -> None:
                """Passes it on."""
                body, content_type = fetch(upstream, TEXT_ONLY)
                proxy.content_types.add(content_type)
                data = body.encode()
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Nobody reads it."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}/metrics"

    def __enter__(self) -> TextOnlyProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_open_metrics(scene: Scene) -> str:
    """As a Prometheus asks for it by itself."""
    agent = scene.agent(settings())
    agent.require_receive_buffer()
    server = scraping(scene, agent)
    sent, lines = check_traffic(agent, server)
    # OpenMetrics calls a counter's family by the name without its suffix.
    types = [entry["type"] for entry in server.ask("/api/v1/metadata", metric="hits")["hits"]]
    expect_equal("the type of hits", types, ["counter"])
    agent.stop({"udp": sent})
    return f"{lines} lines, every sum to the unit"


def test_histograms_by_rule(scene: Scene) -> str:
    """Classic histograms, whose buckets are the same series in both formats."""
    buckets = [0.05, 0.1, 1]
    agent = scene.agent(settings(rules={"all": {"match": "*.time", "buckets": buckets}}))
    agent.require_receive_buffer()
    server = scraping(scene, agent)
    times_ms = [10, 20, 60, 70, 80, 500, 5000]
    sent = send(agent, [f"call.time:{value}|ms" for value in times_ms])
    wait_until(lambda: server.value("call_time_seconds_count") == len(times_ms), "all calls")
    server.wait_scraped("agent")
    found = {dict(labels)["le"]: value
             for labels, value in server.query("call_time_seconds_bucket").items()}
    expect_equal("buckets", found, {"0.05": 2, "0.1": 5, "1.0": 6, "+Inf": 7})
    quantile = server.value("histogram_quantile(0.5, call_time_seconds_bucket)")
    expect(0.05 < quantile < 0.1, f"histogram_quantile: {quantile}")
    agent.stop({"udp": sent})
    return f"buckets {found}, a median of {quantile:.4f} s"


def send_within_an_interval(agent: Agent, times_ms: list[float]) -> str:
    """All values between two flushes; the name of the timer that they are in.

    A mark on the page says that a flush was just now. Where sending took longer than half of
    the next interval, another timer gets another try.
    """
    for attempt in range(1, 6):
        send(agent, ["mark:1|c"])
        wait_until(lambda line=f"mark_total {attempt}\n": line in fetch(
            agent.where("metrics"), TEXT_ONLY)[0], "a flush")
        flushed_at = time.monotonic()
        send(agent, [f"call.time{attempt}:{value}|ms" for value in times_ms])
        if time.monotonic() - flushed_at < LONG_INTERVAL_S / 2:
            return f"call_time{attempt}_seconds"
    raise Failure("this machine was too slow each time")


def test_quantiles(scene: Scene) -> str:
    """Percentiles are those of an interval: all values are sent in one."""
    quantiles = [0.5, 0.9, 0.95, 0.99, 0.999]
    _, times_ms = traffic(random.Random(5))
    agent = scene.agent({**settings(), "interval": f"{LONG_INTERVAL_S}s",
                         "percentiles": [quantile * 100 for quantile in quantiles]})
    agent.require_receive_buffer()
    server = scraping(scene, agent)
    name = send_within_an_interval(agent, times_ms)
    wait_until(lambda: server.value(f"max_over_time({name}_count[1m])") == SLOW_CALLS, "all calls")
    found = {float(dict(labels)["quantile"]): value for labels, value
             in server.query(f"max_over_time({name}[1m])").items()}
    expect_equal("quantiles", sorted(found), quantiles)
    off = max(abs(found[quantile] * 1000 / nearest_rank(times_ms, quantile) - 1)
              for quantile in quantiles)
    expect(off <= RELATIVE_ERROR, f"quantiles must be within {RELATIVE_ERROR:.2%}, got {off:.2%}")
    agent.stop()
    return f"{len(found)} quantiles of {SLOW_CALLS} values, off by {off:.2%} at most"


def nearest_rank(values: list[float], quantile: float) -> float:
    """As the agent defines it."""
    ordered = sorted(values)
    return ordered[math.ceil(quantile * len(ordered) - 1e-9) - 1]


def test_text_format(scene: Scene) -> str:
    """Forced: the Prometheus of Debian has no option for it, so that a proxy takes the wish for
    OpenMetrics out of its requests."""
    agent = scene.agent(settings())
    agent.require_receive_buffer()
    with TextOnlyProxy(agent.where("metrics")) as proxy:
        server = scraping(scene, agent, proxy.url)
        sent, lines = check_traffic(agent, server)
        expect(proxy.content_types == {"text/plain; version=0.0.4; charset=utf-8"},
               f"the text format must be what came, got {proxy.content_types}")
    agent.stop({"udp": sent})
    return f"{lines} lines, every sum to the unit"


def test_both_formats_hold_the_same(scene: Scene) -> str:
    """One flush in both, and what `pitot once` prints of the same lines."""
    lines, _ = traffic(random.Random(6))
    agent = scene.agent({**settings(), "interval": "1s"})
    agent.require_receive_buffer()
    url = agent.where("metrics")
    sent = send(agent, lines)
    wait_until(lambda: "hits_total" in fetch(url, TEXT_ONLY)[0], "a flush")

    def same_flush() -> tuple[str, str]:
        text = fetch(url, TEXT_ONLY)
        open_metrics = fetch(url, OPEN_METRICS)
        if fetch(url, TEXT_ONLY) != text:
            return "", ""
        expect_equal("type", text[1], "text/plain; version=0.0.4; charset=utf-8")
        expect_equal("type", open_metrics[1],
                     "application/openmetrics-text; version=1.0.0; charset=utf-8")
        return text[0], open_metrics[0]

    text, open_metrics = wait_until(same_flush, "both formats of one flush")
    samples = [[line for line in page.split("\n") if line and not line.startswith("#")]
               for page in (text, open_metrics)]
    expect_equal("samples in both formats", samples[0], samples[1])
    exposition.read(text)
    expect(open_metrics.endswith("# EOF\n"), "OpenMetrics must have an end")
    expect_equal("what promtool says", promtool(text), "")
    agent.stop({"udp": sent})
    return f"{len(samples[0])} samples"


def promtool(page: str) -> str:
    """Its findings, without its taste in names, which are not ours to choose."""
    done = subprocess.run(["promtool", "check", "metrics"], input=page, text=True,
                          capture_output=True, check=False)
    taste = ("counter metrics should", "no help text", "should not have", "use base unit",
             "metric names should not")
    return "\n".join(line for line in (done.stdout + done.stderr).splitlines()
                     if not any(word in line for word in taste))


def test_printed_is_served(scene: Scene) -> str:
    """`pitot once --sink` and /metrics have the same bytes for the same lines."""
    lines, _ = traffic(random.Random(7))
    config = scene.folder / "once.toml"
    config.write_text(toml(settings()) + "\n")
    printed = subprocess.run(
        [str(binary()), "once", "--config", str(config), "--sink", "metrics"],
        input="\n".join(lines) + "\n", text=True, capture_output=True, check=True).stdout
    agent = scene.agent({**settings(), "interval": f"{LONG_INTERVAL_S}s"})
    agent.require_receive_buffer()
    url = agent.where("metrics")
    page = ""
    # Until all lines were in one interval.
    for attempt in range(5):
        if attempt > 0:
            agent = scene.agent({**settings(), "interval": f"{LONG_INTERVAL_S}s"})
            url = agent.where("metrics")
        before = fetch(url, TEXT_ONLY)[0]
        expect_equal("the page before the first line", before, "")
        send(agent, lines)
        page = wait_until(lambda: fetch(url, TEXT_ONLY)[0], "a flush with something in it")
        agent.stop()
        if page == printed:
            break
    expect(page == printed, f"served and printed must be the same, got\n{page}\nand\n{printed}")
    return f"{len(page)} bytes"


def test_trouble_at_the_address(scene: Scene) -> str:
    """An address in use is said, with the sink, and the agent does not start."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = scene.folder / "taken.toml"
        config.write_text(toml(settings(address=address)) + "\n")
        done = subprocess.run([str(binary()), "run", "--config", str(config)], text=True,
                              capture_output=True, check=False, timeout=DEADLINE_S)
    expect_equal("exit code", done.returncode, 1)
    said = f'part=sinks.metrics message="cannot listen on {address}: Address already in use'
    expect(said in done.stderr, f"must say {said!r}, got:\n{done.stderr}")
    return said


def test_prometheus_comes_and_goes(scene: Scene) -> str:
    """Killed, stopped in the middle, and started again: it finds every sum."""
    agent = scene.agent(settings())
    agent.require_receive_buffer()
    server = scraping(scene, agent)
    sent = send(agent, ["hits:1|c"])
    wait_until(lambda: server.value("hits_total") == 1, "the first hit")
    server.kill()
    sent += send(agent, ["hits:2|c"])
    server.start()
    wait_until(lambda: server.value("hits_total") == 3, "the second hit")
    server.pause()
    sent += send(agent, ["hits:4|c"])
    server.resume()
    wait_until(lambda: server.value("hits_total") == 7, "the third hit")
    ledger = agent.stop({"udp": sent})
    sink = ledger.sinks["metrics"]
    expect_equal("points delivered", sink["delivered"], sink["offered"])
    return f"{sink['delivered']} points on the page, whoever came"


if __name__ == "__main__":
    main(test_open_metrics, test_text_format, test_histograms_by_rule, test_quantiles,
         test_both_formats_hold_the_same, test_printed_is_served, test_trouble_at_the_address,
         test_prometheus_comes_and_goes)
