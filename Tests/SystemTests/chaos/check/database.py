"""The instance's database through psql, with the role that may only read."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections import Counter

from driver.instance import SERVICES, Failure, Instance

from chaos.stage_names import CHECKER_ROLE, CHECKER_SECRET

STATEMENT_S_MAX = 300
Row = tuple[str, ...]
NULL = "\\N"

csv.field_size_limit(min(sys.maxsize, 1 << 30))


class Database:
    def __init__(self, instance: Instance, name: str = "maillage") -> None:
        self._command = ["psql", "--no-psqlrc", "--quiet", "--csv", "--tuples-only", "--set", "ON_ERROR_STOP=1",
                         "--pset", f"null={NULL}", "--host", "127.0.0.1", "--port", instance.fact("POSTGRES_PORT"),
                         "--username", CHECKER_ROLE, "--dbname", name, "--file", "-"]
        self._environment = {"PATH": "/usr/bin:/bin", "PGPASSWORD": instance.secret(CHECKER_SECRET),
                             "PGOPTIONS": f"-c statement_timeout={STATEMENT_S_MAX}s "
                                           "-c default_transaction_read_only=on"}

    def rows(self, sql: str) -> list[Row]:
        result = subprocess.run(self._command, input=sql, env=self._environment, capture_output=True, text=True,
                                timeout=STATEMENT_S_MAX + 10, check=False)
        if result.returncode != 0:
            raise Failure(f"psql: {result.stderr.strip()[-400:]}")
        return [tuple(row) for row in csv.reader(io.StringIO(result.stdout))]

    def count(self, sql: str) -> int:
        return int(self.rows(sql)[0][0])

    def bag(self, sql: str) -> Counter[Row]:
        return Counter(self.rows(sql))


def in_every_schema(sql: str) -> str:
    """One statement over all five schemas: `{s}` in it is the schema."""
    return " union all ".join(sql.replace("{s}", service) for service in SERVICES)
