#!/usr/bin/env python3
"""The README's commands, run as they stand there, and its outputs, compared.

Blocks marked `<!-- readme_test: NAME -->` are taken from README.md and pasted into bash.
They name fixed ports, so the test runs in a network namespace of its own, which has
nothing but a loopback interface; and in a temporary folder that looks like the root of the
project, so that files they write leave no trace. What differs by machine and time, the rate of
an interval's exact length, the name of the host and the time of an answer, is blanked before
comparing.

It uses the binary that packaging/quickstart builds, and builds it first if need be.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import loopback_only
from harness import wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCKS = ("start", "send", "console", "scrape", "scraped", "status", "prometheus", "query", "found",
          "influxdb", "select", "selected", "pushgateway", "ask", "answer", "rules", "rule_test",
          "rule_tested", "receiver", "alerting", "fail", "told", "why", "explain")
# What its package would bring, without what needs more rights than a test has.
INFLUXDB = """
reporting-disabled = true
bind-address = "127.0.0.1:8088"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:8086"
"""
PATIENCE_S = 600  # a first build on a busy machine; nothing waits longer than it must


def blocks_of_readme():
    """{name: text} of the marked blocks."""
    block = re.compile(r"<!-- readme_test: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return dict(block.findall(file.read()))


def until(what, condition):
    """Waits for a condition of another process, and fails by saying what did not come."""
    wait_until(condition, what, PATIENCE_S)


def answers(port):
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def comparable(line):
    """A line of output without what differs by machine and time."""
    for varying, kept in ((r"[\d.e-]+/s", "/s"), (r'instance="[^"]*"', 'instance=""'),
                          (r'"value":\[[\d.]+,', '"value":[,'), (r'"[\d-]+T[\d:.]+Z"', '""')):
        line = re.sub(varying, kept, line)
    return line.strip()


class Pasted:
    """A block pasted into a terminal of its own, in the foreground until stop()."""

    def __init__(self, command, folder, name):
        self.path = os.path.join(folder, name + ".out")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(["bash", "-c", command], cwd=folder, stdout=out,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                            start_new_session=True)

    def output(self):
        """What it has said so far."""
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def says(self, lines):
        """Whether each line is in the output, machine differences aside."""
        said = {comparable(line) for line in self.output().splitlines()}
        return all(comparable(line) in said for line in lines)

    def running(self):
        """False once it has ended."""
        return self.process.poll() is None

    def stop(self):
        """Ctrl-C; gives the exit code."""
        if self.running():
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=60)


class Readme(unittest.TestCase):
    def setUp(self):
        self.blocks = blocks_of_readme()
        self.folder = tempfile.mkdtemp(prefix="pitot-readme-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
        for name in ("packaging", "build"):
            os.symlink(os.path.join(ROOT, name), os.path.join(self.folder, name))

    def paste(self, name):
        """Pastes a block into a new terminal."""
        pasted = Pasted(self.blocks[name], self.folder, name)
        self.addCleanup(pasted.stop)
        return pasted

    def run_to_its_end(self, name):
        """The output of a block that ends by itself."""
        done = subprocess.run(["bash", "-c", self.blocks[name]], cwd=self.folder, text=True,
                              capture_output=True, check=False, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def paste_agent(self, name):
        """Pastes a block that starts the agent, and waits until it listens."""
        agent = self.paste(name)
        until(f"{name} listens", lambda: answers(8125) or not agent.running())
        self.assertTrue(agent.running(), agent.output())
        return agent

    def wait_for(self, agent, lines):
        """Waits until the agent has printed the lines."""
        until("\n".join(lines), lambda: agent.says(lines) or not agent.running())
        self.assertTrue(agent.says(lines), agent.output())

    def test_every_block_is_there(self):
        self.assertEqual(tuple(self.blocks), BLOCKS)

    def test_first_session(self):
        agent = self.paste_agent("start")
        self.run_to_its_end("send")
        self.wait_for(agent, self.blocks["console"].splitlines())
        # Quantiles are those of the last interval, which may be over by now.
        scraped = self.run_to_its_end("scrape").splitlines()
        for line in self.blocks["scraped"].splitlines():
            name = line.rsplit(" ", 1)[0]
            self.assertTrue(line in scraped or f"{name} NaN" in scraped, scraped)
        # A busy machine may be degraded, by a flush that is late.
        page = subprocess.run(["bash", "-c", self.blocks["status"]], cwd=self.folder, text=True,
                              capture_output=True, check=False, timeout=PATIENCE_S)
        self.assertIn(page.returncode, (0, 1), page.stdout + page.stderr)
        self.assertIn("since the start", page.stdout)
        self.assertEqual(agent.stop(), 0, agent.output())
        self.assertIn("page.load", self.run_to_its_end("explain"))

    def test_pushgateway(self):
        server = Pasted("exec prometheus-pushgateway", self.folder, "server")
        self.addCleanup(server.stop)
        until("the Pushgateway listens", lambda: answers(9091) or not server.running())
        self.assertTrue(server.running(), server.output())
        subprocess.run([os.path.join(ROOT, "packaging/quickstart"), "--no-run"], check=True)

        self.send_and_ask("pushgateway", "ask", "answer")

    def test_prometheus(self):
        agent = self.paste_agent("start")
        self.run_to_its_end("send")
        server = self.paste("prometheus")
        self.wait_for_answer("query", "found")
        self.assertTrue(server.running(), server.output())
        self.assertEqual(agent.stop(), 0, agent.output())

    def test_influxdb(self):
        with open(os.path.join(self.folder, "influxdb.conf"), "w", encoding="utf-8") as file:
            file.write(INFLUXDB.format(folder=self.folder))
        server = Pasted("exec influxd -config influxdb.conf", self.folder, "server")
        self.addCleanup(server.stop)
        until("InfluxDB listens", lambda: answers(8086) or not server.running())
        self.assertTrue(server.running(), server.output())
        subprocess.run([os.path.join(ROOT, "packaging/quickstart"), "--no-run"], check=True)
        self.send_and_ask("influxdb", "select", "selected")

    def send_and_ask(self, start, ask, answer):
        """Pastes the agent, sends the lines, and asks until the answer is there."""
        agent = self.paste_agent(start)
        self.run_to_its_end("send")
        self.wait_for_answer(ask, answer)
        self.assertEqual(agent.stop(), 0, agent.output())

    def wait_for_answer(self, ask, answer):
        """Pastes a question until all lines of the answer come."""
        expected = [comparable(line) for line in self.blocks[answer].splitlines()]

        def answered():
            asked = subprocess.run(["bash", "-c", self.blocks[ask]], text=True,
                                   capture_output=True, check=False).stdout
            return set(expected) <= {comparable(line) for line in asked.splitlines()}

        until("\n".join(expected), answered)

    def test_alerts(self):
        subprocess.run([os.path.join(ROOT, "packaging/quickstart"), "--no-run"], check=True)
        self.run_to_its_end("rules")
        self.assertEqual(self.run_to_its_end("rule_test"), self.blocks["rule_tested"])

        receiver = self.paste("receiver")
        until("the receiver listens", lambda: answers(9000) or not receiver.running())
        self.assertTrue(receiver.running(), receiver.output())
        agent = self.paste_agent("alerting")
        self.run_to_its_end("fail")
        firing, resolved = self.blocks["told"].splitlines()
        self.wait_for(receiver, [firing])
        self.assertIn("increase(checkout.failed[30s])", self.run_to_its_end("why"))
        self.wait_for(receiver, [firing, resolved])
        self.assertEqual(receiver.output().splitlines(), [firing, resolved])
        self.assertEqual(agent.stop(), 0, agent.output())


if __name__ == "__main__":
    loopback_only.enter()
    unittest.main()
