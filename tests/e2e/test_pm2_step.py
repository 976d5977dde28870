"""The pm2 step against a real PM2: started anew, stopped, gone; and an app that PM2 has given up."""

import os
import subprocess

import pytest
from harness.by_hand import carry_out, done, step_text, with_steps
from harness.pm2 import find_pm2
from harness.waiting import wait_for


@pytest.fixture
def pm2(world):
    program = find_pm2()
    world.home = world.folder / "pm2"
    world.app_file = world.folder / "web.js"
    world.app_file.write_text("setInterval(() => {}, 1000)\n")

    def ctl(*arguments: str) -> str:
        return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=True,
                              env={**os.environ, "PM2_HOME": str(world.home)}).stdout

    world.pm2 = program
    ctl("start", str(world.app_file), "--name", "web")
    yield ctl
    ctl("kill")


def step(world, do: str, **more) -> dict:
    return {"pm2": {"app": "web", "do": do, "home": str(world.home), "command": [world.pm2],
                    "env": {"PATH": os.environ["PATH"]}, **more}, "timeout": "60s"}


def pid(pm2) -> str:
    return pm2("pid", "web").strip()


def test_a_restarted_app_is_another_process_and_a_stopped_one_is_none(world, pm2):
    before = pid(pm2)
    with_steps(world, step(world, "restart"))
    assert "web is online (1 instance)" in step_text(world, done(world))
    assert pid(pm2) not in (before, "0", "")
    world.daemon.stop()
    with_steps(world, step(world, "stop"))
    done(world)
    assert pid(pm2) in ("0", "")
    world.daemon.stop()
    with_steps(world, step(world, "start"), step(world, "delete"))
    done(world)
    assert "web" not in pm2("jlist").splitlines()[-1]


def test_an_app_that_cannot_start_is_a_failed_step(world, pm2):
    world.app_file.write_text("process.exit(1)\n")
    with_steps(world, step(world, "restart"))
    run = carry_out(world, 40)
    assert run["steps"][0]["state"] == "failed"
    assert "given it up" in step_text(world, run) or "has just been started" in step_text(world, run)
    wait_for(lambda: "errored" in pm2("jlist"), 30)
