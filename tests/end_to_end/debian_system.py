"""A Debian system of this machine's release in a folder, to install packages into.

    system = DebianSystem(scene, packages=["libssl3"])      # a copy; changes are thrown away
    system.run("apt-get", "install", "--yes", "/x.deb")     # as root, in a chroot
    with system.booted():                                   # and now systemd runs in it
        system.run("systemctl", "is-active", "x")

It is what debootstrap makes from the mirror that apt is configured with (minbase, and
systemd), kept in the user's cache (cached.py) together with the named packages, not yet
installed, so that apt needs no network later. Making it takes a minute or two; copying it,
seconds. Nothing of the machine itself is touched.

Needs root. booted() needs systemd-nspawn, too, and a kernel that lets it: within its own
process, mount and network namespaces, systemd is started as on a real machine. Raises
Skipped where the machine does not allow it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cached import cached, missing, tool
from harness import Failure, Scene, Server, Skipped, expect, wait_until

MAKE_LIMIT_S = 600
RUN_LIMIT_S = 120
BOOT_LIMIT_S = 60
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
               "HOME": "/root", "LC_ALL": "C.UTF-8"}
APT_INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends"]
# Where packages of Debian write what is no file of theirs.
NOT_COMPARED = ("var/lib/dpkg/", "var/lib/apt/", "var/cache/", "var/log/", "etc/ld.so.cache",
                "run/", "tmp/", "var/tmp/", "dev/", "proc/", "sys/")


def codename() -> str:
    """Of this machine's release: "bookworm"."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def mirror() -> list[str]:
    """The site that apt on this machine has its packages from; else debootstrap has one."""
    asked = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(CODENAME)|$(SITE)",
                            "Created-By: Packages"], capture_output=True, text=True, check=False)
    sites = [line.split("|")[2] for line in asked.stdout.splitlines()
             if line.startswith(f"Debian|{codename()}|")]
    return sites[:1]


def in_chroot(root: Path, command: Sequence[str], limit_s: float) -> subprocess.CompletedProcess:
    """As root, with nothing of our own environment."""
    return subprocess.run(["chroot", str(root), *command], env=ENVIRONMENT, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s,
                          check=False)


def make(folder: Path, packages: Sequence[str]) -> None:
    """Fills the folder of the cache."""
    root = folder / "root"
    made = subprocess.run([tool("debootstrap"), "--variant=minbase",
                           "--include=systemd,systemd-sysv", codename(), str(root), *mirror()],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=MAKE_LIMIT_S, check=False)
    if made.returncode != 0:
        raise missing(f"debootstrap: {made.stdout[-1500:]}{made.stderr[-500:]}")
    in_chroot(root, ["apt-get", "clean"], RUN_LIMIT_S)
    fetched = in_chroot(root, [*APT_INSTALL, "--download-only", *packages], MAKE_LIMIT_S)
    if fetched.returncode != 0:
        raise missing(f"apt-get in the new system: {fetched.stdout[-1500:]}{fetched.stderr[-500:]}")


class DebianSystem:
    """One copy, gone with the scene."""

    def __init__(self, scene: Scene, packages: Sequence[str]) -> None:
        if os.geteuid() != 0:
            raise Skipped("making a Debian system to install into needs root")
        content = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
        base = cached(f"debian-{codename()}-{platform.machine()}-{content}",
                      lambda folder: make(folder, packages)) / "root"
        self._scene = scene
        self.root = scene.folder / "system"
        subprocess.run(["cp", "--archive", "--reflink=auto", str(base), str(self.root)],
                       check=True)
        self._leader: int | None = None  # the number of its systemd

    def attempt(self, *command: str) -> subprocess.CompletedProcess:
        """Runs a command in it, whatever comes of it."""
        if self._leader is None:
            return in_chroot(self.root, command, RUN_LIMIT_S)
        return subprocess.run(["nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc",
                               "--net", "--pid", "--root", "--wd=/", *command],
                              env=ENVIRONMENT, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=RUN_LIMIT_S, check=False)

    def run(self, *command: str) -> str:
        """Runs a command that must succeed, and gives what it says."""
        done = self.attempt(*command)
        expect(done.returncode == 0,
               f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def path(self, inside: str) -> Path:
        """Of a file, as seen from here; not for links to absolute paths."""
        return self.root / inside.lstrip("/")

    def exists(self, inside: str) -> bool:
        """Whether there is such a file, folder or link."""
        return os.path.lexists(self.path(inside))

    def files(self) -> set[str]:
        """Every file, folder and link, but for what packages of Debian write for themselves."""
        found = set()
        for folder, folders, names in os.walk(self.root):
            here = Path(folder).relative_to(self.root).as_posix()
            prefix = "" if here == "." else f"{here}/"
            found |= {prefix + name for name in [*folders, *names]}
            folders[:] = [name for name in folders if f"{prefix}{name}/" not in NOT_COMPARED]
        return {path for path in found if not path.startswith(NOT_COMPARED)}

    @contextmanager
    def booted(self) -> Iterator[None]:
        """systemd runs in it until the end of the block."""
        nspawn = shutil.which("systemd-nspawn")
        if nspawn is None:
            raise missing("systemd-nspawn is not installed")
        # Else it may fetch lists, or write backups and stamps, while we look on.
        self.run("systemctl", "mask", "timers.target")
        name = f"pitot-test-{os.getpid()}"
        container = Server([nspawn, "--quiet", "--directory", str(self.root), "--machine", name,
                            "--register=no", "--keep-unit", "--private-network", "--console=pipe",
                            "--boot"], self._scene.folder / "system.log")
        try:
            self._leader = self._wait_for_systemd(container)
            yield
        finally:
            if self._leader is not None:
                self.attempt("systemctl", "poweroff", "--force")
                self._leader = None
                try:
                    container.process.wait(BOOT_LIMIT_S)
                except subprocess.TimeoutExpired:
                    pass
            container.kill()
            for leftover in ("propagate", "unix-export"):
                shutil.rmtree(f"/run/systemd/nspawn/{leftover}/{name}", ignore_errors=True)

    def _wait_for_systemd(self, container: Server) -> int:
        children = Path(f"/proc/{container.process.pid}/task/{container.process.pid}/children")

        def up() -> int | None:
            if container.process.poll() is not None:
                raise Skipped(f"systemd-nspawn: {container.said()[-500:]}")
            for child in children.read_text().split():
                self._leader = int(child)
                said = self.attempt("systemctl", "is-system-running").stdout.strip()
                # "degraded": a unit of the system itself does not like a container.
                if said in ("running", "degraded"):
                    return self._leader
            self._leader = None
            return None

        try:
            leader = wait_until(up, "systemd in the container", BOOT_LIMIT_S)
        except Failure as failure:
            raise Skipped(f"{failure}; {container.said()[-500:]}") from None
        assert leader is not None
        return leader
