"""The ledger of a running system, with the secrets that its operators have."""

from __future__ import annotations

import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

from driver.instance import REPOSITORY
from driver.waiting import until
from running_system import RunningSystem

CENTS = 1_000_000


class Ledger(RunningSystem):
    def run_service(self, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(REPOSITORY / "deploy" / "local" / "services.sh"), "run", service, *arguments,
             str(self.instance.directory)], capture_output=True, text=True, timeout=120, check=False)

    def open_envelope(self) -> str:
        budget = {"name": "Essais", "amountCents": 100 * CENTS, "animationCents": 100 * CENTS, "experimentsCents": 0}
        # Another test may have opened it.
        self.api.exchange(self.operator, "funding", "POST", "/v1/budget", budget)
        call = self.api.call(self.operator, "applications", "POST", "/v1/calls", {
            "wave": 7, "title": "Appel du grand livre", "placesTarget": 1, "animationEnvelopeCents": CENTS,
            "experimentsEnvelopeCents": CENTS, "opensAt": "2099-01-01T00:00:00Z", "deadline": "2099-02-01T00:00:00Z",
            "graceUntil": "2099-02-02T00:00:00Z"}).body["id"]
        envelope = {"call": call, "kind": "animation", "amountCents": CENTS}
        opened = self.api.call_when_known(self.operator, "funding", "POST", "/v1/envelopes", envelope,
                                          not_yet={"call-not-known"})
        return str(opened.body["id"])

    def test_it_is_whole_sealed_and_anchored_with_reporting(self) -> None:
        envelope = self.open_envelope()
        path = f"/v1/envelopes/{envelope}/reservations"
        body = {"beneficiarySiren": "200034528", "amountCents": CENTS, "purpose": f"essai {uuid.uuid4()}"}
        made = self.api.call(self.operator, "funding", "POST", path, body)
        refused = self.api.exchange(self.operator, "funding", "POST", path, body)
        self.assertEqual((made.status, refused.status, refused.body["type"]),
                         (201, 409, "/problems/envelope-exhausted"))

        def sealed() -> str | None:
            verified = self.run_service("funding", "ledger", "verify")
            self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
            return verified.stdout if ", waiting: 0," in verified.stdout else None

        self.assertTrue(until("every entry is sealed", sealed, seconds=120).endswith("ledger: whole\n"))

        def anchored() -> str | None:
            seals = self.run_service("reporting", "ledger", "seals").stdout
            last = self.run_service("funding", "ledger", "verify").stdout.split("last block: ")[1].split("\n")[0]
            return seals if last in seals.split() else None

        seals = until("reporting has the last seal", anchored, seconds=120)
        anchors = self.instance.directory / "anchors"
        anchors.write_text(seals, encoding="ascii")
        whole = self.run_service("funding", "ledger", "verify", "--anchors", str(anchors))
        self.assertEqual(whole.returncode, 0, whole.stdout)
        block = seals.split()[0].split(":")[0]
        other = self.run_service("funding", "ledger", "verify", "--anchor", f"{block}:{'0' * 64}")
        self.assertEqual(other.returncode, 1)
        self.assertIn("seal: block", other.stdout)

    def test_the_last_euro_is_given_once_whoever_is_killed_on_the_way(self) -> None:
        envelope = self.open_envelope()
        path = f"/v1/envelopes/{envelope}/reservations"
        body = {"beneficiarySiren": "200034528", "amountCents": CENTS // 200, "purpose": f"course {uuid.uuid4()}"}

        def reserve(_: int) -> tuple[int, str]:
            answer = self.api.exchange(self.operator, "funding", "POST", path, body)
            return answer.status, answer.body["id" if answer.status == 201 else "type"]

        with ThreadPoolExecutor(8) as operators:
            answers = []
            for number, answer in enumerate(operators.map(reserve, range(300))):
                answers.append(answer)
                # In the midst of batches: the others wait for their answers.
                if number in (40, 120, 190):
                    self.instance.kill("funding")

        made = [identity for status, identity in answers if status == 201]
        self.assertEqual((len(made), len(set(made))), (200, 200))
        self.assertEqual([a for a in answers if a[0] != 201], [(409, "/problems/envelope-exhausted")] * 100)
        opened = self.api.get(self.operator, "funding", f"/v1/envelopes/{envelope}").body
        self.assertEqual((opened["heldCents"], opened["availableCents"]), (CENTS, 0))
        verified = self.run_service("funding", "ledger", "verify")
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_the_services_role_cannot_write_into_it(self) -> None:
        for statement in ("insert into funding.transfers (amount_cents) values (1)",
                          "update funding.accounts set credited_cents = credited_cents + 1",
                          "insert into funding.ledger_moves values ('gift', 'budget', 'paid', 'any')",
                          "alter table funding.transfers disable trigger all", "delete from funding.ledger_blocks"):
            refused = self.sql("database-funding", statement)
            self.assertNotEqual(refused.returncode, 0, statement)
            self.assertRegex(refused.stderr, "permission denied|must be owner")
