"""python3 -m tiers: every test there is, from the pure domains to a whole wave with killed processes.

Each tier prints what failed and one line of its own; the last line is `N passed, N failed`, and the status follows it.
A tier that could not be run to its end counts as one failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from driver.instance import REPOSITORY, Instance

INSTANCE = REPOSITORY / ".local" / "test"
LOGS = REPOSITORY / ".local" / "test-logs"
LOCAL = REPOSITORY / "deploy" / "local"
CHECKED = ["--explicit-target-dependency-import-check", "error"]
SWIFT_TESTS_SECONDS_MAX = 1_200
# All 600 at once would only queue before the servers, and run into their own time limits there (250 s against 195 s).
SWIFT_TESTS_WIDTH = 8
LINES_SHOWN = 40
# They compute and wait for nobody. Beside the others they would keep both threads that tests run on here for seconds,
# in which a connection's heartbeat, a deadline of 500 ms or a rest of one second passes unseen.
PURE = r"^(Architecture|BankMessages|CofundingRules|Events|Identifiers|Observability|[A-Z][a-z]+Domain)Tests\."
# They keep every processor busy for a minute: apart from those that wait for a connection to be made again in time.
BUSY = "LedgerPropertyTests|twoHundredWorkersRaceForTheLastEuroAThousandTimes"

# Without a server, with a running system, and with a system each of its own.
BY_ITSELF = ["test_scenario", "test_driver", "test_chaos_parts", "test_cofunding_reference",
             "test_bank_messages", "test_subsidies"]
RUNNING = ["test_isolation", "test_configuration", "test_hostile_http", "test_hostile_feedback",
           "test_dead_letters", "test_ledger", "test_publishers", "test_publishing", "test_imports"]
# In a real browser.
PAGES = ["test_pages"]
WHOLE_WAVES = ["test_wave"]
UNDER_FAULTS = ["test_chaos"]


@dataclass
class Tier:
    name: str
    passed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0

    def line(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.name:<16} {self.passed} passed, {len(self.failures)} failed{skipped} in {self.seconds:.0f} s"


def main() -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ["MAILLAGE_FSYNC"] = "off"
    tiers: list[Tier] = []
    script("instance.sh", "remove", str(INSTANCE))
    try:
        subprocess.run(["swift", "build", "--build-tests", *CHECKED], cwd=REPOSITORY, check=True)
        script("servers.sh", "start", str(INSTANCE))
        run(tiers, "swift, pure", lambda tier: swift_tests(tier, "swift-pure", ["--filter", PURE]))
        run(tiers, "swift", lambda tier: swift_tests(tier, "swift", ["--skip", f"{PURE}|{BUSY}"]))
        run(tiers, "swift, busy", lambda tier: swift_tests(tier, "swift-busy", ["--filter", BUSY]))
        run(tiers, "scenario", lambda tier: python_tests(tier, BY_ITSELF))
        script("instance.sh", "up", str(INSTANCE))
        os.environ["MAILLAGE_INSTANCE"] = str(INSTANCE)
        run(tiers, "running system", lambda tier: python_tests(tier, RUNNING))
        run(tiers, "pages", lambda tier: python_tests(tier, PAGES))
        script("instance.sh", "remove", str(INSTANCE))
        run(tiers, "whole waves", lambda tier: python_tests(tier, WHOLE_WAVES))
        run(tiers, "under faults", lambda tier: python_tests(tier, UNDER_FAULTS))
    except (subprocess.SubprocessError, OSError) as error:
        tiers.append(Tier("set-up", failures=[str(error)]))
        print(f"the tests could not go on: {error}", flush=True)
    finally:
        if not any(tier.failures for tier in tiers):
            script("instance.sh", "remove", str(INSTANCE))
        else:
            script("instance.sh", "down", str(INSTANCE))
            print(f"logs: {INSTANCE}/logs and {LOGS}")
    print()
    for tier in tiers:
        print(tier.line())
    failed = sum(len(tier.failures) for tier in tiers)
    print(f"{sum(tier.passed for tier in tiers)} passed, {failed} failed")
    return 1 if failed else 0


def run(tiers: list[Tier], name: str, body: Callable[[Tier], None]) -> None:
    tier = Tier(name)
    tiers.append(tier)
    began = time.monotonic()
    try:
        body(tier)
    except (subprocess.SubprocessError, OSError, ElementTree.ParseError) as error:
        tier.failures.append(f"{name} did not finish: {error}")
    tier.seconds = time.monotonic() - began
    for failure in tier.failures:
        print(f"FAILED {failure}")
    print(tier.line(), flush=True)


def script(name: str, *arguments: str) -> None:
    subprocess.run([str(LOCAL / name), *arguments], check=True, timeout=300, stdin=subprocess.DEVNULL)


# MARK: Swift

def swift_tests(tier: Tier, name: str, selection: list[str]) -> None:
    instance = Instance(INSTANCE)
    environment = os.environ | {
        "MAILLAGE_TEST_DATABASE_URL": f"postgresql://postgres:{instance.secret('postgres-password')}"
                                      f"@127.0.0.1:{instance.fact('POSTGRES_PORT')}/postgres",
        "MAILLAGE_TEST_BROKER_URL": f"amqp://administrator:{instance.secret('rabbitmq-password')}"
                                    f"@127.0.0.1:{instance.fact('RABBITMQ_PORT')}/%2F",
    }
    results = LOGS / f"{name}.xml"
    results.unlink(missing_ok=True)
    log = LOGS / f"{name}.log"
    command = ["swift", "test", "--skip-build", "--disable-xctest", *CHECKED, "--xunit-output", str(results),
               "--experimental-maximum-parallelization-width", str(SWIFT_TESTS_WIDTH), *selection]
    with log.open("w", encoding="utf-8") as output:
        status = subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT,
                                timeout=SWIFT_TESTS_SECONDS_MAX, check=False).returncode
    if results.exists():
        read_xunit(tier, results)
    if status != 0:
        print("\n".join(complaints(log)))
        if not tier.failures:
            tier.failures.append(f"swift test ended with status {status}: {log}")
    elif tier.passed == 0:
        tier.failures.append(f"swift test ran nothing: {log}")


def read_xunit(tier: Tier, path: Path) -> None:
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        failure = case.find("failure")
        if failure is not None:
            tier.failures.append(f"{name}: {failure.get('message')}")
        elif case.find("skipped") is not None:
            tier.skipped += 1
        else:
            tier.passed += 1


def complaints(log: Path) -> list[str]:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    issues = [line for line in lines if "recorded an issue" in line or "error:" in line or "Fatal" in line]
    return (issues or lines)[-LINES_SHOWN:]


# MARK: Python

def python_tests(tier: Tier, modules: list[str]) -> None:
    suite = unittest.defaultTestLoader.loadTestsFromNames(modules)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    broken = [*result.failures, *result.errors]
    tier.failures += [f"{test.id()}: {text.strip().splitlines()[-1]}" for test, text in broken]
    tier.skipped += len(result.skipped)
    # A test with sub-tests may fail more than once, and is still one that did not pass.
    not_passed = {getattr(test, "test_case", test).id() for test, _ in broken}
    tier.passed += max(0, result.testsRun - len(not_passed) - len(result.skipped))


if __name__ == "__main__":
    sys.exit(main())
