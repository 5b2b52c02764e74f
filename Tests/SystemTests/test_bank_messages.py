"""What is written for a bank is valid by the schema of ISO 20022, and its sums are those of its payments."""

from __future__ import annotations

import importlib.util
import unittest
from decimal import Decimal
from pathlib import Path

from driver.instance import REPOSITORY
from pages import packages

packages.use(Path(__file__).parent / "bank" / "requirements.txt")

from lxml import etree  # noqa: E402  after the packages can be found

MESSAGE = REPOSITORY / "Tests" / "Resources" / "bank" / "pain001.xml"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"


def schema() -> etree.XMLSchema:
    found = importlib.util.find_spec("sepaxml")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("sepaxml is not installed")
    return etree.XMLSchema(etree.parse(Path(found.submodule_search_locations[0]) / "schemas" / "pain.001.001.09.xsd"))


class PaymentInitiation(unittest.TestCase):
    def setUp(self) -> None:
        self.message = etree.parse(MESSAGE)

    def texts(self, path: str) -> list[str]:
        return [str(text) for text in self.message.xpath(f"{path}/text()", namespaces={"i": NAMESPACE})]

    def test_the_schema_takes_it(self) -> None:
        schema().assertValid(self.message)

    def test_the_schema_is_the_one_that_is_asked(self) -> None:
        amount = self.message.find(f".//{{{NAMESPACE}}}InstdAmt")
        amount.text = "1.234567"
        self.assertFalse(schema().validate(self.message))

    def test_counts_and_sums_are_those_of_its_payments(self) -> None:
        amounts = [Decimal(text) for text in self.texts("//i:InstdAmt")]
        self.assertEqual(self.texts("//i:NbOfTxs"), [str(len(amounts))] * 2)
        self.assertEqual([Decimal(text) for text in self.texts("//i:CtrlSum")], [sum(amounts)] * 2)

    def test_accounts_have_the_check_digits_of_their_numbers(self) -> None:
        numbers = self.texts("//i:IBAN")
        self.assertEqual(len(numbers), 4)
        for number in numbers:
            digits = "".join(str(int(character, 36)) for character in number[4:] + number[:4])
            self.assertEqual(int(digits) % 97, 1, number)


if __name__ == "__main__":
    unittest.main()
