"""A bad setting stops the start with the key's name and what is allowed; a secret is never shown."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from driver.instance import REPOSITORY, SERVICES
from running_system import RunningSystem, for_each

BINARIES = Path(os.environ.get("MAILLAGE_BINARIES", REPOSITORY / ".build" / "debug"))

# What is set, and the words that have to be in the answer.
REFUSALS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "a_port_beyond": ({"MAILLAGE_HTTP_PORT": "99999"}, ("MAILLAGE_HTTP_PORT", "99999", "65535")),
    "a_word_for_a_number": ({"MAILLAGE_RELAY_BATCH": "many"}, ("MAILLAGE_RELAY_BATCH", "many", "2000")),
    "a_duration_without_unit": ({"MAILLAGE_DRAIN_TIMEOUT": "10"}, ("MAILLAGE_DRAIN_TIMEOUT", "allowed")),
    "an_unknown_level": ({"MAILLAGE_LOG_LEVEL": "loud"}, ("MAILLAGE_LOG_LEVEL", "loud", "warning")),
    "a_slip_of_the_pen": ({"MAILLAGE_RELAY_BATHC": "5"}, ("MAILLAGE_RELAY_BATHC", "MAILLAGE_RELAY_BATCH")),
    "another_scheme": ({"MAILLAGE_BROKER_URL": "http://localhost", "MAILLAGE_BROKER_URL_FILE": ""},
                       ("MAILLAGE_BROKER_URL", "amqp://")),
    "no_database": ({"MAILLAGE_DATABASE_URL_FILE": ""}, ("MAILLAGE_DATABASE_URL", "required")),
    "a_secret_file_that_is_not_there": ({"MAILLAGE_DATABASE_URL_FILE": "/nonexistent/secret"},
                                        ("MAILLAGE_DATABASE_URL_FILE", "/nonexistent/secret")),
    "a_moved_clock_in_production": ({"MAILLAGE_ENVIRONMENT": "production"},
                                    ("MAILLAGE_CLOCK_OFFSET_FILE", "production")),
    "a_key_that_is_none": ({"MAILLAGE_IDENTITY_PUBLIC_KEY_FILE": "/etc/hostname"},
                           ("MAILLAGE_IDENTITY_PUBLIC_KEY_FILE",)),
}


def check_refusal(self: Configuration, case: tuple[dict[str, str], tuple[str, ...]]) -> None:
    settings, words = case
    result = self.start(settings)
    self.assertNotEqual(result.returncode, 0, "it started")
    for word in words:
        self.assertIn(word, result.stderr + result.stdout)
    self.assert_hidden(result)


@for_each(REFUSALS, lambda self, case: check_refusal(self, case))
class Configuration(RunningSystem):
    def environment(self, service: str) -> dict[str, str]:
        secrets = self.instance.directory / "secrets"
        return {
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MAILLAGE_HTTP_PORT": "0", "MAILLAGE_START_TIMEOUT": "5s",
            "MAILLAGE_DATABASE_URL_FILE": str(secrets / f"database-url-{service}"),
            "MAILLAGE_BROKER_URL_FILE": str(secrets / f"broker-url-{service}"),
            "MAILLAGE_IDENTITY_PUBLIC_KEY_FILE": str(secrets / "identity-public.pem"),
            "MAILLAGE_IDENTITY_ISSUER": "maillage-development",
            "MAILLAGE_CLOCK_OFFSET_FILE": str(self.instance.clock_path),
        }

    def start(self, settings: dict[str, str], *arguments: str, service: str = "funding"
              ) -> subprocess.CompletedProcess[str]:
        environment = self.environment(service) | settings
        return subprocess.run([str(BINARIES / service), *arguments], env=environment, capture_output=True, text=True,
                              timeout=30, check=False, cwd="/")

    def assert_hidden(self, result: subprocess.CompletedProcess[str]) -> None:
        for name in ("database-funding", "broker-funding"):
            self.assertNotIn(self.instance.secret(name), result.stdout + result.stderr)

    def test_all_that_is_wrong_is_told_at_once(self) -> None:
        result = self.start({"MAILLAGE_HTTP_PORT": "-1", "MAILLAGE_LOG_LEVEL": "loud"})
        self.assertIn("MAILLAGE_HTTP_PORT", result.stderr + result.stdout)
        self.assertIn("MAILLAGE_LOG_LEVEL", result.stderr + result.stdout)

    def test_a_program_ends_without_freeing_what_its_threads_may_still_use(self) -> None:
        """A library's own last words ("calling fini") would free OpenSSL's locks beneath a thread that closes a
        connection."""
        for arguments, status in ((["migrate", "--help"], 0), (["config"], 0), (["no-such-command"], 64)):
            with self.subTest(arguments=arguments):
                result = self.start({"LD_DEBUG": "files"}, *arguments)
                self.assertEqual(result.returncode, status, result.stderr[-400:])
                self.assertIn("calling init:", result.stderr)
                self.assertNotIn("calling fini:", result.stderr)

    def test_config_shows_every_key_and_no_secret(self) -> None:
        result = self.start({}, "config")
        self.assertEqual(result.returncode, 0, result.stderr)
        for key in ("MAILLAGE_HTTP_PORT", "MAILLAGE_DATABASE_URL", "MAILLAGE_BROKER_URL", "MAILLAGE_RELAY_BATCH"):
            self.assertIn(key, result.stdout)
        self.assert_hidden(result)

    def test_feedback_does_not_begin_without_the_key_of_its_hashes(self) -> None:
        outside = str(self.instance.directory / "secrets" / "broker-outside-url")
        for key, word in (("", "required"), ("guessable", "32 to 512 bytes")):
            with self.subTest(word=word):
                settings = {"MAILLAGE_BROKER_OUTSIDE_URL_FILE": outside}
                if key:
                    settings["MAILLAGE_FEEDBACK_CONTENT_KEY"] = key
                result = self.start(settings, service="feedback")
                self.assertNotEqual(result.returncode, 0, "it started")
                self.assertIn("MAILLAGE_FEEDBACK_CONTENT_KEY", result.stderr + result.stdout)
                self.assertIn(word, result.stderr + result.stdout)
                self.assertNotIn("guessable", result.stderr + result.stdout)

    def test_every_service_answers_healthcheck(self) -> None:
        for service in SERVICES:
            with self.subTest(service=service):
                environment = {"PATH": "/usr/bin:/bin", "MAILLAGE_HTTP_PORT": str(self.instance.port(service))}
                result = subprocess.run([str(BINARIES / service), "healthcheck"], env=environment, capture_output=True,
                                        text=True, timeout=30, check=False, cwd="/")
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
