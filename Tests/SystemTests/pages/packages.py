"""Pinned packages, in a folder of their own for each list of them: installed once per list, by any run."""

from __future__ import annotations

import hashlib
import shutil
import site
import subprocess
from pathlib import Path

from driver.instance import REPOSITORY

BROWSER = Path(__file__).with_name("requirements.txt")
SECONDS_MAX = 300


def use(requirements: Path = BROWSER) -> None:
    """Makes what the list names importable: `playwright` and axe, unless another is given. Python, `venv` and Chromium
    are Debian's."""
    folder = REPOSITORY / ".local" / f"{requirements.parent.name}-packages"
    stamp = folder / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        run("/usr/bin/python3", "-m", "venv", str(folder))
        run(str(folder / "bin" / "pip"), "install", "--quiet", "--no-deps", "--disable-pip-version-check",
            "--requirement", str(requirements))
        stamp.write_text(wanted, encoding="ascii")
    for packages in folder.glob("lib/python3*/site-packages"):
        site.addsitedir(str(packages))


def run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=SECONDS_MAX, stdin=subprocess.DEVNULL)
