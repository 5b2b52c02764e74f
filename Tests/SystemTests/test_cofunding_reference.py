"""The co-funding cases that the rules are tested against are what the reference writes, and cover what they should."""

from __future__ import annotations

import subprocess
import sys
import unittest
from collections import Counter

from driver.instance import REPOSITORY

COFUNDING = REPOSITORY / "Tests" / "Resources" / "cofunding"


class CofundingReference(unittest.TestCase):
    lines: list[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.lines = (COFUNDING / "cases-2026.txt").read_text(encoding="utf-8").splitlines()

    def test_the_reference_writes_it_byte_for_byte(self) -> None:
        result = subprocess.run([sys.executable, str(COFUNDING / "reference.py"), "--check"], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_it_holds_ten_thousand_grants_of_all_kinds(self) -> None:
        kinds = Counter(line[0] for line in self.lines)
        self.assertEqual(kinds, {"x": 7_000, "a": 2_000, "c": 1_000, "s": 1_000, "k": 1_000})

    def test_every_rule_binds_often_enough_to_be_seen(self) -> None:
        singles = Counter(line.split(" = ")[1].split()[1] for line in self.lines
                          if line[0] in "xa" and not line.endswith("!"))
        partners = Counter(share.split(",")[1] for line in self.lines if line[0] == "c" and not line.endswith("!")
                           for share in line.split(" = ")[1].split()[2:])
        grounds = Counter(line[-1] for line in self.lines if line[0] == "k")
        for rules, letters in ((singles, "rcsq"), (partners, "sbqj"), (grounds, "ur-")):
            for letter in letters:
                self.assertGreater(rules[letter], 100, letter)

    def test_every_cell_of_the_intensities_is_met(self) -> None:
        cells = Counter(word[1:4] for line in self.lines if line[0] in "xa" for word in [line.split()[7]]
                        if word[0] == "g")
        self.assertEqual(len(cells), 4 * 3 * 2)
        self.assertGreater(min(cells.values()), 50)


if __name__ == "__main__":
    unittest.main()
