"""The shipped unit, under its own user, on a machine with systemd: the main job, and a restart of the
daemon in the middle of a step."""

import hashlib
import json
import re

import pytest
from harness.api import Api
from harness.net import free_port
from harness.waiting import wait_for

TOKEN = "drill-token-" + "x" * 32
SHOP = """\
import http.server, os
good = open("/srv/shop/behaviour").read().strip() == "ok"    # as it was when the unit started
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if good else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SHOP_UNIT = """\
[Service]
User=deploy
EnvironmentFile=/etc/shop/shop.env
ExecStart=/usr/bin/python3 /opt/shop.py
"""
# Another user's repository, its group may write; an env file of rollbackd's; a log of group adm.
PREPARE = """\
useradd --system --user-group --create-home --home-dir /srv/deploy deploy
usermod -aG deploy rollbackd
install -d -o deploy -g deploy -m 2775 /srv/shop
install -d -o rollbackd -g deploy -m 2775 /etc/shop
printf '# of the shop\\nPORT=%s\\nRELEASE=none\\n' "$1" > /etc/shop/shop.env
chown rollbackd:deploy /etc/shop/shop.env
install -d /var/log/shop
install -o deploy -g adm -m 0640 /dev/null /var/log/shop/access.log
"""
REPOSITORY = """\
umask 002
cd /srv/shop
git init -q -b main --shared=group .
git config user.email dev@example.com
git config user.name "A Developer"
for release in v1:ok v2:fail; do
    echo "${release#*:}" > behaviour
    git add -A
    git commit -q -m "${release%:*}"
    git tag "${release%:*}"
done
git checkout -q --detach v1
"""


def by_hand(script: str) -> dict:
    """A playbook of one step, for a person to run."""
    step = {"exec": {"argv": ["/bin/sh", "-c", script]}, "timeout": "60s"}
    return {"undoes": "nothing", "data_loss": "none", "steps": [step],
            "verify": [{"until": "ok(health)", "within": "8s"}]}


def policy(port: int, shop_port: int, reference: int) -> dict:
    step = {"exec": {"argv": ["/bin/sh", "/opt/gated.sh"]}, "timeout": "60s", "name": "gated"}
    return {
        "version": 1,
        "daemon": {
            "listen": [f"127.0.0.1:{port}"], "store": "sqlite:/var/lib/rollbackd/rollbackd.db",
            "autonomy": "enforce",
            "tokens": [{"name": "drill", "role": "admin", "sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}],
            "limits": {"cooldown": "10s", "settle": "10s", "runs_per_hour": 10, "runs_per_day": 10},
            "references": [{"tcp": {"address": f"127.0.0.1:{reference}"}}],
        },
        "notify": {"ops": {"exec": {"argv": ["/bin/true"]}}},
        "services": {"shop": {
            "watch_window": "10m", "bake": "10m", "start_period": "0s",
            "release": {"version": {"git": "/srv/shop"}},
            "signals": {
                "health": {"http": {"url": f"http://127.0.0.1:{shop_port}/"}, "every": "300ms",
                           "confirm_every": "100ms", "timeout": "1s"},
                "requests": {"access_log": {"path": "/var/log/shop/access.log"}},
            },
            "triggers": {
                "down": {"when": "consecutive_failures(health) >= 3", "severity": "P0",
                         "response": ["code-rollback"]},
                "errors": {"when": "failures(requests, 5m) > 1000000", "severity": "P2", "response": "alert"},
            },
            "playbooks": {
            "wait": by_hand("rm -f /run/gate-2; echo begun >> /var/lib/rollbackd/waited; "
                            "while [ ! -e /run/gate-2 ]; do sleep 0.1; done"),
            "bomb": by_hand("for _ in $(seq 200); do sleep 1000 & done; wait"),
            "code-rollback": {
                "undoes": "release", "risk": "low", "data_loss": "none",
                "steps": [
                    {"git_checkout": {"repo": "/srv/shop", "to": "{{ known_good.version }}"}},
                    {"file_edit": {"file": "/etc/shop/shop.env", "key": "RELEASE",
                                   "value": "{{ known_good.version }}"}},
                    step,
                    {"systemd": {"unit": "shop.service", "do": "restart"}},
                ],
                "verify": [{"until": "ok(health)", "within": "8s"}],
            }},
        }},
    }


class Drill:
    """The shop on the machine, watched by the installed unit."""

    def __init__(self, machine):
        self.machine = machine
        self.port, self.shop_port, self.reference = free_port(), free_port(), free_port()
        self.api = Api(self.port, TOKEN)

    def prepare(self) -> None:
        run = self.machine.run
        run("/bin/sh", "-euc", PREPARE, "prepare", str(self.shop_port))
        self.machine.shell(REPOSITORY, user="deploy")
        self.put("/opt/shop.py", SHOP)
        self.put("/etc/systemd/system/shop.service", SHOP_UNIT)
        self.put("/opt/gated.sh", "echo ran >> /var/lib/rollbackd/ran\n"
                                  "while [ ! -e /run/gate ]; do sleep 0.1; done\n")
        config = json.dumps(policy(self.port, self.shop_port, self.reference))
        self.put("/etc/rollbackd/rollbackd.yaml", config, "root:rollbackd", "0640")
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "shop.service")
        run("systemd-run", "--quiet", "--unit=reference", "/usr/bin/python3", "-m", "http.server",
            "--bind", "127.0.0.1", str(self.reference))
        run("systemctl", "start", "rollbackd.service")

    def put(self, path: str, text: str, owner: str = "root:root", mode: str = "0644") -> None:
        self.machine.run("/bin/sh", "-euc", 'cat > "$1"; chown "$2" "$1"; chmod "$3" "$1"', "put", path, owner,
                         mode, text=text)

    def version(self, name: str) -> str:
        return self.machine.run("git", "-C", "/srv/shop", "rev-parse", name, user="deploy").stdout.strip()

    def deploy(self, name: str, **facts) -> None:
        self.machine.run("git", "-C", "/srv/shop", "checkout", "-q", "--detach", name, user="deploy")
        self.api.must(201, "/v1/services/shop/deployments", {"version": self.version(name), **facts})
        self.machine.run("systemctl", "restart", "shop.service")

    def incident(self) -> dict:
        return self.api.read("/v1/incidents/" + self.api.read("/v1/incidents")["items"][0]["id"])

    def run(self, playbook: str) -> None:
        self.api.must(201, f"/v1/services/shop/playbooks/{playbook}/runs", {"reason": "a drill"})

    def ended(self) -> dict | None:
        """The newest incident's last run, once it is over."""
        runs = self.incident()["runs"]
        over = runs and runs[-1]["state"] in ("succeeded", "failed", "interrupted", "aborted")
        return runs[-1] if over else None

    def step_units(self) -> list[str]:
        """Units of running steps."""
        shown = self.machine.run("systemctl", "list-units", "--plain", "--no-legend", "--state=active",
                                 "rollbackd-step-*").stdout
        return [line.split()[0] for line in shown.splitlines()]


@pytest.fixture(scope="module")
def drill(machine):
    made = Drill(machine)
    made.prepare()
    return made


def test_the_unit_starts_under_its_own_user_and_says_where_steps_run(drill):
    show = drill.machine.run("systemctl", "show", "rollbackd", "-p", "ActiveState,MainPID,User,Type").stdout
    assert "ActiveState=active" in show and "User=rollbackd" in show and "Type=notify" in show
    pid = re.search(r"MainPID=(\d+)", show).group(1)
    assert drill.machine.run("stat", "-c", "%U", f"/proc/{pid}").stdout.strip() == "rollbackd"
    wait_for(lambda: "transient units" in drill.machine.journal(), what="start-up to say where steps run")


def test_the_journal_finds_what_came_of_a_call_and_what_an_incident_was(drill):
    drill.api.must(200, "/v1/pause", {"service": "shop"}, X_Request_Id="drill-7")
    drill.api.must(200, "/v1/resume", {"service": "shop"})

    def found(field: str) -> list[dict]:
        lines = drill.machine.run("journalctl", "-u", "rollbackd", "-o", "json", field).stdout.splitlines()
        return [json.loads(line) for line in lines]

    entries = wait_for(lambda: (got := found("ROLLBACKD_REQUEST=drill-7")) and len(got) > 1 and got, what="its entries")
    assert {"request"} < {entry["ROLLBACKD_EVENT"] for entry in entries}
    assert all(entry["SYSLOG_IDENTIFIER"] == "rollbackd" and entry["PRIORITY"] == "6" for entry in entries)
    assert found("ROLLBACKD_EVENT=ready") and not found("ROLLBACKD_EVENT=nonsense")


def test_a_log_of_group_adm_is_read(drill):
    stamp = drill.machine.run("date", "-u", "+%d/%b/%Y:%H:%M:%S +0000").stdout.strip()
    line = f'192.0.2.7 - - [{stamp}] "GET / HTTP/1.1" 500 1 "-" "-"'
    drill.machine.run("tee", "-a", "/var/log/shop/access.log", text=line + "\n")

    def counted() -> bool:
        triggers = drill.api.read("/v1/services/shop")["triggers"]
        return next(t for t in triggers if t["name"] == "errors")["count"] == 1

    wait_for(counted, what="the line to be counted")


def test_the_main_job_with_a_restart_of_the_daemon_in_mid_step(drill):
    drill.api.must(201, "/v1/services/shop/deployments", {"version": drill.version("v1"), "known_good": True})     # it runs
    wait_for(lambda: drill.api.read("/v1/services/shop")["signals"][0]["state"] == "ok", what="a good sample")
    drill.deploy("v2")
    ran = "/var/lib/rollbackd/ran"
    wait_for(lambda: drill.machine.run("test", "-e", ran, check=False).returncode == 0, 30, "the gated step")
    drill.machine.run("systemctl", "restart", "rollbackd")
    drill.machine.run("touch", "/run/gate")

    def over() -> dict | None:
        incident = drill.incident()
        return incident if incident["state"] == "resolved" else None

    incident = wait_for(over, 40, "the incident to be resolved")
    assert drill.machine.run("cat", ran).stdout == "ran\n"
    run = incident["runs"][0]
    assert [step["state"] for step in run["steps"]] == ["done"] * 4, run["steps"]
    assert drill.version("HEAD") == drill.version("v1")


def test_the_work_tree_and_the_env_file_stay_usable_for_their_owner(drill):
    """Runs after the rollback: what it changed still belongs to whom it belonged."""
    env = drill.machine.run("cat", "/etc/shop/shop.env").stdout
    assert env == f"# of the shop\nPORT={drill.shop_port}\nRELEASE={drill.version('v1')}\n"
    assert drill.machine.run("stat", "-c", "%U:%G", "/etc/shop/shop.env").stdout.strip() == "rollbackd:deploy"
    drill.machine.run("git", "-C", "/srv/shop", "checkout", "-q", "--detach", "v2", user="deploy")
    drill.machine.run("git", "-C", "/srv/shop", "checkout", "-q", "--detach", "v1", user="deploy")


def test_a_reload_with_a_bad_file_keeps_the_unit_running(drill):
    good = drill.machine.run("cat", "/etc/rollbackd/rollbackd.yaml").stdout
    drill.put("/etc/rollbackd/rollbackd.yaml", "version: 1\nnonsense: 1\n", "root:rollbackd", "0640")
    drill.machine.run("systemctl", "reload", "rollbackd")
    wait_for(lambda: "nonsense" in drill.machine.journal(), what="the mistake in the journal")
    assert drill.api.get("/readyz").status == 200
    drill.put("/etc/rollbackd/rollbackd.yaml", good, "root:rollbackd", "0640")
    drill.machine.run("systemctl", "reload", "rollbackd")


def test_without_leave_for_transient_units_start_up_names_what_cannot_work(drill):
    rule, away = "/etc/polkit-1/rules.d/50-rollbackd.rules", "/run/50-rollbackd.rules"
    drill.machine.run("mv", rule, away)
    drill.machine.run("systemctl", "restart", "polkit", "rollbackd")
    wait_for(lambda: "steps run inside rollbackd.service and its sandbox" in drill.machine.journal(),
             what="start-up to say where steps run")
    said = drill.machine.journal()
    for words in ("systemd-run failed", "polkit", "ProtectSystem=strict", "ProtectHome=read-only",
                  "NoNewPrivileges=yes"):
        assert words in said, words
    assert "KillMode=process ends" not in said
    drill.machine.run("mv", away, rule)
    drill.machine.run("systemctl", "restart", "polkit", "rollbackd")
    wait_for(lambda: drill.api.get("/readyz").status == 200)


def test_a_stop_in_mid_step_says_that_the_step_goes_on(drill):
    """The main job above was interrupted by a restart: what the journal said of it."""
    assert "steps_left_running=1" in drill.machine.run("journalctl", "--no-pager", "-u", "rollbackd").stdout


def test_a_daemon_killed_in_mid_step_is_started_again_and_the_step_goes_on(drill):
    """systemd starts it two seconds later; the step in its own unit has not noticed."""
    drill.run("wait")
    waited = "/var/lib/rollbackd/waited"
    wait_for(lambda: drill.machine.run("test", "-e", waited, check=False).returncode == 0, 30, "the step")
    (unit,) = drill.step_units()
    drill.machine.run("systemctl", "kill", "-s", "KILL", "--kill-who=main", "rollbackd")
    wait_for(lambda: drill.machine.run("systemctl", "show", "rollbackd", "-p", "NRestarts").stdout.strip()
             != "NRestarts=0" and drill.api.get("/readyz").status == 200, 30, "systemd to start it again")
    assert drill.step_units() == [unit]
    drill.machine.run("touch", "/run/gate-2")
    run = wait_for(drill.ended, 30, "the run to end")
    assert run["state"] == "succeeded" and run["steps"][0]["exit"] == 0, run
    assert drill.machine.run("cat", waited).stdout == "begun\n"


def test_a_step_that_forks_has_a_limit_and_abort_ends_all_of_it(drill):
    """The limit itself is systemd's: without a pids controller, as here, it would hold nothing."""
    drill.run("bomb")

    def sleepers() -> int:
        return int(drill.machine.run("pgrep", "-fc", "^sleep 1000", check=False).stdout)

    wait_for(lambda: sleepers() == 200, 30, "the step to have forked")
    (unit,) = drill.step_units()
    assert drill.machine.run("systemctl", "show", unit, "-p", "TasksMax").stdout.strip() == "TasksMax=4096"
    drill.api.must(200, f"/v1/incidents/{drill.incident()['id']}/abort", {})
    run = wait_for(drill.ended, 30, "the run to be aborted")
    assert run["state"] == "aborted", run
    wait_for(lambda: not drill.step_units(), 20, "its processes to be gone")
    assert sleepers() == 0


def test_a_stuck_daemon_is_ended_by_the_watchdog_and_started_again(drill):
    drill.machine.shell("mkdir -p /run/systemd/system/rollbackd.service.d; printf '[Service]\\nWatchdogSec=2s\\n'"
                        " > /run/systemd/system/rollbackd.service.d/quick.conf; systemctl daemon-reload;"
                        " systemctl restart rollbackd")
    drill.machine.run("systemctl", "kill", "-s", "STOP", "--kill-who=main", "rollbackd")

    def again() -> bool:
        restarts = drill.machine.run("systemctl", "show", "rollbackd", "-p", "NRestarts").stdout.strip()
        return restarts != "NRestarts=0" and drill.api.get("/readyz").status == 200

    wait_for(again, 60, "the watchdog to act")


def test_the_unit_file_is_valid_and_its_sandbox_scores_well(drill):
    done = drill.machine.run("systemd-analyze", "verify", "/lib/systemd/system/rollbackd.service", check=False)
    assert "rollbackd.service" not in done.stderr, done.stderr
    drill.machine.run("systemd-analyze", "security", "--offline=true", "--threshold=30",
                      "/lib/systemd/system/rollbackd.service")
