"""The money side of the load: careers of grants from the draft to the payment, with everything tried that has to be
refused; rule sets, envelopes, and experiments that compete for the last euro."""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from driver.contracting import SYNTHETIC_IBAN
from driver.http_api import Actor, Answer
from driver.instance import Failure

from .commands import Command, Commands
from .stage import EURO, Career, Stage

WORKERS = 6
LOOK_AGAIN_S = 1.0
RULES_EVERY_S = 1.2
CALLS_EVERY_S = 2.5
EXPERIMENTS_EVERY_S = 5.0
DISTANT_DAYS = 36_500
"""The rule sets of the load begin so far ahead that they apply to nothing."""


class Money:
    def __init__(self, stage: Stage, commands: Commands, seed: int, seconds: float) -> None:
        self._stage = stage
        self._commands = commands
        self._seed = seed
        self._stopping = commands.stopping
        api = commands.api
        # May order and may approve, but never the same payment.
        self._orderer = api.actor("orderer-jo", "operator", "paying-officer")
        self._operator: Actor = stage.wave.cast.operator
        self._officers = [api.actor(f"officer-{n}", "paying-officer") for n in (1, 2)]
        self._lock = threading.Lock()
        self._steps: list[tuple[float, int, str, Career, dict[str, Any]]] = []
        began = time.monotonic()
        for index, career in enumerate(stage.careers):
            # All begin in the first nine tenths, so that most come to their end.
            due = began + 0.9 * seconds * index / max(1, len(stage.careers))
            heapq.heappush(self._steps, (due, career.number, "begin", career, {}))
        self.complaints: list[str] = []

    def run(self) -> None:
        bodies: list[Callable[[], None]] = [self._careers] * WORKERS + [self._rules, self._calls, self._experiments]
        threads = [threading.Thread(target=self._guarded, args=(body,), name=f"money-{n}") for n, body in
                   enumerate(bodies)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _guarded(self, body: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                body()
            except Failure as failure:
                self.complaints.append(str(failure))

    # MARK: Careers

    def _careers(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                step = heapq.heappop(self._steps) if self._steps and self._steps[0][0] <= time.monotonic() else None
            if step is None:
                self._stopping.wait(0.05)
                continue
            _, number, name, career, known = step
            try:
                following = getattr(self, f"_{name}")(career, known)
            except Failure as failure:
                self.complaints.append(str(failure))
                following = name
            if following is not None:
                with self._lock:
                    heapq.heappush(self._steps, (time.monotonic() + LOOK_AGAIN_S, number, following, career, known))

    def _begin(self, career: Career, known: dict[str, Any]) -> str | None:
        """Two drafts of one grant, an order too early, two signatures."""
        about = {"grant": career.grant}
        drafts = self._commands.race([Command("draft", self._operator, "/v1/agreements", about, about)] * 2)
        draft = _success(drafts)
        if draft is None:
            return None
        agreement = draft.body["id"]
        tranche = next(t["id"] for t in draft.body["tranches"] if t["number"] == 1)
        known |= {"agreement": agreement, "tranche": tranche}
        self._commands.run(self._order(self._orderer, known))
        body = {"signedOn": self._stage.wave.scenario["calendar"]["agreementSigned"][:10], "signatories": [
            {"side": "funder", "name": "Personne synthétique A", "role": "directrice"},
            {"side": "beneficiary", "name": "Personne synthétique B", "role": "directeur"}]}
        path = f"/v1/agreements/{agreement}/sign"
        sign = Command("sign", self._operator, path, body, {"agreement": agreement}, draft.version)
        stale = Command("sign", self._operator, path, body, {"agreement": agreement}, draft.version + 7)
        return "open" if _success(self._commands.race([sign, sign, stale])) else None

    def _open(self, career: Career, known: dict[str, Any]) -> str | None:
        """The site, once experimentation knows the agreement."""
        api = self._commands.api
        sites = api.get(career.manager, "experimentation", f"/v1/sites?agreement={known['agreement']}").body["items"]
        if not sites:
            return "open"
        path = f"/v1/sites/{sites[0]['id']}"
        version = api.get(career.manager, "experimentation", path).version
        api.exchange(career.manager, "experimentation", "POST", f"{path}/open", {"addressCommune": "59350"},
                     version=version)
        return "pay"

    def _pay(self, career: Career, known: dict[str, Any]) -> str | None:
        """Three orders of one tranche; the orderer's own approval; two approvals; two executions."""
        answer = self._commands.api.get(self._operator, "funding", f"/v1/tranches/{known['tranche']}")
        if answer.body["state"] not in ("released", "paid"):
            return "pay"
        orders = self._commands.race([self._order(self._orderer, known)] * 3)
        ordered = _success(orders)
        if ordered is None:
            return None
        payment, version = ordered.body["id"], ordered.version
        about = {"payment": payment, "tranche": known["tranche"], "amountCents": ordered.body["amountCents"]}
        path = f"/v1/payments/{payment}"
        self._commands.run(Command("approve", self._orderer, f"{path}/approve", {}, about, version))
        approved = _success(self._commands.race(
            [Command("approve", officer, f"{path}/approve", {}, about, version) for officer in self._officers]))
        if approved is None:
            return None
        self._commands.race([
            Command("execute", officer, f"{path}/execute", {"bankReference": f"SYN-{self._seed}-{career.number}-{n}"},
                    about, approved.version) for n, officer in enumerate(self._officers)])
        return None

    def _order(self, orderer: Actor, known: dict[str, Any]) -> Command:
        return Command("order", orderer, f"/v1/tranches/{known['tranche']}/payments",
                       {"creditorName": "Établissement synthétique", "iban": SYNTHETIC_IBAN},
                       {"tranche": known["tranche"]})

    # MARK: Beside the careers

    def _rules(self) -> None:
        rules = self._stage.wave.scenario["ruleSet"]
        number = 0
        while not self._stopping.wait(RULES_EVERY_S):
            number += 1
            begins = self._stage.wave.clock.now() + timedelta(days=DISTANT_DAYS + number)
            name = f"charge-{self._seed}-{number}"
            body = rules | {"ruleSet": name, "validFrom": begins.strftime("%Y-%m-%dT%H:%M:%SZ")}
            self._commands.race([Command("rule-set", self._operator, "/v1/rule-sets", body, {"ruleSet": name})] * 2)

    def _calls(self) -> None:
        """Two envelopes of a new call, each opened twice, and one above what the call announced."""
        dice = random.Random(f"{self._seed}/calls")
        api, number = self._commands.api, 1
        while not self._stopping.wait(CALLS_EVERY_S):
            number = number % 98 + 2
            opens = self._stage.wave.clock.now() + timedelta(days=1)
            dates = {name: (opens + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
                     for name, days in (("opensAt", 0), ("deadline", 60), ("graceUntil", 61))}
            cents = dice.randrange(1_000, 9_000) * EURO
            call = api.call(self._operator, "applications", "POST", "/v1/calls", dates | {
                "wave": number, "title": f"Appel {number}", "placesTarget": 3, "animationEnvelopeCents": cents,
                "experimentsEnvelopeCents": cents}).body["id"]
            self._envelopes(call, cents)

    def _envelopes(self, call: str, cents: int) -> None:
        commands = []
        for kind in ("animation", "experiments"):
            about = {"call": call, "kind": kind, "amountCents": cents}
            commands += [Command("envelope", self._operator, "/v1/envelopes", about, about)] * 2
        above = {"call": call, "kind": "animation", "amountCents": cents + 1}
        # Once funding knows the call, it says what is wrong with the amount.
        while not self._stopping.is_set():
            first = self._commands.run(Command("envelope", self._operator, "/v1/envelopes", above, above))
            if first is None or first.slug != "call-not-known":
                break
            self._stopping.wait(LOOK_AGAIN_S)
        self._commands.race(commands)

    def _experiments(self) -> None:
        """More is asked for than the envelope holds, a few at a time."""
        dice = random.Random(f"{self._seed}/experiments")
        manager, site, number = self._stage.wave.cast.site_manager, self._stage.wave.site, 0
        while not self._stopping.wait(EXPERIMENTS_EVERY_S):
            commands = []
            for _ in range(3):
                number += 1
                cents = dice.randrange(2_000, 20_000) * EURO + dice.randrange(EURO)
                body = {"site": site, "title": f"Concurrence {number}", "budgetCents": 2 * cents,
                        "requestedCents": cents, "participantsTarget": 10,
                        "solution": {"name": f"Solution c{number}", "supplier": "Éditeur synthétique"}}
                commands.append(Command("experiment", manager, "/v1/experiments", body, {"requestedCents": cents},
                                        service="experimentation"))
            self._commands.race(commands)


def _success(answers: list[Answer | None]) -> Answer | None:
    return next((a for a in answers if a is not None and 200 <= a.status < 300), None)
