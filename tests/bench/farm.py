"""What is probed: one nginx with as many addresses as asked for, and a log that counts the probes."""

import os
import subprocess
from pathlib import Path

from harness import free_port, wait_for

CONF = """\
daemon off;
pid {folder}/nginx.pid;
{user}
worker_processes 1;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format hit "$uri";
    access_log {folder}/hits.log hit;
    client_body_temp_path {folder}/tmp/body;
    proxy_temp_path {folder}/tmp/proxy;
    fastcgi_temp_path {folder}/tmp/fastcgi;
    uwsgi_temp_path {folder}/tmp/uwsgi;
    scgi_temp_path {folder}/tmp/scgi;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 "ok\\n"; }}
        location /static/ {{ root {folder}; access_log off; }}
    }}
}}
"""


class Farm:
    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        (folder / "tmp").mkdir(parents=True)
        user = "user nobody nogroup;" if os.geteuid() == 0 else ""
        conf = folder / "nginx.conf"
        conf.write_text(CONF.format(folder=folder, port=self.port, user=user))
        self._process = subprocess.Popen(
            ["nginx", "-p", str(folder), "-c", str(conf), "-e", str(folder / "error.log")],
            stdin=subprocess.DEVNULL, start_new_session=True)
        wait_for(lambda: (folder / "nginx.pid").is_file(), 10, "nginx")

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.port}/t/{number:05}"

    def static(self, size: int) -> str:
        """The path of a file of so many bytes."""
        (self.folder / "static").mkdir(exist_ok=True)
        (self.folder / f"static/{size}").write_bytes(b"x" * size)
        return f"/static/{size}"

    def hits(self) -> int:
        """Requests served so far."""
        return (self.folder / "hits.log").read_bytes().count(b"\n")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
