"""Two minutes under faults lose and double nothing; and the checker that says so would say otherwise if it were
otherwise: a copy of that run's database is spoilt in every way that matters, and each has to be named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from chaos.stage_names import CHECKER_ROLE, FEEDBACK_JOURNAL, RUN_FILE
from driver.instance import REPOSITORY, Instance
from driver.superuser import sql

SEED = 20_220_217
MINUTES = 2
DIRECTORY = REPOSITORY / ".local" / "chaos"
JOURNAL = REPOSITORY / ".local" / "chaos-journal"
COPY = "spoilt"
RUN_SECONDS_MAX = 900
HERE = Path(__file__).parent

# What is done to the copy, in SQL that returns an id, and the finding that has to name that id.
SPOILT = {
    "a_response_is_gone": (
        "delete from feedback.responses where ctid = (select ctid from feedback.responses order by response "
        "limit 1) returning experiment || ' '",
        "LOST response row"),
    "an_answer_is_another": (
        "update feedback.response_values set answers = '[null]' where ctid = (select v.ctid from "
        "feedback.response_values v join feedback.responses r using (response, version) order by response "
        "desc limit 1) returning (select r.occasion from feedback.responses r where r.response = "
        "response_values.response)",
        "WRONG answers of a response"),
    "a_message_was_never_stored": (
        "delete from feedback.identities where (publisher, event_id) = (select publisher, event_id from "
        "feedback.identities where outcome = 'refused' and reason = 'unknown-instrument' limit 1) returning "
        "event_id",
        "LOST confirmed message not stored"),
    "a_message_is_judged_otherwise": (
        "update feedback.identities set reason = 'level-out-of-range' where (publisher, event_id) = (select "
        "publisher, event_id from feedback.identities where reason = 'not-in-protocol' limit 1) returning "
        "event_id",
        "WRONG message judged wrongly"),
    "a_response_is_told_twice": (
        "with told as (insert into feedback.events (id, type, stream, subject, sequence, actor, time, "
        "correlation, data) select gen_random_uuid(), type, stream, subject, sequence + 1000000, actor, time, "
        "correlation, data from feedback.events where type like 'feedback.responses.recorded.%' order by "
        "position limit 1 returning data) select data::json -> 'items' -> 0 ->> 'response' from told",
        "DOUBLED version of a response in feedback's log"),
    "a_figure_counts_twice": (
        "update reporting.response_cells set responses_count = responses_count + 1 where ctid = (select ctid "
        "from reporting.response_cells limit 1) returning experiment || ' ' || instrument || ' ' || occasion",
        "DOUBLED count in reporting's figures"),
    "reporting_forgets_a_response": (
        # Not the response that the first one takes from feedback: what neither knows is not lost by reporting.
        "delete from reporting.responses where response = (select response from reporting.responses "
        "order by response desc offset 7 limit 1) returning response",
        "LOST response that reporting does not count"),
    "reporting_has_another_score": (
        "update reporting.responses set score = score + 1 where response = (select response from "
        "reporting.responses order by response desc limit 1) returning response",
        "WRONG score in reporting"),
    "reporting_keeps_an_event_no_longer": (
        "delete from reporting.received where position = (select max(position) from reporting.received where "
        "owner = 'funding') returning event_id",
        "LOST event that reporting did not keep"),
    "a_listener_never_received_an_event": (
        "delete from experimentation.inbox where id = (select i.id from experimentation.inbox i join "
        "funding.events e using (id) limit 1) returning id",
        "LOST experimentation never received"),
    "a_log_has_a_gap": (
        "delete from funding.events where position = (select position from funding.events where stream = "
        "'payment' and sequence = 1 and exists (select from funding.events l where l.stream = 'payment' and "
        "l.subject = events.subject and l.sequence = 2) limit 1) returning subject",
        "LOST funding has a gap in its log"),
    "a_log_lost_its_last_event": (
        "delete from experimentation.events e where position = (select max(position) from "
        "experimentation.events where sequence > 1) returning subject",
        "LOST experimentation has a gap in its log"),
    "an_event_is_not_published": (
        "insert into applications.outbox (position) values (1) returning 'applications'",
        "LOST applications has not published"),
    "a_message_is_a_dead_letter": (
        "insert into funding.dead_letters (message_id, class, reason, exchange, routing_key, headers, body, "
        "attempts) values ('x', 'permanent', 'spoilt', 'e', 'k', '{}', '', 1) returning id",
        "LOST funding has a dead letter"),
    "an_event_is_parked": (
        "insert into feedback.inbox_parked (id, owner, stream, subject, sequence, is_ordered, waits_for, "
        "reason, next_attempt_at, exchange, routing_key, headers, body) values (gen_random_uuid(), 'o', 's', "
        "'x', 2, true, 'predecessor', 'spoilt', now(), 'e', 'k', '{}', '') returning id",
        "LOST feedback keeps parked"),
    "an_account_has_a_cent_too_much": (
        "update funding.accounts set credited_cents = credited_cents + 1 where id = (select max(id) from "
        "funding.accounts) returning id",
        "LEDGER account differs from its transfers"),
    "a_payment_is_booked_twice": (
        "insert into funding.transfers (at, debit_account, credit_account, amount_cents, reason, command_id, "
        "event, debit_after_cents, credit_after_cents) select at, debit_account, credit_account, amount_cents, "
        "reason, command_id || ' ', event, debit_after_cents, credit_after_cents from "
        "funding.transfers where reason = 'pay' order by id limit 1 returning replace(command_id, 'pay:', '')",
        "DOUBLED payment in the ledger"),
    "an_acknowledged_payment_is_gone": (
        "delete from funding.payments where id = (select id from funding.payments where state = 'executed' "
        "order by id desc limit 1) returning id",
        "LOST row of execute"),
    "a_site_is_missing": (
        "delete from experimentation.sites where id = (select id from experimentation.sites order by position "
        "desc limit 1) returning agreement",
        "LOST site of a signed agreement"),
    "a_fact_is_missing": (
        "delete from reporting.facts where key = (select key from reporting.facts where kind = "
        "'payment-executed' limit 1) and kind = 'payment-executed' returning lower(key)",
        "LOST fact payment-executed in reporting"),
}


class Chaos(unittest.TestCase):
    run_output: str
    run_status: int
    named: dict[str, str]
    spoilt_output: str
    spoilt_status: int

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(script, "instance.sh", "remove", str(DIRECTORY))
        cls.run_status, cls.run_output = python("chaos", "--instance", str(DIRECTORY), "--seed", str(SEED), "--minutes",
                                                str(MINUTES), "--keep")
        # A database that somebody uses cannot be copied.
        script("services.sh", "stop", str(DIRECTORY))
        cls.named = spoil(Instance(DIRECTORY))
        journal = spoilt_journal()
        cls.addClassCleanup(shutil.rmtree, journal, ignore_errors=True)
        cls.spoilt_status, cls.spoilt_output = python("chaos.check", "--instance", str(DIRECTORY), "--journal",
                                                      str(journal), "--database", COPY)

    def test_two_minutes_of_faults_lose_and_double_nothing(self) -> None:
        self.assertEqual(self.run_status, 0, self.run_output[-6000:])
        self.assertRegex(self.run_output.rstrip().rpartition("\n")[2],
                         rf"^chaos: seed={SEED} faults=\d+ acknowledged=\d+ lost=0 doubled=0 ledger=balanced$")

    def test_every_spoilt_row_is_named(self) -> None:
        for name, (_, finding) in SPOILT.items():
            with self.subTest(name):
                self.assertTrue(self.named[name], "there was nothing to spoil")
                lines = [line for line in self.spoilt_output.splitlines() if line.startswith(f"  {finding}")]
                self.assertTrue(any(self.named[name] in line for line in lines),
                                f"{finding} {self.named[name]}: {lines}")

    def test_a_receipt_that_never_came_and_a_kind_of_fault_that_was_never_made_are_named(self) -> None:
        self.assertRegex(self.spoilt_output, r"\n  LOST receipt: ")
        self.assertRegex(self.spoilt_output, r"\n  FAULTS too few of kill postgres: 0")

    def test_nothing_of_it_passes(self) -> None:
        self.assertEqual(self.spoilt_status, 1, self.spoilt_output[-3000:])
        self.assertRegex(self.spoilt_output.rstrip().rpartition("\n")[2],
                         r"^chaos: .* lost=[1-9]\d* doubled=[1-9]\d* ledger=UNBALANCED wrong=[1-9]\d* faults-missing$")


def python(module: str, *arguments: str) -> tuple[int, str]:
    environment = os.environ | {"PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run([sys.executable, "-m", module, *arguments], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, timeout=RUN_SECONDS_MAX, check=False)
    return result.returncode, result.stdout


def script(name: str, *arguments: str) -> None:
    subprocess.run([str(REPOSITORY / "deploy" / "local" / name), *arguments], check=True, timeout=300,
                   stdin=subprocess.DEVNULL, capture_output=True)


def spoil(instance: Instance) -> dict[str, str]:
    """Copies the database and spoils the copy; returns what each spoiling says it hit."""
    sql(instance, f"create database {COPY} template maillage", "postgres")
    sql(instance, f"grant connect on database {COPY} to {CHECKER_ROLE}", "postgres")
    # Without triggers and foreign keys: what they forbid a program to do is what the checker must see.
    statements = ";\n".join(statement for statement, _ in SPOILT.values())
    told = sql(instance, f"set session_replication_role = replica;\n{statements}", COPY)
    return dict(zip(SPOILT, told, strict=True))


def spoilt_journal() -> Path:
    """The run's, with the receipts of one answer left out, and one kind of fault."""
    copy = JOURNAL.with_name("chaos-journal-spoilt")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(JOURNAL, copy, ignore=shutil.ignore_patterns("logs"))
    lines = (copy / FEEDBACK_JOURNAL).read_text(encoding="utf-8").splitlines()
    index = next(i for i, line in enumerate(lines) if json.loads(line)["kind"] == "response")
    lines[index] = json.dumps(json.loads(lines[index]) | {"receipts": []})
    (copy / FEEDBACK_JOURNAL).write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = json.loads((copy / RUN_FILE).read_text(encoding="utf-8"))
    run["faults"]["kill postgres"] = 0
    (copy / RUN_FILE).write_text(json.dumps(run), encoding="utf-8")
    return copy
