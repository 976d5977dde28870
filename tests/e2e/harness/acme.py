"""An issuer of certificates (Debian's pebble), with a name server that says that every name is this machine."""

import json
import os
import ssl
import subprocess
import urllib.request
from pathlib import Path

from harness.net import free_port
from harness.servers import Server, find_program
from harness.tls import Certificate


class Acme(Server):
    """Certificates of an hour, or so many seconds. `challenge_port` is where it asks, as port 80 elsewhere."""

    def __init__(self, folder: Path, seconds: int = 3600):
        super().__init__(folder)
        self.seconds = seconds
        self.challenge_port, self.dns_port, self.management_port, self.root_port = (free_port() for _ in range(4))
        made = Certificate(folder / "own", san="DNS:localhost")
        self.certificate, self.key = made.path, made.key
        self.names: subprocess.Popen | None = None

    def argv(self) -> list[str]:
        with open(self.folder / "names.log", "ab") as log:
            self.names = subprocess.Popen(
                [find_program("pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01",
                 f"127.0.0.1:{self.dns_port}", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management",
                 f"127.0.0.1:{self.management_port}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        config = self.folder / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.root_port}",
            "certificate": str(self.certificate), "privateKey": str(self.key), "httpPort": self.challenge_port,
            "tlsPort": free_port(), "certificateValidityPeriod": self.seconds, "ocspResponderURL": "",
            "externalAccountBindingRequired": False}}))
        return ["env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", find_program("pebble"), "-config", str(config),
                "-dnsserver", f"127.0.0.1:{self.dns_port}"]

    def ready(self) -> bool:
        return b"Listening on" in (self.folder / "log").read_bytes()

    def root(self) -> Path:
        """The authority that it issues by."""
        file = self.folder / "root.pem"
        context = ssl.create_default_context(cafile=self.certificate)
        with urllib.request.urlopen(f"https://localhost:{self.root_port}/roots/0", timeout=5, context=context) as answer:
            file.write_bytes(answer.read())
        return file

    def let_end(self, name: str) -> None:
        """The certificate in use ended yesterday."""
        ended = Certificate(self.folder / "ended", san=f"DNS:{name}", from_days=-90, until_days=-1)
        kept = self.folder / "certbot/c/archive" / name
        for part, times in (("cert1", 1), ("chain1", 1), ("fullchain1", 2)):
            (kept / f"{part}.pem").write_bytes(times * ended.path.read_bytes())
        (kept / "privkey1.pem").write_bytes(ended.key.read_bytes())

    @property
    def certbot(self) -> list[str]:
        """Certbot, in folders of this issuer's own."""
        le = self.folder / "certbot"
        return ["/usr/bin/env", f"REQUESTS_CA_BUNDLE={self.certificate}", find_program("certbot"), "--config-dir", f"{le}/c",
                "--work-dir", f"{le}/w", "--logs-dir", f"{le}/l"]

    @property
    def first(self) -> list[str]:
        """What certbot must be told the first time."""
        return ["--server", f"https://localhost:{self.port}/dir", "--agree-tos", "--register-unsafely-without-email",
                "--http-01-port", str(self.challenge_port), "--http-01-address", "127.0.0.1"]

    def issue(self, name: str) -> None:
        done = subprocess.run([*self.certbot, "-n", "certonly", "--standalone", *self.first, "-d", name],
                              capture_output=True, text=True, timeout=300, env=os.environ)
        assert done.returncode == 0, done.stdout + done.stderr

    def live(self, name: str, what: str = "fullchain") -> Path:
        return self.folder / f"certbot/c/live/{name}/{what}.pem"

    def stop(self, *how) -> None:
        super().stop(*how)
        if self.names:
            self.names.terminate()
            self.names.wait(60)
            self.names = None
