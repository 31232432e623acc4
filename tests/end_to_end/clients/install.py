"""Puts the real client libraries where the tests can run them: tests/.cache/clients.

Each client has its own folder there, named after what it is made of, so that a change of
a version makes a new one and nothing is ever half old. A folder counts once it has the file
COMPLETE. The versions are in the requirement files beside the programs; the packages come
from wherever the machine's pip, npm and go are set up to find them.

A function gives the command of a client, or raises Unavailable with the reason.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cached import filled

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "clients"
# Compiling the Go client from nothing on a loaded machine takes a minute.
INSTALL_LIMIT_S = 500
# Where Debian has the headers that npm needs to build unix-dgram.
NODE_HEADERS = Path("/usr/include/node/node.h")


class Unavailable(Exception):
    """Why a client cannot be had here."""


def tool(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"{name} is not installed")
    return path


def run(command: list[str], folder: Path, **environment: str) -> str:
    """The output of a command that must succeed."""
    try:
        done = subprocess.run(command, cwd=folder, env={**os.environ, **environment},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=INSTALL_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{' '.join(command)}: takes too long") from None
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command)}: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return done.stdout


def cached(name: str, made_of: list[Path], version: str, make: Callable[[Path], None]) -> Path:
    """The folder of a client; made first where it is missing."""
    digest = hashlib.sha256(version.encode())
    for path in made_of:
        digest.update(path.read_bytes())
    # Suites of several builds may run at once; the second waits for the first.
    return filled(CACHE / f"{name}-{digest.hexdigest()[:16]}", name, make)


def python_client(program: str) -> list[str]:
    """`program` is a file of the folder python."""
    requirements = HERE / "python" / "requirements.txt"

    def make(folder: Path) -> None:
        run([sys.executable, "-m", "venv", str(folder)], folder)
        run([str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check",
             "--requirement", str(requirements)], folder)

    folder = cached("python", [requirements], sys.version, make)
    return [str(folder / "bin" / "python"), str(HERE / "python" / program)]


def node_folder() -> Path:
    """Where the packages of the Node client are."""
    node, npm = tool("node"), tool("npm")
    files = [HERE / "node" / name for name in ("package.json", "package-lock.json")]
    headers = {"npm_config_nodedir": "/usr"} if NODE_HEADERS.exists() else {}

    def make(folder: Path) -> None:
        for file in files:
            shutil.copy(file, folder)
        run([npm, "ci", "--no-audit", "--no-fund"], folder, **headers)

    return cached("node", files, run([node, "--version"], HERE), make)


def node_client() -> list[str]:
    """Finds its packages through NODE_PATH, since its own folder is not the cache."""
    return ["env", f"NODE_PATH={node_folder() / 'node_modules'}", tool("node"),
            str(HERE / "node" / "client.js")]


def node_has_unix_datagrams() -> bool:
    """Whether the optional module unix-dgram, which is compiled at installation, is there."""
    folder = node_folder() / "node_modules" / "unix-dgram" / "build" / "Release"
    return (folder / "unix_dgram.node").exists()


def go_client() -> list[str]:
    """A binary, built once."""
    go = tool("go")
    source = HERE / "go"
    files = [source / name for name in ("go.mod", "go.sum", "main.go")]

    def make(folder: Path) -> None:
        run([go, "build", "-o", str(folder / "client"), "."], source, GOFLAGS="-mod=readonly")

    return [str(cached("go", files, run([go, "version"], HERE), make) / "client")]
