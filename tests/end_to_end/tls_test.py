#!/usr/bin/env python3
"""The binary against a Pushgateway that wants TLS, a client certificate and a password: what
was sent is there to the unit, a certificate that nobody checks is warned about by `check` and
at each start, and the password is in nothing that the agent says.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
from base64 import b64encode
from pathlib import Path

from harness import (DEADLINE_S, Pushgateway, Scene, Skipped, binary, expect, expect_equal, main,
                     toml)

PASSWORD = "open sesame"
PASSWORD_BCRYPT = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
WARNING = "sinks.push.tls_verify: is false"
LINES = 1000


class Certificates:
    """An authority, and a certificate for the server and one for clients, by openssl."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            raise Skipped("openssl is not installed")
        self._folder = folder
        self.ca = folder / "ca.pem"
        self._openssl("req", "-x509", *self._new_key("ca"), "-out", str(self.ca), "-days", "2",
                      "-subj", "/CN=End-to-end Authority")
        self.server = self._issue("server", "subjectAltName=IP:127.0.0.1")
        self.client = self._issue("client", "subjectAltName=DNS:agent")

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"openssl {arguments}: {done.stderr}")

    def _new_key(self, name: str) -> list[str]:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                str(self._folder / f"{name}.key")]

    def _issue(self, name: str, names: str) -> tuple[str, str]:
        """Its certificate and its key."""
        request = self._folder / f"{name}.csr"
        certificate = self._folder / f"{name}.pem"
        self._openssl("req", *self._new_key(name), "-subj", f"/CN={name}", "-addext", names,
                      "-out", str(request))
        self._openssl("x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey",
                      str(self._folder / "ca.key"), "-CAcreateserial", "-days", "2",
                      "-copy_extensions", "copy", "-out", str(certificate))
        return str(certificate), str(self._folder / f"{name}.key")


class TlsPushgateway(Pushgateway):
    """It wants TLS, a certificate of our authority, and the password."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        self.certificates = Certificates(folder)
        certificate, key = self.certificates.server
        config = folder / f"{name}.yml"
        config.write_text(
            f"tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n"
            "  client_auth_type: RequireAndVerifyClientCert\n"
            f"  client_ca_file: {self.certificates.ca}\n"
            f"basic_auth_users:\n  me: {PASSWORD_BCRYPT}\n")
        self.arguments = (f"--web.config.file={config}",)
        self.headers = {"Authorization": "Basic " + b64encode(f"me:{PASSWORD}".encode()).decode()}

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def connection(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(self.certificates.ca))
        context.load_cert_chain(*self.certificates.client)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE_S,
                                           context=context)


def settings(scene: Scene, gateway: TlsPushgateway, instance: str,
             trust: dict[str, object]) -> dict[str, object]:
    """An agent that pushes there."""
    secret = scene.folder / "password"
    secret.write_text(PASSWORD + "\n")
    certificate, key = gateway.certificates.client
    return {
        "interval": "10s",
        "listeners": {"udp": {"type": "udp", "address": "127.0.0.1:0"}},
        "sinks": {"push": {
            "type": "pushgateway", "url": gateway.url, "instance": instance, "username": "me",
            "password": {"file": str(secret)}, "tls_certificate_file": certificate,
            "tls_key_file": key, **trust}},
    }


def test_tls(scene: Scene) -> str:
    """With the authority trusted, and with anybody trusted."""
    gateway = TlsPushgateway(scene.folder, "gateway")
    scene.ends_with(gateway.kill)
    gateway.start()
    for instance, trust in (("trusted", {"tls_ca_file": str(gateway.certificates.ca)}),
                            ("anybody", {"tls_verify": False})):
        config = settings(scene, gateway, instance, trust)
        file = scene.folder / f"{instance}.toml"
        file.write_text(toml(config) + "\n")
        checked = subprocess.run([str(binary()), "check", str(file)], capture_output=True,
                                 text=True, check=False)
        expect_equal(f"check of {instance}: {checked.stderr}", checked.returncode, 0)

        agent = scene.agent(config)
        client = scene.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(agent.address("udp"))
        for _ in range(LINES):
            client.send(b"landed:3|c")
        ledger = agent.stop({"udp": LINES})
        expect_equal("points lost", sum(ledger.sinks["push"]["lost"].values()), 0)
        expect_equal(f"sum of {instance}", gateway.group(instance).sum("landed_total"), 3 * LINES)
        for who, said in (("check", checked.stderr), ("run", agent.said())):
            is_unverified = "tls_verify" in trust
            expect_equal(f"{who} warns", said.count(f"{WARNING}"), int(is_unverified))
            expect(PASSWORD not in said, f"{who} must not say the password: {said}")
    return f"{2 * LINES} lines over TLS, exact; tls_verify = false is warned about"


if __name__ == "__main__":
    main(test_tls)
