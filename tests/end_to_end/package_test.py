#!/usr/bin/env python3
"""The Debian package: what is in it, what its pages and completions are worth, and its life in
a clean Debian system: installed, used, changed, upgraded, removed, purged. Where the machine
allows it systemd runs there, with everything that the unit asks of it.
"""

from __future__ import annotations

import atexit
import functools
import gzip
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from debian_system import APT_INSTALL, DebianSystem
from harness import ROOT, Scene, Skipped, expect, expect_equal, main, wait_until

MAKE_LIMIT_S = 1000  # a first build on a busy machine
EXPOSURE_TENTHS_MAX = 15  # as systemd-analyze counts: 0 is nothing, 100 all
FILES_LIMIT_S = 1150
CONFIG = "/etc/pitot/pitot.toml"
DYNAMIC_USER_FIRST = 61184  # systemd.exec(5)


def said(*command: str | Path, **options: object) -> str:
    """What a command that must succeed says; nothing of it is lost when it does not."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, check=False, **options)
    expect(done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n"
                                 f"{done.stdout}{done.stderr}")
    return done.stdout


@functools.cache
def package() -> Path:
    """Made once, from the binary that packaging/quickstart builds."""
    folder = tempfile.mkdtemp(prefix="pitot-package-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(said(ROOT / "packaging/make-deb", folder, timeout=MAKE_LIMIT_S).strip())


@functools.cache
def unpacked() -> Path:
    """Its files, below a folder."""
    folder = package().parent / "unpacked"
    said("dpkg-deb", "--extract", package(), folder)
    return folder


def field(name: str) -> str:
    """Of the package's control file."""
    return said("dpkg-deb", "--field", package(), name).strip()


def dependencies() -> list[str]:
    """The names of packages that it needs."""
    return [each.split()[0] for each in field("Depends").split(", ")]


def repacked(scene: Scene, version: str, config: str = "") -> Path:
    """The package as a later version of itself, with one file changed, one gone, and the
    configuration that it ships extended."""
    folder = scene.folder / version
    said("dpkg-deb", "--raw-extract", package(), folder)
    control = folder / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(),
                              flags=re.MULTILINE))
    documents = folder / "usr/share/doc/pitot"
    (documents / "README.Debian").write_text(version)
    (documents / "examples/pitot.toml").unlink()
    shipped = folder / CONFIG.lstrip("/")
    shipped.write_text(shipped.read_text() + config)
    deb = scene.folder / f"pitot_{version}.deb"
    said("dpkg-deb", "--build", "--root-owner-group", "-Znone", folder, deb)
    return deb


def test_the_same_bytes(_: Scene) -> str:
    """Made twice, the package is the same to the last bit."""
    again = package().parent / "again"
    said(ROOT / "packaging/make-deb", again, timeout=MAKE_LIMIT_S)
    expect_equal("the second package", (again / package().name).read_bytes() ==
                 package().read_bytes(), True)
    return f"{package().name}, {package().stat().st_size / 1e6:.1f} MB"


def test_what_is_in_it(_: Scene) -> str:
    """Files where Debian has them, with Debian's rights; Debian's own checker is content."""
    modes = {}
    for line in said("dpkg-deb", "--contents", package()).splitlines():
        mode, owner, _, _, _, name = line.split()[:6]
        expect_equal(f"owner of {name}", owner, "root/root")
        modes[name.removeprefix("./").rstrip("/")] = mode
    wanted = {"usr/bin/pitot": "-rwxr-xr-x", "etc/pitot/pitot.toml": "-rw-r--r--",
              "etc/pitot/conf.d": "drwxr-xr-x"}
    for name in ("lib/systemd/system/pitot.service", "lib/systemd/system/pitot.socket",
                 "share/man/man1/pitot.1.gz", "share/man/man5/pitot.toml.5.gz",
                 "share/bash-completion/completions/pitot", "share/zsh/vendor-completions/_pitot",
                 "share/fish/vendor_completions.d/pitot.fish", "share/doc/pitot/copyright",
                 "share/doc/pitot/changelog.gz", "share/doc/pitot/changelog.Debian.gz",
                 "share/doc/pitot/README.Debian", "share/doc/pitot/examples/pitot.toml",
                 "share/doc/pitot/examples/alerts.toml", "share/doc/pitot/alert-rules.md"):
        wanted[f"usr/{name}"] = "-rw-r--r--"
    expect_equal("rights", {name: modes.get(name) for name in wanted}, wanted)
    expect({"libc6", "libssl3"} <= set(dependencies()),
           f"the libraries must be dependencies, got {dependencies()}")
    shared = [name for name in dependencies() if re.match(r"libstdc|libgcc|libfmt|libspd", name)]
    expect_equal("C++ libraries that are not in the program", shared, [])
    conffiles = said("dpkg-deb", "--info", package(), "conffiles").split()
    expect_equal("conffiles", conffiles, [CONFIG])
    stripped = said("readelf", "--sections", unpacked() / "usr/bin/pitot")
    expect(".debug_info" not in stripped, "the binary must be stripped")

    if shutil.which("lintian") is None:
        return f"{len(modes)} files and folders (lintian is not installed)"
    found = said("lintian", "--allow-root", "--fail-on", "error,warning", package())
    expect_equal("lintian", [line for line in found.splitlines() if line[:2] in ("E:", "W:")], [])
    return f"{len(modes)} files and folders, and lintian finds nothing"


def test_manual_pages(scene: Scene) -> str:
    """They are shown without a warning, and have what their sources have."""
    shown = {}
    for name in ("man1/pitot.1", "man5/pitot.toml.5"):
        page = scene.folder / Path(name).name
        page.write_bytes(gzip.decompress(
            (unpacked() / f"usr/share/man/{name}.gz").read_bytes()))
        for command in (["groff", "-ww", "-man", "-Kutf8", "-z"], ["mandoc", "-Tlint", "-Wall"]):
            if shutil.which(command[0]) is None:
                continue
            done = subprocess.run([*command, str(page)], capture_output=True, text=True,
                                  check=False)
            expect_equal(" ".join([*command, name]), done.stdout + done.stderr, "")
        if shutil.which("man"):
            environment = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
            done = subprocess.run(["man", "--warnings", "--local-file", str(page)],
                                  capture_output=True, text=True, check=False, env=environment)
            expect_equal(f"man --warnings {name}", (done.returncode, done.stderr), (0, ""))
            shown[page.name] = done.stdout
    if not shown:
        raise Skipped("man is not installed")
    binary = unpacked() / "usr/bin/pitot"
    for command in re.findall(r"^  pitot (\w+)", said(binary, "help"), flags=re.MULTILINE):
        for option in re.findall(r"^  (--[\w-]+)", said(binary, "help", command),
                                 flags=re.MULTILINE):
            expect(option in shown["pitot.1"], f"{command} {option} is not in pitot(1)")
    for option in re.findall(r"^#?(\w+) = ", (ROOT / "conf/pitot.toml").read_text(),
                             flags=re.MULTILINE):
        expect(re.search(rf"^ +{option} = ", shown["pitot.toml.5"], flags=re.MULTILINE),
               f"{option} is not in pitot.toml(5)")
    lines = sum(text.count("\n") for text in shown.values())
    return f"{lines} lines, no warning"


def bash_offers(config: Path, *words: str) -> list[str]:
    """What the package's script offers for the last of these words."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pitot; ' \
             'complete -p pitot >&2; printf "%s\\n" "${COMPREPLY[@]}"'
    path = f"{unpacked() / 'usr/bin'}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script, "bash",
                           str(unpacked() / "usr/share/bash-completion/completions/pitot"),
                           "pitot", *words], capture_output=True, text=True, check=True,
                          env={**os.environ, "PATH": path, "PITOT_CONFIG": str(config)})
    expect_equal("bash's registration", done.stderr.strip(), "complete -F _pitot pitot")
    return done.stdout.split()


def test_completions(scene: Scene) -> str:
    """bash and fish are asked as a user asks them; zsh reads its script."""
    config = scene.folder / "two.toml"
    config.write_text('[sinks.first]\ntype = "console"\n[sinks.second]\ntype = "console"\n')
    other = scene.folder / "one.toml"
    other.write_text('[sinks.third]\ntype = "console"\n')
    cases = [(["ch"], ["check"]), (["run", "--conf"], ["--config"]),
             (["check", "--st"], ["--strict"]), (["explain", "--tags", "l"], ["librato"]),
             (["explain", "--format", "=", "j"], ["json"]),
             (["migrate", "t"], ["telegraf"]), (["help", "mig"], ["migrate"]),
             (["run", "--set", "limits.s"], ["limits.series=", "limits.series_per_metric="]),
             (["once", "--sink", ""], ["first", "second"]),
             (["once", "--config", str(other), "--sink", ""], ["third"]),
             (["once", "--config", "=", str(other), "--sink", "t"], ["third"]),
             (["check", ""], []), (["explain", ""], []), (["nonsense", "--"], [])]
    for words, wanted in cases:
        expect_equal(f"bash's offer for {words}", bash_offers(config, *words), wanted)
    shells = ["bash"]
    if shutil.which("shellcheck"):
        said("shellcheck", "--shell=bash",
             unpacked() / "usr/share/bash-completion/completions/pitot")
    if shutil.which("zsh"):
        said("zsh", "-n", unpacked() / "usr/share/zsh/vendor-completions/_pitot")
        shells.append("zsh (syntax)")
    if shutil.which("fish"):
        script = unpacked() / "usr/share/fish/vendor_completions.d/pitot.fish"
        environment = {**os.environ, "PATH": f"{unpacked() / 'usr/bin'}:{os.environ['PATH']}",
                       "PITOT_CONFIG": str(config), "HOME": str(scene.folder)}
        for line, wanted in (("pitot ch", ["check"]), ("pitot once --sink ", ["first", "second"]),
                             ("pitot explain --dialect s", ["statsd"])):
            offers = said("fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]',
                          script, line, env=environment)
            expect_equal(f"fish's offer for {line}",
                         [offer.split("\t")[0] for offer in offers.splitlines()], wanted)
        shells.append("fish")
    return f"{len(cases)} questions; {', '.join(shells)}"


def page_of_metrics(system: DebianSystem) -> str:
    """What a scraper in the system sees; empty while nobody listens."""
    get = ("exec 3<>/dev/tcp/127.0.0.1/9125 && "
           r"printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3")
    return system.attempt("bash", "-c", get).stdout


def count(system: DebianSystem, name: str) -> None:
    """One line of a client in the system, which is to be seen in its page of metrics."""
    system.run("bash", "-c", f"printf '{name}:1|c\\n' >/dev/udp/127.0.0.1/8125")
    wait_until(lambda: f"\n{name}_total 1" in page_of_metrics(system), f"{name} to be counted")


def shown(system: DebianSystem, name: str) -> str:
    """What systemd says of the service."""
    return system.run("systemctl", "show", "--value", f"--property={name}", "pitot").strip()


def install(system: DebianSystem, deb: Path, *options: str) -> str:
    """As an administrator does: apt brings what it needs."""
    shutil.copy(deb, system.path(deb.name))
    answer = system.run(*APT_INSTALL, *options, f"/{deb.name}")
    system.path(deb.name).unlink()
    return answer


def append(system: DebianSystem, path: str, text: str) -> None:
    """An administrator's edit."""
    with system.path(path).open("a") as file:
        file.write(text)


def check_sandbox(system: DebianSystem) -> str:
    """The service is nobody, may become nobody else, and asks the kernel for little."""
    status = dict(line.split(":\t", 1) for line in
                  system.run("cat", f"/proc/{shown(system, 'MainPID')}/status").splitlines())
    user = int(status["Uid"].split()[0])
    expect(user >= DYNAMIC_USER_FIRST, f"a user of its own was expected, got {user}")
    expect_equal("privileges", (int(status["CapEff"], 16), int(status["CapBnd"], 16),
                                status["NoNewPrivs"], status["Seccomp"]), (0, 0, "1", "2"))
    return f"user {user}"


def check_faults_and_secrets(system: DebianSystem) -> None:
    """A wrong configuration is told where it is looked for; a secret comes by systemd."""
    good = system.path(CONFIG).read_text()
    append(system, CONFIG, "[limits]\nserise = 5\n")
    expect(system.attempt("systemctl", "restart", "pitot").returncode != 0, "must not start")
    expect_equal("the reason", shown(system, "ExecMainStatus"), "78")
    # Else it would be "auto-restart".
    expect_equal("state, attempts", (shown(system, "SubState"), shown(system, "NRestarts")),
                 ("failed", "0"))
    journal = system.run("journalctl", "--unit=pitot", "--output=cat", "--no-pager")
    expect("limits.serise: unknown option; did you mean `series`?" in journal,
           f"the journal must have the message, got {journal[-2000:]}")

    system.path("/etc/pitot/token").write_text("s3cret\n")
    system.path("/etc/pitot/token").chmod(0o600)
    drop_in = system.path("/etc/systemd/system/pitot.service.d/token.conf")
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nLoadCredential=token:/etc/pitot/token\n")
    system.path(CONFIG).write_text(good)
    system.path("/etc/pitot/conf.d/mine.toml").write_text(
        'interval = "1s"\n[sinks.history]\ntype = "influxdb"\nurl = "http://127.0.0.1:1"\n'
        'org = "o"\nbucket = "b"\ntoken = { credential = "token" }\n')
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", "pitot")
    count(system, "with_a_secret")
    journal = system.run("journalctl", "--unit=pitot", "--output=cat", "--no-pager")
    expect("s3cret" not in journal, "the secret must not be told")


def check_socket_activation(system: DebianSystem) -> None:
    """With pitot.socket, the first line starts the service, and is counted by it."""
    system.run("systemctl", "stop", "pitot")
    system.run("systemctl", "enable", "--now", "pitot.socket")
    expect_equal("before", shown(system, "ActiveState"), "inactive")
    count(system, "woken")
    expect_equal("after", shown(system, "ActiveState"), "active")


def check_purged(system: DebianSystem, before: set[str], of_administrator: set[str]) -> None:
    """Nothing of the package is left."""
    of_dpkg = [path.name for path in system.path("/var/lib/dpkg/info").glob("pitot.*")]
    expect_equal("what dpkg remembers", of_dpkg, [])
    after = system.files()
    expect_equal("left behind", after - before, of_administrator)
    expect_equal("gone", before - after, set())


def test_life_with_systemd(scene: Scene) -> str:
    """It runs as soon as it is installed, tells what is wrong, is handed secrets and sockets,
    is restarted by an upgrade, and is gone when it is purged."""
    system = DebianSystem(scene, dependencies())
    with system.booted():
        system.run(*APT_INSTALL, *dependencies())
        before = system.files()
        install(system, package())
        expect_equal("after installing", shown(system, "ActiveState"), "active")
        expect_equal("enabled", shown(system, "UnitFileState"), "enabled")
        count(system, "first")
        user = check_sandbox(system)
        check_faults_and_secrets(system)
        check_socket_activation(system)

        append(system, CONFIG, "# mine\n")
        process = shown(system, "MainPID")
        install(system, repacked(scene, "0.2.0-1"))
        expect(shown(system, "MainPID") != process, "an upgrade must restart the service")
        count(system, "upgraded")
        expect("# mine" in system.path(CONFIG).read_text(), "the configuration must be kept")

        system.run("apt-get", "remove", "--yes", "pitot")
        expect_equal("after removing", shown(system, "ActiveState"), "inactive")
        expect(system.exists(CONFIG) and system.exists("/var/lib/private/pitot"),
               "configuration and state must be kept")
        system.run("apt-get", "purge", "--yes", "pitot")
        mine = {"etc/pitot", "etc/pitot/conf.d", "etc/pitot/conf.d/mine.toml", "etc/pitot/token",
                "etc/systemd/system/pitot.service.d",
                "etc/systemd/system/pitot.service.d/token.conf"}
        check_purged(system, before, mine)
    return f"a service with {user}, secrets, sockets; upgraded and purged under systemd"


def test_life_without_systemd(scene: Scene) -> str:
    """In a chroot: units are enabled though nothing can be started, choices and edits of the
    administrator outlive upgrades, and a purge leaves what was there before."""
    system = DebianSystem(scene, dependencies())
    system.run(*APT_INSTALL, *dependencies())
    before = system.files()
    install(system, package())
    expect_equal("version", system.run("pitot", "--version").split()[0], "pitot")
    expect(": ok: " in system.run("pitot", "check", "--strict", CONFIG), "it must be right")

    def state(unit: str) -> str:
        return system.attempt("systemctl", "is-enabled", unit).stdout.strip()

    expect_equal("units", (state("pitot.service"), state("pitot.socket")),
                 ("enabled", "disabled"))
    for unit in ("pitot.service", "pitot.socket"):
        complaints = system.attempt("systemd-analyze", "verify", "--man=no",
                                    f"/lib/systemd/system/{unit}").stderr.splitlines()
        # It also tells of a kernel without IPv6, and the like.
        expect_equal(f"systemd-analyze verify {unit}",
                     [line for line in complaints if "pitot" in line], [])
    rated = system.run("systemd-analyze", "security", "--offline=true",
                       f"--threshold={EXPOSURE_TENTHS_MAX}", "/lib/systemd/system/pitot.service")
    exposure = re.search(r"exposure level for pitot.service: ([\d.]+)", rated)
    expect(exposure, f"systemd-analyze must say how open it is, got {rated[-300:]}")

    script = "/var/lib/dpkg/info/pitot.postinst"
    files = system.files()
    system.run(script, "configure", "0.1.0-1")
    expect_equal("configuring twice changes", system.files() ^ files, set())

    system.run("systemctl", "disable", "pitot.service")
    append(system, CONFIG, "# mine\n")
    install(system, repacked(scene, "0.2.0-1"))
    expect("# mine" in system.path(CONFIG).read_text(), "the configuration must be kept")
    expect_equal("files of the new version",
                 system.path("/usr/share/doc/pitot/README.Debian").read_text(), "0.2.0-1")
    expect(not system.exists("/usr/share/doc/pitot/examples/pitot.toml"), "it has no such file")
    # Both sides changed: the administrator's is kept, and dpkg leaves the other one beside it.
    install(system, repacked(scene, "0.3.0-1", "# theirs\n"), "-o",
            "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
    expect("# mine" in system.path(CONFIG).read_text(), "the configuration must be kept")
    expect("# theirs" in system.path(f"{CONFIG}.dpkg-dist").read_text(), "theirs is beside it")
    expect_equal("after the upgrades", state("pitot.service"), "disabled")

    # As systemd makes them for the service.
    for place in ("/var/lib", "/var/log"):
        folder = system.path(f"{place}/private/pitot")
        folder.mkdir(parents=True)
        (folder / "written").write_text("by the service")
        system.path(f"{place}/pitot").symlink_to("private/pitot")
    system.run("apt-get", "remove", "--yes", "pitot")
    expect(system.exists(CONFIG) and system.exists("/var/lib/pitot") and
           not system.exists("/usr/bin/pitot"), "only configuration and state are left")
    system.run("apt-get", "purge", "--yes", "pitot")
    expect(not system.path("/var/log/pitot").is_symlink() and
           not system.exists("/var/log/private/pitot"), "the log must be purged")
    # systemd's own folder, which we made above.
    check_purged(system, before, {"var/lib/private"} - before)
    return f"kept, replaced and purged in a chroot; the unit is {exposure[1]} open"


if __name__ == "__main__":
    main(test_the_same_bytes, test_what_is_in_it, test_manual_pages, test_completions,
         test_life_without_systemd, test_life_with_systemd, limit_s=FILES_LIMIT_S)
