#!/usr/bin/env python3
"""Whoever may send may also send nonsense. Each test attacks the agent in one way while
well-behaved clients go on over UDP, TCP and a Unix socket: their sums must be exact at the
Pushgateway, the attack must be counted, and the account closed.
"""

from __future__ import annotations

import contextlib
import random
import select
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from exposition import Group
from harness import (Agent, Ledger, Pushgateway, Scene, expect, expect_equal, main, wait_until)
from traffic import PacedSender, Source, expected, mixed_lines, pack

GOOD_LINES_PER_S = 5000
# The sender's own bound; an attack takes about a second.
GOOD_SECONDS_MAX = 60
CONNECTIONS = 40
IDLE_S = 1
UDP_PAYLOAD_BYTES_MAX = 65_507
SEED = 20_240_229


@dataclass
class Attacked:
    """An agent with its good clients."""

    scene: Scene
    agent: Agent
    gateway: Pushgateway
    sources: list[Source]
    datagrams_sent: dict[str, int] = field(default_factory=lambda: {"udp": 0, "unix": 0})

    def send_udp(self, payloads: list[bytes]) -> None:
        """Each as a datagram, from one socket, counted."""
        client = self.scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for payload in payloads:
            client.sendto(payload, self.agent.address("udp"))
        self.datagrams_sent["udp"] += len(payloads)

    def connect(self, listener: str) -> socket.socket:
        """A stream to "tcp" or "unix-stream"."""
        is_tcp = listener == "tcp"
        client = self.scene.socket(socket.AF_INET if is_tcp else socket.AF_UNIX,
                                   socket.SOCK_STREAM)
        client.connect(self.agent.address(listener) if is_tcp else self.agent.path(listener))
        return client


@dataclass
class Result:
    """What is there after an attack."""

    ledger: Ledger
    group: Group
    good: str


def start(scene: Scene) -> Attacked:
    """Listeners with small bounds, so that an attack reaches them soon."""
    gateway = scene.pushgateway()
    agent = scene.agent({
        "interval": "200ms",
        "shards": 2,
        "limits": {"series_per_metric": 100},
        "listeners": {
            "udp": {"type": "udp", "address": "127.0.0.1:0"},
            "tcp": {"type": "tcp", "address": "127.0.0.1:0", "connections": CONNECTIONS,
                    "idle_timeout": f"{IDLE_S}s"},
            "unix": {"type": "unix", "path": str(scene.folder / "d.sock")},
            "unix-stream": {"type": "unix-stream", "path": str(scene.folder / "s.sock")},
        },
        "sinks": {"push": {"type": "pushgateway", "url": gateway.url, "instance": "attacked"}},
    })
    agent.require_receive_buffer()
    attacked = Attacked(scene, agent, gateway, [])

    udp = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect(agent.address("udp"))
    unix = scene.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    unix.connect(agent.path("unix"))
    tcp = attacked.connect("tcp")
    sends: list[Callable[[bytes], object]] = [
        udp.send, unix.send, lambda payload: tcp.sendall(payload + b"\n")]
    attacked.sources = [Source(send, pack(mixed_lines(number, len(sends), 300, 50)))
                        for number, send in enumerate(sends)]
    return attacked


def survive(scene: Scene, attack: Callable[[Attacked], None]) -> Result:
    """Good clients before, during and after the attack, then a stop."""
    attacked = start(scene)
    with PacedSender(attacked.sources, GOOD_LINES_PER_S, GOOD_SECONDS_MAX) as sender:
        wait_until(lambda: sender.lines_sent() > 300, "lines before the attack")
        attack(attacked)
        after = sender.lines_sent() + 300
        wait_until(lambda: sender.lines_sent() > after, "lines after the attack")
        sender.stop()
    for source, listener in zip(attacked.sources, ("udp", "unix")):
        attacked.datagrams_sent[listener] += source.sent
    ledger = attacked.agent.stop(attacked.datagrams_sent)

    expect_equal("kernel drops", ledger.kernel_drops, 0)
    group = attacked.gateway.group("attacked")
    compared = expected(attacked.sources).compare(group)
    expect_equal("failed pushes", group.value("push_failure_time_seconds"), 0)
    return Result(ledger, group, f"{compared} values of the good clients exact")


def test_garbage(scene: Scene) -> str:
    """Random bytes, NULs, line feeds, nothing at all, and lines cut at every place."""
    chance = random.Random(SEED)
    line = b"cut:12.5:3|ms|@0.5|#a:b,c|T1|c:ci-1|e:x|card:low"
    payloads = [chance.randbytes(chance.randint(1, 1400)) for _ in range(500)]
    payloads += [line[:length] for length in range(len(line) + 1)]
    payloads += [bytes(1000), b"\n" * 1000, b"|" * 1000, b":" * 1000, b"_e{", b"_e{9,9}:a|b",
                 b"_e{99999999999999999999,1}:a|b", b"_sc|", b"_sc|x|9", b"\xff" * 1000]

    result = survive(scene, lambda attacked: attacked.send_udp(payloads))
    refused = sum(result.ledger.rejected.values())
    expect(refused > 500, f"most of it must be refused, got {result.ledger.rejected}")
    return f"{len(payloads)} datagrams, {refused} lines refused; {result.good}"


def test_huge_datagrams(scene: Scene) -> str:
    """As large as they can be: good lines, one line, NULs; and one that is larger than any
    over the Unix socket."""
    line = b"huge.good:1|c\n"
    good = line * (UDP_PAYLOAD_BYTES_MAX // len(line))
    many = 20

    def attack(attacked: Attacked) -> None:
        attacked.send_udp([good, b"x" * UDP_PAYLOAD_BYTES_MAX, bytes(UDP_PAYLOAD_BYTES_MAX)] * many)
        client = scene.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        client.sendto(b"truncated:1|c\n" * 7000, attacked.agent.path("unix"))
        attacked.datagrams_sent["unix"] += 1

    result = survive(scene, attack)
    total = many * (UDP_PAYLOAD_BYTES_MAX // len(line))
    expect_equal("huge.good", result.group.value("huge_good_total"), total)
    expect_equal("truncated datagrams", result.ledger.listeners["unix"]["truncated_datagrams"], 1)
    expect_equal("truncated lines", result.ledger.rejected["truncated"], 1)
    return f"{total} lines in {many} datagrams of {len(good)} bytes; {result.good}"


def send_stream(attacked: Attacked, listener: str, payload: bytes, step: int = 1 << 20,
                is_orderly: bool = True) -> None:
    """All bytes, `step` at a time, and the end: orderly, or with a reset."""
    client = attacked.connect(listener)
    for start_byte in range(0, len(payload), step):
        client.sendall(payload[start_byte:start_byte + step])
    if not is_orderly:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_half_lines(scene: Scene) -> str:
    """Streams that end within a line, orderly or not, come a byte at a time, or never come
    to the end of their line."""
    many = 3  # five connections each, which together stay below the cap of either shard
    # Twice what a connection buffers, and its neighbours in the same stream.
    too_long = b"whole:1|c\n" + b"y" * 131_072 + b"\nwhole:1|c\n"

    def attack(attacked: Attacked) -> None:
        for listener in ("tcp", "unix-stream"):
            for _ in range(many):
                send_stream(attacked, listener, b"whole:1|c\nlast:1|c")
                send_stream(attacked, listener, b"whole:1|c\nhalf:1|")
                send_stream(attacked, listener, b"bytewise:1|c\n", step=1)
                send_stream(attacked, listener, too_long)
                send_stream(attacked, listener, b"broken:1|c", is_orderly=False)

    result = survive(scene, attack)
    for name, wanted in {"whole": 8, "last": 2, "bytewise": 2}.items():
        expect_equal(name, result.group.value(f"{name}_total"), wanted * many)
    expect_equal("half lines", result.ledger.rejected["no_type"], 2 * many)
    expect_equal("lines beyond the buffer", result.ledger.rejected["too_long"], 2 * many)
    return f"{10 * many} streams, refused {result.ledger.rejected}; {result.good}"


def test_frames(scene: Scene) -> str:
    """Unix streams with DogStatsD's length before each packet: good ones, one that is longer
    than the buffer, and one that promises more than comes."""
    many = 10
    packet = b"framed:1|c\nframed:2|c"
    frame = struct.pack("<I", len(packet)) + packet
    too_long = struct.pack("<I", 100_000) + b"z" * 100_000
    promise = struct.pack("<I", 1000) + b"framed:4|c\nunfinished:1"

    def attack(attacked: Attacked) -> None:
        for _ in range(many):
            client = attacked.connect("unix-stream")
            client.sendall(frame + too_long + frame + promise)
            client.shutdown(socket.SHUT_WR)

    result = survive(scene, attack)
    expect_equal("framed", result.group.value("framed_total"), many * (3 + 3 + 4))
    expect_equal("refused lines", result.ledger.rejected, {"too_long": many, "truncated": many})
    return f"{many} streams of frames; {result.good}"


def is_closed(client: socket.socket) -> bool:
    """Whether the other side has closed; it never sends anything."""
    if not select.select([client], [], [], 0)[0]:
        return False
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_connection_flood(scene: Scene) -> str:
    """Five times the connections that are allowed: those over the cap are closed at once,
    and a place that is given back serves the next one."""
    flood = 5 * CONNECTIONS

    def attack(attacked: Attacked) -> None:
        clients = [attacked.connect("tcp") for _ in range(flood)]
        # One place has the good client. The cap is shared out between the shards, and the
        # kernel chooses the shard: each may have room left when the other one has none.
        wait_until(lambda: sum(is_closed(client) for client in clients) > flood - CONNECTIONS,
                   "the connections over the cap closed")
        for client in clients:
            client.close()
        wait_until(lambda: serves_again(attacked), "a connection served after the flood")

    result = survive(scene, attack)
    tcp = result.ledger.listeners["tcp"]
    expect(tcp["connections_refused_over_cap"] > flood - CONNECTIONS, f"refused: {tcp}")
    expect((result.group.value("after_total") or 0) > 0, "the late client's line must count")
    return (f"{flood} connections, {tcp['connections_refused_over_cap']} refused; "
            f"{result.good}")


def serves_again(attacked: Attacked) -> bool:
    """Whether a new client's line arrives."""
    client = attacked.connect("tcp")
    try:
        client.sendall(b"after:1|c\n")
    except OSError:
        return False  # refused
    finally:
        client.close()
    return (attacked.gateway.group("attacked").value("after_total") or 0) > 0


def drip(client: socket.socket) -> bool:
    """One more byte of a line that never ends; false, as the connection was still open."""
    with contextlib.suppress(OSError):  # it may be closed by now
        client.send(b"s")
    return False


def test_slow_loris(scene: Scene) -> str:
    """Connections that send a byte now and then and never a line: after the idle time they
    are closed, and what there is of their line is refused."""
    lorises = 10

    def attack(attacked: Attacked) -> None:
        clients = [attacked.connect("tcp") for _ in range(lorises)]

        wait_until(lambda: all([is_closed(client) or drip(client) for client in clients]),
                   "the slow connections closed")

    result = survive(scene, attack)
    closed = result.ledger.listeners["tcp"]["connections_closed_idle"]
    expect_equal("connections closed for being idle", closed, lorises)
    expect_equal("refused lines", result.ledger.rejected, {"truncated": lorises})
    return f"{lorises} connections closed; {result.good}"


def test_names_that_break_formats(scene: Scene) -> str:
    """Lines that are sound StatsD, with names and tags that would break a push or another
    series: the gateway takes every push, and what clashes is kept back and counted."""
    tags = ['__name__:x', 'job:x', 'instance:x', 'le:1', 'quantile:2', '1:digit', ':empty key',
            'q:"quoted"', 'b:back\\slash', 'bare', 'v:', 'u:é', 'x.y:1', 'x_y:2', 'é:1']
    lines = [f"odd:1|c|#{tag}" for tag in tags] + ["odd:1|c|#" + ",".join(tags)]
    lines += ['na"me{x="1"}:1|c', "# TYPE x counter:1|c", "9lives:1|c", "é:1|g", " :1|c",
              "\x01:1|g"]
    lines += ["clash.a:1|c", "clash-a:1|c", "kind:1|g", "kind:1|h", "parts:1|h", "parts_sum:1|g",
              "push_time_seconds:1|g", "parts_count:5|g"]

    result = survive(scene, lambda attacked: attacked.send_udp(["\n".join(lines).encode()] * 3))
    expect_equal("refused lines", result.ledger.rejected, {})
    lost = result.ledger.sinks["push"]["lost"]
    expect(set(lost) == {"name_clash"}, f"clashes must be the only losses, got {lost}")
    expect_equal("clash.a or clash-a", result.group.value("clash_a_total"), 3)
    return f"{len(lines)} odd lines, lost {lost}; {result.good}"


def test_series_explosion(scene: Scene) -> str:
    """A tag that is different each time: beyond the limit series become one, and the total
    stays what it is."""
    many = 5000
    lines = [f"explosion:1|c|#request:{number}" for number in range(many)]
    payloads = ["\n".join(lines[start:start + 40]).encode() for start in range(0, many, 40)]

    result = survive(scene, lambda attacked: attacked.send_udp(payloads))
    expect_equal("explosion over all series", result.group.sum("explosion_total"), many)
    alive = result.ledger.series["alive"]
    expect(alive < 1000, f"the limit must hold, got {alive} series")
    expect(result.ledger.limited.get("overflow_series", 0) > many / 2,
           f"most must have overflowed, got {result.ledger.limited}")
    return f"{many} tag sets, {alive} series; {result.good}"


if __name__ == "__main__":
    main(test_garbage, test_huge_datagrams, test_half_lines, test_frames, test_connection_flood,
         test_slow_loris, test_names_that_break_formats, test_series_explosion)
