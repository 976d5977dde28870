"""Signals of what runs the programs: a container engine and PM2, for real, and engines and PM2s that
misbehave. systemd itself is in tests/drills."""

import json
import os
import socketserver
import subprocess
import threading
from pathlib import Path

import pytest
from harness import settled, wait_for
from harness.engine import Engine, Podman, why_no_engine
from harness.pm2 import find_pm2
from harness.policy import script

ALERT = {"severity": "P2", "response": "alert"}
FAST = {"every": "300ms", "confirm_every": "100ms", "timeout": "2s"}


def watch(world, form: dict, when: str = "failed(it)", **beside) -> None:
    world.shop["signals"]["it"] = {**form, **FAST, **beside}
    world.triggers(bad={"when": when, **ALERT})
    world.start()


def until_state(world, state: str, slug: str = "") -> None:
    def seen() -> bool:
        signal = world.signal("it")
        return signal["state"] == state and (signal["last_reason"] or "").startswith(slug)

    wait_for(seen, 30, f"{state} {slug}")


def until_unknown(world, slug: str) -> None:
    wait_for(lambda: (world.signal("it")["last_reason"] or "").startswith(slug) and
             world.trigger("bad")["verdict"] == "unknown", 30, slug)


@pytest.fixture(scope="module", params=["docker", "podman"])
def engine(request, tmp_path_factory):
    kind, programs = {"docker": (Engine, ("dockerd", "docker")), "podman": (Podman, ("podman", "runc"))}[request.param]
    if reason := why_no_engine(programs):
        pytest.skip(reason)
    made = kind(tmp_path_factory.mktemp("engine"))
    try:
        made.start()
        yield made
    finally:
        made.stop()
        made.discard()


def test_a_projects_containers_by_a_real_engine(world, engine):
    engine.run("shop-web-1", "sleep 86400", labels={"com.docker.compose.project": "shop",
                                                     "com.docker.compose.service": "web"})
    world.shop["signals"]["count"] = {"docker": {"project": "shop", "socket": engine.socket, "measure": "running"},
                                      **FAST}
    watch(world, {"docker": {"project": "shop", "services": ["web"], "socket": engine.socket}})
    until_state(world, "ok", "1 running")
    wait_for(lambda: world.signal("count")["last_value"] == 1.0)
    engine.ctl("pause", "shop-web-1")
    world.opened("bad")
    until_state(world, "failed", "paused: shop-web-1")
    engine.ctl("unpause", "shop-web-1")
    until_state(world, "ok")
    engine.ctl("kill", "shop-web-1")
    until_state(world, "failed", "exited: shop-web-1 (exit 137")
    wait_for(lambda: world.signal("count")["last_value"] == 0.0)
    engine.ctl("rm", "shop-web-1")
    until_state(world, "failed", "missing: web has no container")
    engine.stop()
    until_unknown(world, "cannot_look: ")
    engine.start()
    engine.run("shop-web-1", "sleep 86400", labels={"com.docker.compose.project": "shop",
                                                     "com.docker.compose.service": "web"})
    until_state(world, "ok")
    engine.ctl("rm", "-f", "shop-web-1")


def test_a_container_in_a_crash_loop_and_one_whose_own_check_fails(world, engine):
    engine.run("looper", "exit 3", "--restart", "always")
    engine.run("sick", "sleep 86400", "--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1")
    for name, container in {"restarts": "looper", "health": "sick"}.items():
        world.shop["signals"][name] = {"docker": {"container": container, "socket": engine.socket}, **FAST}
    world.shop["signals"]["restarts"]["docker"]["measure"] = "restarts"
    watch(world, {"docker": {"container": "looper", "socket": engine.socket}})
    # Podman knows no state between two starts; its counter tells the loop.
    until_state(world, "failed", f"{'exited' if isinstance(engine, Podman) else 'restarting'}: looper (exit 3)")
    wait_for(lambda: (world.signal("restarts")["last_value"] or 0) >= 3, 30)
    if isinstance(engine, Podman):
        engine.docker("healthcheck", "run", "sick")   # what a timer of systemd does elsewhere
    wait_for(lambda: (world.signal("health")["last_reason"] or "").startswith("unhealthy: sick"), 30)
    engine.ctl("rm", "-f", "looper", "sick")


def test_the_version_in_effect_is_the_digest_of_the_image_a_container_runs(world, engine):
    def runs(image: str) -> None:
        wait_for(lambda: (world.signal("it")["last_value"] or "").removeprefix("sha256:") == digest(image), 30)

    def digest(image: str) -> str:
        return engine.ctl("image", "inspect", "--format", "{{.Id}}", image).strip().removeprefix("sha256:")

    engine.run("app", "sleep 86400")
    watch(world, {"release": {"container": "app", "socket": engine.socket, "announce": False}}, "changed(it, 1h)")
    runs("bb:1")
    engine.ctl("commit", "app", "app:2")
    engine.ctl("rm", "-f", "app")
    wait_for(lambda: (world.signal("it")["last_reason"] or "").startswith("missing: "), 30)
    assert settled(world.incidents) == []
    engine.ctl("run", "-d", "--name", "app", "--network=host", "app:2", "/bin/sh", "-c", "sleep 86400")
    runs("app:2")
    world.opened("bad")
    engine.ctl("rm", "-f", "app")


class Fake(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.mark.parametrize("answer, slug", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[[[[[", "garbage: "),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "garbage: "),
    (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "cannot_look: "),
    (b"garbage\r\n\r\n", "cannot_look: "), (None, "timeout: ")])
def test_an_engine_that_misbehaves_is_unknown(world, answer, slug):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            if answer is None:
                self.request.recv(1)
            else:
                self.request.sendall(answer)

    path = str(world.folder / "engine.sock")
    with Fake(path, Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        watch(world, {"docker": {"project": "shop", "socket": path}})
        until_unknown(world, slug)
        assert settled(world.incidents) == []
        server.shutdown()


# PM2

class Pm2:
    """A PM2 of its own home."""

    def __init__(self, folder: Path):
        self.folder, self.home = folder, folder / "pm2"
        self.home.mkdir()
        self.command = [find_pm2(), "jlist"]

    def ctl(self, *arguments: str) -> str:
        done = subprocess.run([self.command[0], *arguments], env=dict(os.environ, PM2_HOME=str(self.home)),
                              capture_output=True, text=True, timeout=60, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kill(self) -> None:
        if (self.home / "pm2.pid").exists():
            self.ctl("kill")


@pytest.fixture
def pm2(world):
    made = Pm2(world.folder)
    yield made
    made.kill()


def test_an_app_under_a_real_pm2(world, pm2):
    app = world.folder / "app.js"
    app.write_text("setInterval(() => {}, 1000)\n")
    crash = world.folder / "crash.js"
    crash.write_text("process.exit(1)\n")
    watch(world, {"pm2": {"app": "web", "home": str(pm2.home), "command": pm2.command}}, timeout="10s", every="1s")
    until_state(world, "failed", "gone: ")
    assert not (pm2.home / "pm2.pid").exists(), "asking must not start PM2"
    os.environ["RB_PM2_SECRET"] = "s3cret-of-the-app"
    try:
        pm2.ctl("start", str(app), "--name", "web")
    finally:
        del os.environ["RB_PM2_SECRET"]
    until_state(world, "ok", "1 processes")
    pm2.ctl("stop", "web")
    until_state(world, "failed", "stopped: 0 of 1")
    pm2.ctl("delete", "web")
    until_state(world, "failed", "missing: ")
    apps = [{"name": "web", "script": str(crash), "max_restarts": 10, "min_uptime": 10000}]
    (world.folder / "apps.json").write_text(json.dumps({"apps": apps}))
    pm2.ctl("start", "apps.json")
    until_state(world, "failed", "errored: 1 of 1")
    assert "s3cret-of-the-app" not in world.daemon.log.read_text() + json.dumps(world.signal("it"))


def test_a_pm2_that_prints_garbage_or_hangs_is_unknown_and_one_that_loops_fails(world):
    home = world.folder / "home"
    home.mkdir()
    (home / "pm2.pid").write_text(f"{os.getpid()}\n")
    says = world.folder / "says"
    says.write_text("echo rubbish\n")
    command = script(world, "pm2", f'. "{says}"\n')
    watch(world, {"pm2": {"app": "web", "home": str(home), "command": [command, "jlist"]}})
    until_unknown(world, "garbage: ")
    says.write_text("exec sleep 60\n")
    until_unknown(world, "timeout: ")
    says.write_text("exit 1\n")
    until_unknown(world, "cannot_look: ")
    assert settled(world.incidents) == []

    def listed(restarts: int) -> None:
        entry = {"name": "web", "pm_id": 0, "monit": {"memory": 1},
                 "pm2_env": {"status": "online", "restart_time": restarts, "pm_uptime": 1000 * restarts}}
        fresh = world.folder / "says.new"
        fresh.write_text(f"echo '{json.dumps([entry])}'\n")
        fresh.rename(says)

    listed(0)
    until_state(world, "ok")
    listed(12)
    until_state(world, "failed", "looping: 12 restarts within a minute")
