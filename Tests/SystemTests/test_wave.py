"""A whole wave of a smaller scenario through a system of its own, with processes killed in the middle: the figures are
the same as without."""

from __future__ import annotations

import os
import re
import subprocess
import unittest

from driver.instance import REPOSITORY

EVENTS = "2000"
SECONDS_MAX = 420


class WholeWave(unittest.TestCase):
    def run_wave(self, kill: str | None) -> None:
        directory = REPOSITORY / ".local" / f"test-wave-{kill or 'calm'}"
        environment = {name: value for name, value in os.environ.items() if name not in ("KILL", "KEEP", "EVENTS")}
        environment |= {"EVENTS": EVENTS} | ({"KILL": kill} if kill else {})
        result = subprocess.run([str(REPOSITORY / "deploy" / "local" / "demo.sh"), str(directory)], env=environment,
                                capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        last = result.stdout.rstrip().rpartition("\n")[2]
        report = f"{result.stdout[-4000:]}\n{result.stderr[-2000:]}"
        self.assertEqual(result.returncode, 0, report)
        self.assertRegex(last, rf"^demo: ok, {EVENTS} events, \d+ responses, 0 lost, 0 doubled$", report)
        self.assertEqual(kill is not None, re.search(r"was killed with -9", result.stdout) is not None)

    def test_funding_killed_in_the_middle_changes_no_figure(self) -> None:
        self.run_wave("funding")

    def test_rabbitmq_killed_in_the_middle_changes_no_figure(self) -> None:
        self.run_wave("rabbitmq")

    def test_feedback_killed_in_the_middle_changes_no_figure(self) -> None:
        self.run_wave("feedback")
