"""The scenario file and its arithmetic, against published examples."""

from __future__ import annotations

import json
import subprocess
import sys
import unittest
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from driver.instance import REPOSITORY
from expected import sus_score, two_places
from feedback_stream import ON_ANSWERED, PUBLISHED_AT_S, FeedbackStream, Place, render

SCENARIOS = REPOSITORY / "Tests" / "Resources" / "scenarios"


class ScenarioFile(unittest.TestCase):
    scenario: dict[str, Any]
    stream: FeedbackStream

    @classmethod
    def setUpClass(cls) -> None:
        cls.scenario = json.loads((SCENARIOS / "wave-1.json").read_text(encoding="utf-8"))
        cls.stream = FeedbackStream(cls.scenario)

    def test_the_generator_writes_it_byte_for_byte(self) -> None:
        result = subprocess.run([sys.executable, str(SCENARIOS / "generate.py"), "--check"], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_every_fact_names_its_source(self) -> None:
        for fact in self.scenario["facts"]:
            self.assertIn(fact["source"], self.scenario["sources"], fact)

    def test_it_holds_20000_messages_of_which_one_in_a_hundred_is_wrong_on_purpose(self) -> None:
        messages = [a for week in range(1, self.stream.weeks + 1) for line in self.stream.week(week).values()
                    for a in line]
        self.assertEqual(len(messages), 20_000)
        self.assertEqual(sum(1 for a in messages if a.deviation), 200)

    def test_every_identity_is_used_once_but_for_repetitions_and_conflicts(self) -> None:
        counts = Counter(a.identity for a in [*self.stream.responses(), *self.stream.deviations()])
        repeated = {a.identity for a in self.stream.deviations() if a.deviation in ("duplicate", "identity-conflict")}
        self.assertEqual({identity for identity, count in counts.items() if count > 1}, repeated)

    def test_nonsense_never_hits_a_cell_that_was_answered(self) -> None:
        answered = {(a.experiment, a.participant, a.instrument, a.week) for a in self.stream.responses()}
        for answer in self.stream.deviations():
            if answer.deviation not in ON_ANSWERED:
                cell = (answer.experiment, answer.participant, answer.instrument, answer.week)
                self.assertNotIn(cell, answered, answer)

    def test_what_refers_to_a_message_comes_after_it(self) -> None:
        for week in range(1, self.stream.weeks + 1):
            for line in self.stream.week(week).values():
                seen: set[str] = set()
                for answer in line:
                    if answer.follows is not None:
                        self.assertIn(answer.follows, seen)
                    seen.add(answer.identity)

    def test_what_counts_was_answered_before_it_is_published(self) -> None:
        for answer in [*self.stream.responses(), *self.stream.deviations()]:
            published = (answer.week - 1) * 7 * 86_400 + PUBLISHED_AT_S
            self.assertEqual(answer.offset_s <= published, answer.deviation != "in-the-future", answer)

    def test_every_message_is_marked_as_synthetic(self) -> None:
        places = {e["key"]: Place("e", datetime(2023, 4, 3, tzinfo=UTC), ("P",) * e["participants"])
                  for e in self.scenario["experiments"]}
        for answer in self.stream.responses()[::500]:
            self.assertIs(json.loads(render(answer, places))["synthetic"], True)


class Arithmetic(unittest.TestCase):
    def test_sus_follows_the_published_examples(self) -> None:
        for levels, score in (((5, 1) * 5, 100), ((1, 5) * 5, 0), ((3,) * 10, 50), ((5,) * 10, 50), ((4, 2) * 5, 75),
                              ((None,) * 10, 50)):
            self.assertEqual(sus_score(levels), score)

    def test_a_mean_is_rounded_half_away_from_zero(self) -> None:
        for value, text in ((Fraction(1925, 24), "80.21"), (Fraction(1, 200), "0.01"), (Fraction(-1, 200), "-0.01"),
                            (Fraction(0), "0.00"), (Fraction(-1, 1000), "0.00"), (Fraction(100), "100.00")):
            self.assertEqual(two_places(value), text)
