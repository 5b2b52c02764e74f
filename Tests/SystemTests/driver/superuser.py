"""The instance's database as its owner sees it, for what only the owner may do or look at."""

from __future__ import annotations

import subprocess

from .instance import Failure, Instance

SECONDS_MAX = 120


def sql(instance: Instance, text: str, database: str = "maillage") -> list[str]:
    """Runs one statement or several; returns the lines that they print. The password goes in by the environment, and
    the text by the standard input: neither stands in an argument."""
    environment = {"PATH": "/usr/bin:/bin", "PGPASSWORD": instance.secret("postgres-password")}
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--host",
               "127.0.0.1", "--port", instance.fact("POSTGRES_PORT"), "--username", "postgres", "--dbname", database,
               "--file", "-"]
    result = subprocess.run(command, input=text, env=environment, capture_output=True, text=True,
                            timeout=SECONDS_MAX, check=False)
    if result.returncode != 0:
        raise Failure(f"psql: {result.stderr.strip()[-2000:]}")
    return result.stdout.splitlines()
