"""Files of answers over HTTP: judged first, then taken in like any event, also by a service that is killed meanwhile."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from driver.http_api import Answer
from driver.instance import REPOSITORY
from driver.waiting import until
from pages.experiment import Experiment
from running_system import RunningSystem

EXAMPLES = REPOSITORY / "docs" / "publishing" / "import"
FINESS, OTHER, UNKNOWN = "750712184", "690781810", "590780193"
HEADINGS = ["FINESS", "CODE", "DATE", *(f"Q{n}" for n in range(1, 11)), "REMARQUE"]
PEOPLE = 1_700
CSV_UTF8 = "text/csv; charset=utf-8"


class Imports(RunningSystem):
    experiment: Experiment

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.experiment = Experiment(cls.instance, cls.api)
        cls.experiment.open(PEOPLE)
        cls.codes = list(cls.experiment.participants)
        cls.random = random.Random(20_261_122)

    def setUp(self) -> None:
        self.name = f"t-{secrets.token_hex(6)}"
        terms = {"publisher": self.name, "organisation": "Essai", "contact": "personne@example", "queueBytes": 65536}
        self.api.call(self.operator, "feedback", "POST", "/v1/publishers", terms)
        path = f"/v1/publishers/{self.name}"
        self.addCleanup(lambda: self.api.call(
            self.operator, "feedback", "POST", f"{path}/suspension", {"reason": "end of test"}))
        self.credential = self.api.call(self.operator, "feedback", "POST", f"{path}/credentials", {}).body
        mapping = {
            "finess": "FINESS",
            "establishments": [{"finess": number, "experiments": [self.experiment.id]} for number in (FINESS, OTHER)],
            "participant": {"column": "CODE"}, "occasion": {"value": "M1"}, "instrument": {"value": "SUS"},
            "instrumentVersion": {"value": "F-SUS-2021"}, "answeredAt": {"column": "DATE", "format": "dd/MM/yyyy"},
            "items": [{"column": f"Q{n}", "linkId": f"sus-{n}"} for n in range(1, 11)], "comment": "REMARQUE"}
        self.assertEqual(self.send("PUT", "/v1/import-mappings/sus", mapping).status, 201)

    # MARK: Helpers

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Answer:
        pair = base64.b64encode(f"{self.credential['user']}:{self.credential['password']}".encode()).decode()
        return self.api.exchange(None, "feedback", method, path, body,
                                 headers={"Content-Type": content_type, "Authorization": f"Basic {pair}"})

    def upload(self, content: bytes, content_type: str = CSV_UTF8) -> str:
        answer = self.send("POST", "/v1/imports?mapping=sus", content, content_type)
        self.assertEqual(answer.status, 201, answer.body)
        until("the preview is ready", lambda: self.view(answer.body["id"])["state"] != "previewing" or None)
        return str(answer.body["id"])

    def view(self, identity: str) -> dict[str, Any]:
        return dict(self.send("GET", f"/v1/imports/{identity}").body)

    def begin_commit(self, identity: str) -> None:
        self.assertEqual(self.send("POST", f"/v1/imports/{identity}/commit").status, 202)

    def committed(self, identity: str) -> dict[str, Any]:
        until("it is committed", lambda: self.view(identity)["state"] == "committed" or None)
        return self.view(identity)

    def row(self, code: str, **changes: str) -> list[str]:
        day = (datetime.now(UTC) - timedelta(days=5)).strftime("%d/%m/%Y")
        cells = {"FINESS": FINESS, "CODE": code, "DATE": day, "REMARQUE": ""}
        cells |= {f"Q{n}": str(self.random.randint(1, 5)) for n in range(1, 11)} | changes
        return [cells[name] for name in HEADINGS]

    @staticmethod
    def text(rows: list[list[str]], delimiter: str = ";") -> bytes:
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=delimiter).writerows([HEADINGS, *rows])
        return stream.getvalue().encode()

    def whole(self) -> tuple[bytes, dict[str, int], dict[str, int]]:
        """2,000 lines, what becomes of them, and why some are refused."""
        good = [self.row(code) for code in self.codes[:1_500]]
        copies = [list(row) for row in good[:200]]
        wrong = (
            [self.row(self.codes[1_500 + n], FINESS=UNKNOWN) for n in range(60)]
            + [self.row(self.codes[1_560 + n], Q3="6") for n in range(60)]
            + [self.row(self.codes[1_620 + n], DATE="31/02/2026") for n in range(60)]
            + [self.row(self.codes[n], Q1="1" if good[n][3] != "1" else "2") for n in range(40)])
        strangers = [self.row(f"X{secrets.token_hex(5)}") for _ in range(50)]
        later = copies + wrong + strangers
        self.random.shuffle(later)
        lines = self.text(good + later).splitlines(keepends=True)
        broken = [self.text([self.row(self.codes[1_680 + n % 20], REMARQUE="é")]).splitlines(keepends=True)[1]
                  .decode().encode("windows-1252") for n in range(30)]
        content = b"".join(lines + broken)
        self.assertEqual(content.count(b"\n"), 2_001)
        tally = {"lines": 2_000, "accepted": 1_500, "duplicate": 200, "waiting": 50, "refused": 250}
        reasons = {"unknown-establishment": 60, "level-out-of-range": 60, "invalid-field": 60, "already-answered": 40,
                   "malformed-line": 30}
        return content, tally, reasons

    def figures(self) -> tuple[int, str]:
        """Responses that count, and a digest of what people said."""
        digest = self.sql("database-owner-feedback", f"""
            select count(*) || ' ' || md5(string_agg(
                p.pseudonym || v.answers || coalesce(v.comment, ''), ',' order by p.pseudonym))
            from feedback.responses r join feedback.participants p using (experiment, participant)
            join feedback.response_values v on v.response = r.response and v.version = r.version
            where r.experiment = '{self.experiment.id}' and r.publisher = '{self.name}'""")
        self.assertEqual(digest.returncode, 0, digest.stderr)
        return self.experiment.responses(), digest.stdout

    def statement(self) -> dict[str, Any]:
        today = self.sql("database-owner-feedback",
                         "select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD')")
        return dict(self.send("GET", f"/v1/statements/{today.stdout.strip()}").body)

    # MARK: Tests

    def test_a_file_is_taken_in_once_whoever_is_killed_on_the_way(self) -> None:
        content, tally, reasons = self.whole()
        before = self.experiment.responses()
        identity = self.upload(content)
        preview = self.view(identity)["preview"]
        self.assertEqual((preview["tally"], preview["refusedByReason"]), (tally, reasons))
        self.assertEqual(len({e["line"] for e in preview["errors"]}), 100)
        # A preview counts nothing.
        self.assertEqual((self.experiment.responses(), self.statement()["events"]), (before, 0))

        self.begin_commit(identity)
        kills = 0
        while (view := self.view(identity))["state"] == "committing":
            # At once, and when some of it is done.
            if kills == 0 or (kills < 3 and view.get("commit")):
                self.instance.kill("feedback")
                kills += 1
        self.assertGreaterEqual(kills, 1, "it was over before anything was killed")
        commit = self.committed(identity)["commit"]
        self.assertEqual((commit["tally"], commit["refusedByReason"]), (tally, reasons))
        self.assertEqual(commit["errors"], preview["errors"])
        first = self.figures()
        self.assertEqual(first[0], before + 1_500)
        statement = self.statement()
        self.assertEqual((statement["accepted"], statement["waiting"]), (1_500, 50))
        self.assertEqual(statement["events"], len(set(content.splitlines())) - 1)

        again = self.upload(content)
        self.begin_commit(again)
        self.assertEqual(self.committed(again)["commit"]["tally"],
                         {"lines": 2_000, "accepted": 0, "duplicate": 2_000, "waiting": 0, "refused": 0})
        # What came again is told as that, and counts nowhere else.
        repeated = {name: statement[name] + 2_000 for name in ("messages", "repeated")}
        self.assertEqual((self.figures(), self.statement()), (first, statement | repeated))

    def test_every_error_has_line_column_reason_and_both_languages(self) -> None:
        code = self.codes[-1]
        rows = [self.row(code, FINESS="75071218"), self.row(code, DATE="hier"), self.row(code, Q2="beaucoup", Q4="4,5"),
                self.row("2 69 05 49 588 157 80")]
        identity = self.upload(self.text(rows))
        found = self.sql("database-owner-feedback", f"""
            select line, column_name, value_class, reason from feedback.import_errors where import = '{identity}'
            order by line, number""").stdout.splitlines()
        self.assertEqual(found, ["2|FINESS|whole-number|invalid-field", "3|DATE|text|invalid-field",
                                 "4|Q2|text|invalid-field", "4|Q4|decimal-number|invalid-field",
                                 "5|CODE|identifier|forbidden-identifier"])
        shown = json.dumps(self.view(identity), ensure_ascii=False)
        for value in ("75071218\"", "hier", "beaucoup", "4,5", "2 69 05"):
            self.assertNotIn(value, shown)
        self.assertTrue(all(e["mend"]["fr"] and e["mend"]["en"] for e in self.view(identity)["preview"]["errors"]))

    def test_what_python_writes_and_reads_is_what_counts(self) -> None:
        """Python's csv module on the other side, in each of its dialects."""
        alphabet = [";", ",", "\t", '"', "\r\n", "\n", "\r", " ", "é", "œ", "€", "a", "''", '""']
        for delimiter in (";", ",", "\t"):
            with self.subTest(delimiter=delimiter):
                said = {}
                for _ in range(100):
                    code = f"Z{secrets.token_hex(5)}"
                    said[code] = "x" + "".join(self.random.choices(alphabet, k=self.random.randint(0, 12))) + "x"
                content = self.text([self.row(code, REMARQUE=comment) for code, comment in said.items()], delimiter)
                reader = csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter, strict=True)
                expected = {row["CODE"]: row["REMARQUE"] for row in reader}
                self.assertEqual(expected, said)
                charset = self.random.choice(["utf-8", "windows-1252"])
                encoded = content.decode().encode(charset)
                identity = self.upload(encoded, f"text/csv; charset={charset}")
                self.begin_commit(identity)
                self.assertEqual(self.committed(identity)["commit"]["tally"]["waiting"], 100)
                rows = self.sql("database-owner-feedback", f"""
                    select convert_from(body, 'UTF8') from feedback.waiting where publisher = '{self.name}'""").stdout
                kept = [json.loads(line)["data"] for line in rows.splitlines()]
                self.assertEqual({d["participant"]: d["comment"] for d in kept if d["participant"] in said}, expected)

    def test_the_examples_of_the_documents_are_taken(self) -> None:
        instrument = json.loads((EXAMPLES / "instrument.json").read_text(encoding="utf-8"))
        self.api.call(self.operator, "feedback", "POST", "/v1/instruments", instrument)
        mapping = json.loads((EXAMPLES / "mapping.json").read_text(encoding="utf-8"))
        published = self.send("PUT", "/v1/import-mappings/satisfaction", mapping)
        self.assertEqual((published.status, published.body["doubtfulEstablishments"]), (201, []))
        content = (EXAMPLES / "answers.csv").read_bytes()
        answer = self.send("POST", "/v1/imports?mapping=satisfaction", content, "text/csv")
        # The experiments of the example are nobody's, so its answers wait for them, if their day has come.
        tally = self.view(answer.body["id"])["preview"]["tally"]
        self.assertEqual((tally["lines"], tally["waiting"] + tally["refused"]), (3, 3))
        reasons = self.view(answer.body["id"])["preview"]["refusedByReason"]
        self.assertLessEqual(set(reasons), {"time-in-future"})
