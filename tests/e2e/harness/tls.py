"""Certificates with any fault, and a server on loopback that shows them."""

import socket
import ssl
import subprocess
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

CONFIG = """\
[ca]
default_ca = here
[here]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = {digest}
policy = any
unique_subject = no
[any]
commonName = supplied
[leaf]
subjectAltName = {san}
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
"""


class Certificate:
    """Signed by itself, unless an authority is the issuer; `from_days` and `until_days` count from now."""

    def __init__(self, folder: Path, san: str = "DNS:shop.example.com,IP:127.0.0.1",
                 from_days: float = -1, until_days: float = 90, issuer: "Certificate | None" = None,
                 authority: bool = False, digest: str = "sha256",
                 cn: str = "shop.example.com"):
        folder.mkdir(parents=True)
        self.path, self.key = folder / "cert.pem", folder / "key.pem"
        config, request = folder / "config", folder / "request"
        (folder / "index").touch()
        (folder / "serial").write_text("01\n")
        config.write_text(CONFIG.format(folder=folder, san=san, digest=digest))
        run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={folder.name if authority else cn}", "-keyout", self.key, "-out", request)
        signer = ("-selfsign", "-keyfile", self.key)
        if issuer is not None:
            signer = ("-cert", issuer.path, "-keyfile", issuer.key)
        run("ca", "-batch", *signer, "-config", config, "-extensions", "authority" if authority else "leaf",
            "-in", request, "-out", self.path, "-notext", "-startdate", moment(from_days),
            "-enddate", moment(until_days))


class TlsServer:
    """Answers each request with 200; `show()` changes the certificate, `down()` refuses."""

    def __init__(self, certificate: Certificate):
        self.show(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def show(self, certificate: Certificate) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")   # it shows what nobody should accept
        context.load_cert_chain(certificate.path, certificate.key)
        self._context = context

    def down(self) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                raw = listener.accept()[0]
            except OSError:
                return
            try:
                raw.settimeout(5)
                with self._context.wrap_socket(raw, server_side=True) as peer:
                    if peer.recv(65536):
                        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                raw.close()


def run(*arguments: object) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def moment(days: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")
