"""A machine for a drill: this one's programs, and folders, units and an engine of its own at the places that a shipped
policy names, so that the policy runs as it is. Needs root; nothing outside the test's folder is touched."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

from harness.engine import Engine
from harness.own_network import OwnNetwork
from harness.waiting import wait_for

# Where a folder of the test's own lies; where a place may be missing here, its parent is covered.
PLACES = ("/etc/rollbackd", "/etc/nginx", "/var/backups", "/var/log/nginx", "/var/log/control", "/var/log/postgresql",
          "/var/lib/rollbackd", "/var/lib/control", "/srv", "/opt", "/run", "/usr/local/sbin")
COVERED = ("/etc", "/var")
# Found by containers, which are made of this machine's programs.
BASE_LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}
# What systemd does for the policy's units, by functions in files: drills have no systemd (tests/drills has).
SYSTEMCTL = r"""#!/bin/sh
verb= unit= property=
for word; do
    case $word in
        --property=*) property=${word#--property=} ;;
        -*) ;;
        *) [ -n "$verb" ] && unit=$word || verb=$word ;;
    esac
done
file=/run/units/$unit
known=$([ -f "$file" ] && echo loaded || echo not-found)
[ "$known" = not-found ] || . "$file"
case $verb in
    show)
        case $property in
            LoadState) echo "$known" ;;
            ActiveState) is_on && echo active || echo inactive ;;
            SubState) is_on && echo running || echo dead ;;
            InvocationID) cat "$file.starts" 2>/dev/null || echo 0 ;;
            Type) echo simple ;;
            *) echo ;;
        esac
        exit 0 ;;
    start) is_on && exit 0 ;;
    stop) stop; exit ;;
    restart) stop ;;
    reload) reload; exit ;;
    *) echo "$unit: $verb"; exit 0 ;;
esac
begin </dev/null >>"$file.log" 2>&1 || exit 1
date +%s%N >"$file.starts"
"""
HOLD = """set -e
mount -t tmpfs none {own}
for part in {covered}; do
    mkdir -p {own}$part/upper {own}$part/work
    mount -t overlay overlay -o lowerdir=$part,upperdir={own}$part/upper,workdir={own}$part/work $part
done
for place in {places}; do mkdir -p $place; mount --bind {root}$place $place; done
touch {root}/held
exec sleep infinity
"""


def why_no_machine() -> str | None:
    return None if os.geteuid() == 0 else "a machine of its own needs root"


class DrillEngine(Engine):
    """Inside, at the place where everybody looks for it."""

    def __init__(self, machine: "Machine", folder: Path):
        super().__init__(folder)
        self.machine = machine
        self.socket = "/run/docker.sock"
        self.exec_root = "/run/docker"    # its sockets' paths may have no more than 104 characters

    def server(self) -> list[str]:
        return [*self.machine.enter, *super().server()]

    def client(self) -> list[str]:
        return [*self.machine.enter, "/usr/bin/docker"]

    def answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"the engine ended: {self.log_tail()}")
        return self.docker("info").returncode == 0


class Machine:
    def __init__(self, folder: Path, network: OwnNetwork | None = None):
        self.folder, self.root = folder, folder / "root"
        own = folder / "own"
        own.mkdir(parents=True)
        for place in PLACES:
            self.path(place).mkdir(parents=True)
        script = HOLD.format(own=own, root=self.root, covered=" ".join(COVERED), places=" ".join(PLACES))
        self.holder = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                                       stdin=subprocess.DEVNULL, stderr=(folder / "holder.log").open("ab"))
        wait_for((self.root / "held").exists, what=f"the machine; {folder}/holder.log")
        self.enter = ("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--")
        self.program("systemctl", SYSTEMCTL)
        self.program("docker", '#!/bin/sh\nexec /usr/bin/docker "$@"\n')
        # Where it shares this machine's network, no drill closes its ports.
        for firewall in ("ufw", "iptables", "ip6tables", *([] if network else ["nft"])):
            self.without(firewall)
        self.path("/run/units").mkdir()
        self.path("/run/sshd").mkdir(mode=0o755)
        self.engine: DrillEngine | None = None

    def path(self, place: str) -> Path:
        """Where the test finds what the machine has there."""
        return Path(f"{self.root}{place}")

    def program(self, name: str, text: str) -> None:
        """A program that is found before any other of its name."""
        self.put(self.path(f"/usr/local/sbin/{name}"), text, 0o755)

    def put(self, file: Path, text: str, mode: int) -> None:
        """Whoever looks meanwhile, or calls it, finds one or the other."""
        fresh = file.with_name(f".{file.name}.new")
        fresh.write_text(text)
        fresh.chmod(mode)
        fresh.rename(file)

    def without(self, name: str) -> None:
        """As if it were not installed."""
        self.program(name, f'#!/bin/sh\necho "{name}: not found" >&2\nexit 127\n')

    def small_disk(self, place: str, kilobytes: int) -> None:
        """A disk of its own there, with what was there; `machine.path` does not see it, `machine.run` does."""
        self.run("sh", "-c", 'mkdir /srv/moved && cp -a "$1/." /srv/moved/ && mount -t tmpfs -o "size=$2k" none "$1" && '
                 'cp -a /srv/moved/. "$1/" && rm -rf /srv/moved', "sh", place, str(kilobytes))

    def fill(self, place: str, percent: int) -> None:
        """So full is its disk then."""
        self.run("sh", "-c", 'set -- "$1" $(df --output=size,used "$(dirname "$1")" | tail -n 1) "$2"; '
                 'tr "\\0" "\\n" </dev/zero | head -c "$((($2 * $4 / 100 - $3) * 1024))" >>"$1"', "sh", place, str(percent))

    def read_only(self, place: str) -> None:
        """Nobody writes there any more, not even root, until `writable`."""
        self.run("sh", "-c", 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"', "sh", place)

    def writable(self, place: str) -> None:
        self.run("umount", place)

    def secret(self, name: str, text: str) -> None:
        self.put(self.path(f"/etc/rollbackd/{name}"), text, 0o600)

    def trust(self, certificate: Path, name: str, address: str = "127.0.0.1") -> None:
        """As if a public authority had issued it, and the name led here."""
        kept = self.path(f"/srv/{name}.pem")
        kept.write_bytes(certificate.read_bytes())
        self.run("sh", "-c", f'cat /srv/{name}.pem >> /etc/ssl/certs/ca-certificates.crt; echo "{address} {name}" >> /etc/hosts; '
                 f'cp /srv/{name}.pem "/etc/ssl/certs/$(openssl x509 -noout -hash -in /srv/{name}.pem).0"')

    def unit(self, name: str, begin: str, stop: str, is_on: str, reload: str = "true") -> None:
        self.path(f"/run/units/{name}").write_text(
            f"begin() {{ {begin}; }}\nstop() {{ {stop}; }}\nis_on() {{ {is_on}; }}\nreload() {{ {reload}; }}\n")

    def run(self, *argv: str, check: bool = True, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        done = subprocess.run([*self.enter, *argv], capture_output=True, text=True, timeout=300,
                              env={**os.environ, "PATH": f"/usr/local/sbin:{os.environ['PATH']}", **(env or {})})
        assert not check or done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done

    def git(self, folder: str, *arguments: str, **env: str) -> str:
        who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER")
               for part, value in (("NAME", "dev"), ("EMAIL", "dev@example.com"))}
        return self.run("git", "-C", folder, *arguments, env={**who, **env}).stdout.strip()

    def start_engine(self) -> DrillEngine:
        """dockerd, with an image that runs this machine's programs: /usr is mounted into its containers."""
        folder = self.folder / "engine"
        folder.mkdir()
        self.engine = DrillEngine(self, folder)
        self.engine.start()
        done = subprocess.run([*self.engine.client(), "import", "-", "base:1"], input=base_image(), capture_output=True)
        assert done.returncode == 0, done.stderr
        return self.engine

    def start_nginx(self, site: str, more: str = "") -> None:
        """The unit nginx.service: one server block, and the files that steps write are there from the start."""
        config = self.path("/etc/nginx/nginx.conf")
        temporary = " ".join(f"{kind}_temp_path /run/nginx-{kind};" for kind in
                             ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(f"worker_processes 1; pid /run/nginx.pid; error_log /var/log/nginx/error.log;\nevents {{}}\n"
                          f"http {{ {temporary}\n{more}\nserver {{ {site} }} }}\n")
        on = "[ -s /run/nginx.pid ] && kill -0 $(cat /run/nginx.pid) 2>/dev/null"
        self.unit("nginx.service", "nginx", f"nginx -s stop; while {on}; do sleep 0.05; done", on, "nginx -s reload")
        self.run("systemctl", "start", "nginx.service")

    def stop(self) -> None:
        if self.engine:
            self.engine.stop()
        self.holder.terminate()
        self.holder.wait(60)


def base_image() -> bytes:
    """Nothing but names: the programs are this machine's, and /usr is mounted where a container is made of it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("usr", "sbin", "tmp", "etc", "app", "run", "var"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, target in BASE_LINKS.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return out.getvalue()
