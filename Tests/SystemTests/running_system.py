"""What tests of a running system share: the instance that `MAILLAGE_INSTANCE` names, and people with tokens."""

from __future__ import annotations

import os
import subprocess
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from driver.http_api import Actor, Api
from driver.instance import SERVICES, Instance


C = TypeVar("C", bound=type)


class RunningSystem(unittest.TestCase):
    instance: Instance
    api: Api
    operator: Actor
    applicant: Actor

    @classmethod
    def setUpClass(cls) -> None:
        directory = os.environ.get("MAILLAGE_INSTANCE")
        if not directory:
            raise RuntimeError("MAILLAGE_INSTANCE is not set: run the tests through make")
        cls.instance = Instance(Path(directory))
        cls.api = Api(cls.instance)
        cls.operator = cls.api.actor("operator-tests", "operator")
        cls.applicant = cls.api.actor("applicant-tests", "applicant", organisation="990000019")

    def sql(self, secret: str, statement: str) -> subprocess.CompletedProcess[str]:
        """As a role of the database's; the password goes in by the environment and stands in no argument."""
        return subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement],
                              env={"PATH": "/usr/bin:/bin", "PGCONNECT_TIMEOUT": "5", **self._database(secret)},
                              capture_output=True, text=True, timeout=30, check=False)

    def _database(self, secret: str) -> dict[str, str]:
        user = {"database-owner": "maillage_{}_owner", "database": "maillage_{}"}
        kind, _, service = secret.rpartition("-")
        return {"PGHOST": "127.0.0.1", "PGPORT": self.instance.fact("POSTGRES_PORT"), "PGDATABASE": "maillage",
                "PGUSER": user[kind].format(service), "PGPASSWORD": self.instance.secret(secret)}

    def assert_alive(self, *services: str) -> None:
        for service in services or SERVICES:
            answer = self.api.exchange(None, service, "GET", "/health/ready")
            self.assertEqual(answer.status, 200, f"{service}: {answer.body}")


def for_each(cases: dict[str, Any], check: Callable[[Any, Any], None]) -> Callable[[C], C]:
    """A class decorator: one test per case, so that one failure hides no other."""
    def decorate(cls: C) -> C:
        for name, case in cases.items():
            setattr(cls, f"test_{name}", lambda self, case=case: check(self, case))
        return cls

    return decorate
