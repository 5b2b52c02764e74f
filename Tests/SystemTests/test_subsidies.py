"""The file of the subsidies' essential data, read by Python's own csv module and held against the published schema.

The services' tests compare the same file with what they write, byte for byte (SubsidyCSVTests.swift), so what holds for
it here holds for what they publish. Nothing is taken from them: the schema is the one of schema.data.gouv.fr.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unittest
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_DOWN, Decimal

from driver.instance import REPOSITORY

SUBSIDIES = REPOSITORY / "Tests" / "Resources" / "subsidies"
LA_POSTE = "356000000"
Row = dict[str, str]


def luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


def is_siret(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{14}", text) or not luhn(text[:9]):
        return False
    return luhn(text) or (text.startswith(LA_POSTE) and sum(map(int, text)) % 5 == 0)


def breaches(field: dict, text: str) -> Iterator[str]:
    """What the schema's field says against the text."""
    constraints = field.get("constraints", {})
    if text == "":
        if constraints.get("required"):
            yield "is missing"
        return
    if "pattern" in constraints and not re.search(constraints["pattern"], text, re.ASCII):
        yield "does not match the pattern"
    if "enum" in constraints and text not in constraints["enum"]:
        yield "is none of the values"
    if len(text) > constraints.get("maxLength", len(text)):
        yield "is too long"
    match field["type"]:
        case "date":
            if date.fromisoformat(text).isoformat() != text:
                yield "is no date"
        case "boolean":
            if text not in field["trueValues"] + field["falseValues"]:
                yield "is neither yes nor no"
        case "number":
            number = Decimal(text)
            if not constraints.get("minimum", number) <= number <= constraints.get("maximum", number):
                yield "is outside its limits"


class Subsidies(unittest.TestCase):
    schema: dict
    text: str
    rows: list[Row]

    @classmethod
    def setUpClass(cls) -> None:
        cls.schema = json.loads((SUBSIDIES / "schema.json").read_text(encoding="utf-8"))
        cls.text = (SUBSIDIES / "subsidies-2026.csv").read_bytes().decode("utf-8")
        cls.rows = list(csv.DictReader(io.StringIO(cls.text, newline=""), strict=True))

    def agreements(self) -> dict[str, list[Row]]:
        agreements: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            agreements[row["referenceDecision"]].append(row)
        return agreements

    def test_its_columns_are_those_of_the_schema_in_their_order(self) -> None:
        header = self.text.split("\n", 1)[0]
        self.assertEqual(header.split(","), [field["name"] for field in self.schema["fields"]])
        self.assertEqual(len(self.schema["fields"]), 14)

    def test_every_value_is_what_the_schema_allows(self) -> None:
        self.assertGreater(len(self.rows), 100)
        for number, row in enumerate(self.rows, start=2):
            self.assertEqual(len(row), 14, number)
            for field in self.schema["fields"]:
                found = list(breaches(field, row[field["name"]]))
                self.assertEqual(found, [], f"line {number}, {field['name']}: {row[field['name']]!r}")

    def test_the_schema_is_held_against_them(self) -> None:
        fields = {field["name"]: field for field in self.schema["fields"]}
        for name, text in (("objet", "x" * 257), ("nature", "aide"), ("montant", ""), ("pourcentageSubvention", "1.1"),
                           ("idAttribuant", "1800200260001"), ("notificationUE", "Non"),
                           ("datesPeriodeVersement", "2026-01-01_2026-02-01")):
            self.assertEqual(len(list(breaches(fields[name], text))), 1, name)

    def test_every_number_of_an_establishment_is_one(self) -> None:
        for row in self.rows:
            self.assertTrue(is_siret(row["idAttribuant"]), row)
            self.assertTrue(is_siret(row["idBeneficiaire"]), row)
        self.assertTrue(is_siret("35600000009075"))
        self.assertFalse(is_siret("73282932000079"))

    def test_python_would_write_the_same_bytes(self) -> None:
        written = io.StringIO(newline="")
        writer = csv.DictWriter(written, [field["name"] for field in self.schema["fields"]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        self.assertEqual(written.getvalue(), self.text)
        self.assertFalse(self.text.startswith("\N{BYTE ORDER MARK}"))
        self.assertTrue(self.text.endswith("\n"))

    def test_a_part_is_the_row_over_the_agreement_rounded_down(self) -> None:
        unit = Decimal("0.0000000001")
        for reference, rows in self.agreements().items():
            total = sum(Decimal(row["montant"]) for row in rows)
            for row in rows:
                part = (Decimal(row["montant"]) / total).quantize(unit, ROUND_DOWN)
                self.assertEqual(Decimal(row["pourcentageSubvention"]), part, reference)
            self.assertLessEqual(sum(Decimal(row["pourcentageSubvention"]) for row in rows), 1, reference)

    def test_the_rows_of_an_agreement_tell_the_same_of_it(self) -> None:
        agreements = self.agreements()
        self.assertEqual(len(agreements), 60)
        self.assertGreater(max(map(len, agreements.values())), 2)
        for rows in agreements.values():
            for column in ("nomAttribuant", "idAttribuant", "dateConvention", "objet"):
                self.assertEqual(len({row[column] for row in rows}), 1, column)
            self.assertEqual(len({row["idBeneficiaire"] for row in rows}), len(rows))

    def test_periods_do_not_end_before_they_begin(self) -> None:
        for row in self.rows:
            first, _, last = row["datesPeriodeVersement"].partition("/")
            days = [date.fromisoformat(day) for day in (first, last or first)]
            self.assertEqual(days, sorted(days))
            self.assertTrue(last or row["conditionsVersement"] != "échelonné", row)

    def test_no_cell_begins_like_a_formula_whatever_the_separator(self) -> None:
        for separator in ",;\t":
            for line in csv.reader(io.StringIO(self.text, newline=""), delimiter=separator):
                for cell in line:
                    self.assertNotRegex(cell, r"\A[\s\"']*[=+\-@＝＋－＠]")


if __name__ == "__main__":
    unittest.main()
