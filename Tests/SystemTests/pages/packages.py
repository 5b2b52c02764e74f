"""The browser's driver, from pinned packages in a folder of their own: installed once per list, by any run."""

from __future__ import annotations

import hashlib
import shutil
import site
import subprocess
from pathlib import Path

from driver.instance import REPOSITORY

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FOLDER = REPOSITORY / ".local" / "pages-packages"
SECONDS_MAX = 300


def use() -> None:
    """Makes `playwright` and axe importable; Python, `venv` and Chromium are Debian's."""
    stamp = FOLDER / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        run("/usr/bin/python3", "-m", "venv", str(FOLDER))
        run(str(FOLDER / "bin" / "pip"), "install", "--quiet", "--no-deps", "--disable-pip-version-check",
            "--requirement", str(REQUIREMENTS))
        stamp.write_text(wanted, encoding="ascii")
    for packages in FOLDER.glob("lib/python3*/site-packages"):
        site.addsitedir(str(packages))


def run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=SECONDS_MAX, stdin=subprocess.DEVNULL)
