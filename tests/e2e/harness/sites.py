"""Web servers that write access logs: real ones, each with a few sites whose answers are said by their paths
(/ok, /bad: 502, /gone: 404)."""

import http.client
import signal
from pathlib import Path

from harness.servers import Server, find_program
from harness.waiting import wait_for

JSON_LINE = (r"""escape=json '{"at":"$sent","code":$status,"target":"$request_uri",' """
             r"""'"event":{"id":"$http_x_event","by":"$http_x_provider"},"took":$request_time}'""")
TIMED_LINE = """'$remote_addr|$time_iso8601|$request|$status|$request_time'"""
TIMED_PATTERN = r"^(?P<client>[^|]+)\|(?P<time>[^|]+)\|(?P<request>[^|]*)\|(?P<status>\d{3})\|(?P<latency>[\d.]+)$"


class Site(Server):
    """One server with several sites, told apart by the host that is asked for."""

    def __init__(self, folder: Path, **formats: str):
        super().__init__(folder)
        self.formats = formats      # a site's name, and how its log is written

    def log(self, site: str) -> Path:
        return self.folder / f"{site}.access.log"

    def ready(self) -> bool:
        return self.ask("none", "/ok") == 200

    def ask(self, site: str, path: str, **headers: str) -> int:
        """One request; its line is written before the answer ends."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers={"Host": f"{site}.example.com", **named})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def many(self, site: str, **counts: int) -> None:
        for path, count in counts.items():
            for _ in range(count):
                self.ask(site, f"/{path}")

    def configure(self) -> Path:
        raise NotImplementedError

    def add(self, site: str, form: str) -> None:
        """One more site, and the server is told to read its configuration again."""
        before = self.workers()
        self.formats[site] = form
        self.configure()
        self.process.send_signal(signal.SIGHUP)
        wait_for(self.log(site).exists, what=f"the log of {site}")
        wait_for(lambda: not before & self.workers(), what="those who do not know it yet to end")
        wait_for(lambda: self.ask(site, "/ok") == 200 and self.log(site).stat().st_size > 0)

    def workers(self) -> set[str]:
        pid = self.process.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


class NginxSite(Site):
    def configure(self) -> Path:
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        answers = ("location / { return 200; } location /bad { return 502; } location /gone { return 404; }")
        sites = "".join(f"server {{ listen 127.0.0.1:{self.port}; server_name {site}.example.com; "
                        f"access_log {self.log(site)} {form}; {answers} }}\n" for site, form in self.formats.items())
        file = self.folder / "nginx.conf"
        file.write_text(f"""daemon off; worker_processes 1; pid {self.folder}/pid;
events {{}}
http {{ {temporary}
map $http_x_sent $sent {{ "" $time_iso8601; default $http_x_sent; }}
log_format json_line {JSON_LINE}; log_format timed {TIMED_LINE};
server {{ listen 127.0.0.1:{self.port} default_server; access_log off; {answers} }}
{sites} }}
""")
        return file

    def argv(self) -> list[str]:
        return [find_program("nginx"), "-p", str(self.folder), "-c", str(self.configure()), "-e",
                str(self.folder / "error.log")]

    def rotate(self, site: str) -> None:
        """As logrotate does: renamed, then the server is told to open a new one."""
        log = self.log(site)
        last = len(list(self.folder.glob(f"{log.name}.*")))
        for n in range(last, 0, -1):
            Path(f"{log}.{n}").rename(f"{log}.{n + 1}")
        log.rename(f"{log}.1")
        self.process.send_signal(signal.SIGUSR1)
        wait_for(log.exists)


class ApacheSite(Site):
    MODULES = ("mpm_event", "authz_core", "alias", "rewrite")

    def configure(self) -> Path:
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in self.MODULES)
        answers = ("RewriteEngine on\nRewriteRule ^/bad - [R=502,L]\nRewriteRule ^/gone - [R=404,L]\n"
                   "RewriteRule ^/ok - [R=204,L]\n")
        sites = "".join(f'<VirtualHost *:{self.port}>\nServerName {site}.example.com\nCustomLog "{self.log(site)}" {form}\n'
                        f"{answers}</VirtualHost>\n" for site, form in self.formats.items())
        file = self.folder / "apache.conf"
        file.write_text(f"""ServerRoot {self.folder}
ServerName localhost
Listen 127.0.0.1:{self.port}
PidFile {self.folder}/pid
DefaultRuntimeDir {self.folder}
ErrorLog {self.folder}/error.log
DocumentRoot {self.folder}
User nobody
Group nogroup
{modules}
LogFormat "%h %l %u %t \\"%r\\" %>s %O" common
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" vhost_combined
<VirtualHost *:{self.port}>
ServerName none.example.com
{answers}</VirtualHost>
{sites}""")
        return file

    def argv(self) -> list[str]:
        return [find_program("apache2"), "-D", "FOREGROUND", "-f", str(self.configure())]

    def ready(self) -> bool:
        return self.ask("none", "/ok") == 204
