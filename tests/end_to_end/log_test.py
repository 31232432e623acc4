#!/usr/bin/env python3
"""What the agent says, as machines and operators read it: each line of its log is valid
while hostile clients send, standard error has the journal's form where it leads there, and
a log file that is moved away loses no line.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness import (DEADLINE_S, Agent, Scene, binary, expect, expect_equal, main, toml,
                     wait_until)

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LEVELS = {"trace", "debug", "info", "warn", "error"}

# Lines that are refused, each for a reason of its own as far as there is one, so that the
# report quotes many of them.
HOSTILE = [
    b'" level=error message="forged:1|c|@x',
    b'","level":"error","message":"forged:x|c',
    b"\x1b[2J\x1b]0;title\x07:x|c",
    b"nul\0inside:1",
    b"\xff\xfe\xc0\x80:1|c",
    "right to left \u202e\u2066 line \u2028:1|q".encode(),
    b"backslash\\:1|c|@2\\",
    b"\r<3>emergency:|c",
    b":1|c",
    b"x" * 5000 + b":1|z",
    b"_e{9,9}:short|",
    b"_sc|name|9",
]


def read_logfmt(line: str) -> dict[str, str]:
    """Strictly: one blank between pairs, bare values or quoted ones, no key twice."""
    fields: dict[str, str] = {}
    rest = line
    while rest:
        found = re.match(r'([a-z_]+)=(?:"((?:[^"\\]|\\["\\])*)"|([^\s"=]+))(?: (?=.)|$)', rest)
        assert found, f"not logfmt: {line!r}"
        expect(found[1] not in fields, f"twice: {line!r}")
        value = found[3] if found[2] is None else re.sub(r'\\(["\\])', r"\1", found[2])
        fields[found[1]] = value
        rest = rest[found.end():]
    return fields


def read_json(line: str) -> dict[str, str]:
    """One object, no key twice."""
    def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
        expect_equal("keys", len({key for key, _ in pairs}), len(pairs))
        return dict(pairs)
    fields = json.loads(line, object_pairs_hook=once)
    expect(isinstance(fields, dict), f"no object: {line!r}")
    return fields


def check_fields(fields: dict[str, str]) -> None:
    """What every line has, and nothing that a terminal would obey."""
    expect(set(fields) <= {"time", "level", "part", "message", "count", "within_s", "last_s"},
           f"fields: {fields}")
    expect(TIME.fullmatch(fields["time"]), f"time: {fields}")
    expect(fields["level"] in LEVELS, f"level: {fields}")
    expect(fields["message"].isprintable(), f"message: {fields['message']!r}")


def lines_of(log: Path) -> list[str]:
    """Whole lines of UTF-8."""
    text = log.read_bytes().decode()
    expect(not text or text.endswith("\n"), "the last line must be whole")
    return text.split("\n")[:-1]


def settings(**log: str) -> dict[str, object]:
    """Flushes come often, so that what is refused is reported soon; a stop does not wait for the
    destination, where nobody is."""
    return {"interval": "100ms", "shutdown_deadline": "500ms", "log": log,
            "listeners": {"apps": {"type": "udp", "address": "127.0.0.1:0"},
                          "streams": {"type": "tcp", "address": "127.0.0.1:0"}},
            "sinks": {"away": {"type": "pushgateway", "url": "http://127.0.0.1:9"}}}


def send_hostile(scene: Scene, agent: Agent) -> None:
    """Each line as a datagram and in a stream."""
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(agent.address("apps"))
    stream = scene.socket(socket.AF_INET, socket.SOCK_STREAM)
    stream.connect(agent.address("streams"))
    for _ in range(3):
        for line in HOSTILE:
            client.send(line)
            stream.sendall(line + b"\n")
    stream.close()


def valid_under_fire(scene: Scene, form: str, read: Callable[[str], dict[str, str]]) -> int:
    """Lines of the log, each read back."""
    agent = scene.agent(settings(format=form, level="trace"))
    send_hostile(scene, agent)
    wait_until(lambda: "refused" in agent.said() and "127.0.0.1:9" in agent.said(),
               "a report of refused lines, and of the sink")
    ledger = agent.stop()
    expect(len(ledger.rejected) > 3 and ledger.accepted == 0, f"refused: {ledger.rejected}")
    records = [read(line) for line in lines_of(agent.log)]
    for fields in records:
        check_fields(fields)
    reports = [each for each in records if each["message"].startswith("refused ")]
    expect(any("forged" in each["message"] for each in reports), "hostile lines must be quoted")
    expect(all(each["part"] == "intake" and each["level"] == "warn" for each in reports),
           f"the reports: {reports}")
    expect(any(each.get("part") == "sinks.away" for each in records), "the sink is a part")
    return len(records)


def test_logfmt(scene: Scene) -> str:
    """The default where standard error is a file."""
    return f"{valid_under_fire(scene, 'auto', read_logfmt)} lines of logfmt, each read back"


def test_json(scene: Scene) -> str:
    """One object a line."""
    return f"{valid_under_fire(scene, 'json', read_json)} lines of JSON, each read back"


def test_journal(scene: Scene) -> str:
    """Where JOURNAL_STREAM names the device and inode of standard error, and only there."""
    # The next agent's log exists before it does: its inode is known.
    log = scene.folder / "agent1.log"
    log.touch()
    status = os.stat(log)
    agent = scene.agent(settings(), {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
    expect_equal("its log", agent.log, log)
    wait_until(lambda: "127.0.0.1:9" in agent.said(), "a word about the sink")
    agent.stop()
    lines = lines_of(log)
    for line in lines:
        expect(re.match(r"<[3-7]>\S", line), f"must begin with a level and the message: {line!r}")
    expect(any(re.match(r"<4>sinks\.away: ", line) for line in lines), "the sink's is a warning")
    other = scene.agent(settings(), {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
    other.stop()
    for line in lines_of(other.log):
        check_fields(read_logfmt(line))
    return f"{len(lines)} lines with levels; logfmt where standard error is another file"


def test_rotation(scene: Scene) -> str:
    """The log is moved and SIGHUP sent, again and again, while the agent logs: what was
    refused adds up over all files."""
    log = scene.folder / "pitot.log"
    agent = scene.agent({**settings(file=str(log), format="json"), "interval": "1s"})
    client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(agent.address("apps"))
    rounds = 5
    for number in range(rounds):
        client.send(HOSTILE[number])
        log.rename(scene.folder / f"pitot.log.{number}")
        agent.process.send_signal(signal.SIGHUP)
        wait_until(log.exists, "a new file")
    ledger = agent.stop()
    expect_equal("standard error", agent.said(), "")
    files = [*(scene.folder / f"pitot.log.{number}" for number in range(rounds)), log]
    records = [read_json(line) for file in files for line in lines_of(file)]
    for fields in records:
        check_fields(fields)
    told = [each["message"] for each in records]
    expect_equal("messages of a start", sum(text.startswith("pitot ") for text in told), 1)
    # The first is told at once, the others when they are due or at the end.
    reopened = sum(int(each.get("count", 1)) for each in records
                   if each["message"].startswith("reopened"))
    expect_equal("messages that it was reopened", reopened, rounds)
    expect(told[-1].startswith("stopped after") or "lost" in told[-1], f"the end: {told[-1]}")
    refused = [int(found[1]) for text in told if (found := re.match(r"refused (\d+)", text))]
    expect(0 < sum(refused) <= sum(ledger.rejected.values()), f"refused: {refused}")
    return f"{len(records)} lines in {len(files)} files"


def test_nothing_to_reopen(scene: Scene) -> str:
    """SIGHUP without a file ends nothing, and says what it does not do."""
    agent = scene.agent(settings())
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "nothing to reopen on SIGHUP" in agent.said(), "a word about SIGHUP")
    agent.stop()
    return "told, and goes on"


def starts(scene: Scene, **log: str) -> subprocess.CompletedProcess[str]:
    """An agent that must not start."""
    config = scene.folder / "wrong.toml"
    config.write_text(toml(settings(**log)) + "\n")
    return subprocess.run([str(binary()), "run", "--config", str(config)], capture_output=True,
                          text=True, timeout=DEADLINE_S, check=False)


def test_wrong_settings(scene: Scene) -> str:
    """A file that cannot be opened is a failure (1), a wrong word is one of the
    configuration (78); both are told on standard error."""
    missing = starts(scene, file=str(scene.folder / "none" / "pitot.log"))
    expect_equal("exit code", missing.returncode, 1)
    fields = read_logfmt(missing.stderr.rstrip("\n"))
    expect_equal("its part and level", (fields["part"], fields["level"]), ("log", "error"))
    expect("must exist: create it" in fields["message"], f"a remedy: {fields}")
    wrong = starts(scene, format="xml", level="loud")
    expect_equal("exit code", wrong.returncode, 78)
    for key in ("log.format: must be one of", "log.level: must be one of"):
        expect(key in wrong.stderr, f"must say {key!r}, got {wrong.stderr}")
    return "1 and 78, both with a remedy"


def test_start_error_with_a_file(scene: Scene) -> str:
    """Who starts the agent sees why it does not start, whatever file the log goes to."""
    held = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
    held.bind(("127.0.0.1", 0))
    taken = settings(file=str(scene.folder / "pitot.log"), format="logfmt")
    taken["listeners"] = {"apps": {"type": "udp",
                                   "address": f"127.0.0.1:{held.getsockname()[1]}"}}
    config = scene.folder / "taken.toml"
    config.write_text(toml(taken) + "\n")
    done = subprocess.run([str(binary()), "run", "--config", str(config)], capture_output=True,
                          text=True, timeout=DEADLINE_S, check=False)
    expect_equal("exit code", done.returncode, 1)
    expect("address already in use" in done.stderr, f"standard error: {done.stderr!r}")
    expect_equal("the file", (scene.folder / "pitot.log").read_text(), done.stderr)
    return "told on standard error and in the file"


def test_where_sinks_send(scene: Scene) -> str:
    """At the start each sink is told of once: where it sends to, or where its page is."""
    wanted: dict[str, object] = settings(format="json")
    wanted["http"] = {"address": "127.0.0.1:0"}
    wanted["sinks"] = {
        "away": {"type": "pushgateway", "url": "http://127.0.0.1:9"},
        "lines": {"type": "influxdb", "url": "udp://127.0.0.1:9"},
        "page": {"type": "prometheus"},
        "seen": {"type": "console"}}
    agent = scene.agent(wanted)
    agent.stop()
    told: dict[str, list[str]] = {}
    for line in lines_of(agent.log):
        # The console sink prints there too.
        fields = read_json(line) if '"message":' in line else {}
        part = fields.get("part", "")
        if part.startswith("sinks.") and fields["level"] == "info":
            told.setdefault(part.removeprefix("sinks."), []).append(fields["message"])
    page = told.pop("page")[0]
    expect(re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", page), f"the page is at {page}")
    expect_equal("where sinks send", {name: words[0] for name, words in told.items()},
                 {"away": "pushgateway: http://127.0.0.1:9", "lines": "influxdb: udp://127.0.0.1:9",
                  "seen": "console"})
    return f"{len(told) + 1} sinks"


if __name__ == "__main__":
    main(test_logfmt, test_json, test_journal, test_rotation, test_nothing_to_reopen,
         test_wrong_settings, test_start_error_with_a_file, test_where_sinks_send)
