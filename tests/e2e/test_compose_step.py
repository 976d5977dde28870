"""compose with a real engine and the standalone docker-compose: the right verb takes effect, and what does not
come up is a failed step that says why."""

import shutil

import pytest
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.engine import Engine, why_no_engine

EVIDENCE = {"capture_evidence": {"commands": [["/bin/true"]]}}
FILE = """\
version: "3.7"
services:
  web:
    image: bb:1
    init: true
    network_mode: host
    env_file: web.env
    command: ["/bin/sh", "-c", "echo begun with $$COLOUR; test $$COLOUR != broken && exec sleep 86400"]
    labels: {colour: web}
  worker:
    image: bb:1
    init: true
    network_mode: host
    command: ["/bin/sleep", "86400"]
volumes:
  data: {}
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    if reason := why_no_engine():
        pytest.skip(reason)
    if not shutil.which("docker-compose"):
        pytest.skip("docker-compose is not installed (scripts/setup tests)")
    made = Engine(tmp_path_factory.mktemp("engine"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def shop(world, engine):
    for container in engine.ctl("ps", "-aq").split():
        engine.ctl("rm", "-f", container)
    world.engine, world.project = engine, world.folder / "project"
    world.project.mkdir()
    (world.project / "docker-compose.yml").write_text(FILE)
    (world.project / "web.env").write_text("COLOUR=blue\n")
    return world


def compose(world, **more) -> dict:
    return {"compose": {"cwd": str(world.project), "command": ["docker-compose"],
                        "env": {"DOCKER_HOST": f"unix://{world.engine.socket}"}, **more}, "timeout": "120s"}


def running(world) -> dict[str, str]:
    """Service: id of its container."""
    lines = world.engine.ctl("ps", "--format", '{{.ID}} {{.Label "com.docker.compose.service"}}').splitlines()
    return {line.split()[1]: line.split()[0] for line in lines}


def colour(world) -> str:
    return world.engine.ctl("inspect", "-f", "{{.Config.Env}}", running(world)["web"])


def test_up_brings_an_edit_into_effect_and_is_done_when_the_containers_run(shop):
    with_steps(shop, compose(shop, do="up"))
    assert "docker-compose up -d in" in dry_run(shop)
    assert "web_1 is running" in step_text(shop, done(shop))
    assert "COLOUR=blue" in colour(shop)
    worker = running(shop)["worker"]
    (shop.project / "web.env").write_text("COLOUR=green\n")
    done(shop)
    assert "COLOUR=green" in colour(shop)
    assert running(shop)["worker"] == worker


def test_a_container_that_ends_at_once_is_a_failed_step_with_its_last_lines(shop):
    (shop.project / "web.env").write_text("COLOUR=broken\n")
    with_steps(shop, compose(shop, do="up", services=["web"]))
    run = carry_out(shop, 60)
    assert run["steps"][0]["state"] == "failed"
    text = step_text(shop, run)
    assert "has ended with 1" in text and "begun with broken" in text


def test_one_service_is_stopped_started_scaled_and_the_others_stay(shop):
    with_steps(shop, compose(shop, do="up"), compose(shop, do="stop", services=["worker"]))
    done(shop)
    assert list(running(shop)) == ["web"]
    shop.daemon.stop()
    with_steps(shop, compose(shop, do="start", services=["worker"]),
               compose(shop, do="scale", services=["worker"], count=2))
    done(shop)
    assert len(shop.engine.ctl("ps", "-q").split()) == 3


def test_a_one_off_container_runs_to_its_end_and_its_output_is_kept(shop):
    with_steps(shop, {**compose(shop, do="run", services=["worker"], no_deps=True, argv=["echo", "{{ inputs.say }}"]),
                      "save": "said"},
               {"exec": {"argv": ["/usr/bin/test", "two words", "=", "{{ steps.said }}"]}}, inputs={"say": None})
    done(shop, say="two words")
    assert running(shop) == {}


def test_down_ends_all_and_only_with_volumes_it_asks_first(shop):
    with_steps(shop, compose(shop, do="up"), EVIDENCE, compose(shop, do="down"))
    done(shop)
    assert shop.engine.ctl("ps", "-aq") == ""
    shop.daemon.stop()
    with_steps(shop, EVIDENCE, compose(shop, do="down", volumes=True), data_loss="certain")
    begun = shop.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "x"})
    assert begun["state"] == "waiting"


def test_a_service_that_is_not_there_is_known_before(shop):
    with_steps(shop, compose(shop, do="up", services=["wbe"]))
    run = carry_out(shop)
    assert run["state"] == "failed" and "wbe" in step_text(shop, run)
    assert running(shop) == {}
