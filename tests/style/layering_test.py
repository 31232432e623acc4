#!/usr/bin/env python3
"""layering.py refuses what it must: a row for each rule, in a tree made for it."""

import os
import sys
import tempfile
import unittest

import layering

# file, its include, part of the finding (None: allowed)
ROWS = [
    ("protocol/a.h", "<vector>", None),
    ("protocol/a.h", "<cstdint>", None),
    ("protocol/a.h", '"protocol/b.h"', None),
    ("protocol/a.h", "<stdint.h>", "standard library only"),
    ("protocol/a.h", "<sys/socket.h>", "standard library only"),
    ("protocol/deep/a.cpp", "<boost/asio.hpp>", "standard library only"),
    ("protocol/a.h", "<fmt/format.h>", "standard library only"),
    ("protocol/a.h", "<no_such_header>", "standard library only"),
    ("protocol/a.cpp", '"sinks/sink.h"', "protocol/ must include protocol/ only"),
    ("protocol/a.cpp", '"agent/clock.h"', "protocol/ must include protocol/ only"),
    ("protocol/a.cpp", '  #  include "agent/clock.h"', "protocol/ must include protocol/ only"),
    ("sinks/a.cpp", '"protocol/b.h"', None),
    ("sinks/a.cpp", "<boost/asio.hpp>", None),
    ("sinks/a.cpp", '"agent/clock.h"', "sinks/ must include protocol/, sinks/ only"),
    ("sinks/console/a.cpp", '"sinks/console/b.h"', None),
    ("sinks/console/a.cpp", '"sinks/http/client.h"', None),
    ("sinks/console/a.cpp", '"sinks/sink.h"', None),
    ("sinks/console/a.cpp", '"sinks/influxdb/b.h"', "another destination"),
    ("sinks/console/a.cpp", '"sinks/prometheus/names.h"', None),
    ("sinks/console/a.cpp", '"sinks/net/look_up.h"', None),
    ("sinks/delivery/a.cpp", '"sinks/console/b.h"', "another destination"),
    ("sinks/registry.cpp", '"sinks/console/sink.h"', None),
    ("sinks/registry.h", '"sinks/console/sink.h"', "another destination"),
    ("agent/a.cpp", '"sinks/console/sink.h"', None),
    ("agent/alerts/trial/a.h", '"agent/cli/b.h"', "must not include the commands"),
    ("agent/alerts/a.h", '"agent/flush/b.h"', None),
    ("agent/cli/a.h", '"agent/alerts/b.h"', None),
    ("agent/a.cpp", '"tests/support/x.h"', "agent/ must include"),
    ("agent/a.cpp", '"clock.h"', "by their path from the root"),
    ("agent/a.cpp", "<protocol/b.h>", 'included as "protocol/b.h"'),
    ("tests/a.cpp", '"agent/clock.h"', None),
]


class Layering(unittest.TestCase):
    def findings_of(self, path, include):
        line = include if "#" in include else f"#include {include}"
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, os.path.dirname(path)))
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(f"// Essay.\n#pragma once\n{line}\n")
            return layering.check(root)

    def test_rows(self):
        for path, include, expected in ROWS:
            with self.subTest(path=path, include=include):
                findings = self.findings_of(path, include)
                if expected is None:
                    self.assertEqual(findings, [])
                else:
                    self.assertEqual([(f[0], f[1]) for f in findings], [(path, 3)])
                    self.assertIn(expected, findings[0][2])


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
