"""What a test fetches once and keeps in the user's cache folder (PITOT_SERVERS names another
one): servers that Debian does not have, a Debian system to install into.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from harness import VARIABLES, Failure, Skipped

CACHE = Path(VARIABLES.get("PITOT_SERVERS") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pitot-servers")
COMPLETE = "COMPLETE"


def missing(what: str) -> Exception:
    """For whoever cannot have what the test needs."""
    return Failure(what) if os.environ.get("CI") == "true" else Skipped(what)


def tool(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name)
    if path is None:
        raise missing(f"{name} is not installed")
    return path


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder of this name, in the user's cache."""
    return filled(CACHE / name, name, fill)


def filled(folder: Path, lock_name: str, fill: Callable[[Path], None]) -> Path:
    """The folder; filled first where that has not been done to its end. Of several processes
    with one name of a lock one fills it, and the others wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{lock_name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / COMPLETE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fill(folder)
            (folder / COMPLETE).touch()
    return folder
