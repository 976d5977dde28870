"""symlink and image_tag: what names the release is given to another one."""

import os
import shutil
import subprocess

import pytest
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.engine import Engine, why_no_engine


@pytest.fixture
def releases(world):
    """Two releases and the link that names the second."""
    for name in ("v1", "v2"):
        (world.folder / "releases" / name).mkdir(parents=True)
        (world.folder / "releases" / name / "VERSION").write_text(name)
    (world.folder / "releases/v3").mkdir()
    world.link = world.folder / "current"
    world.link.symlink_to("releases/v2")
    return world


def switch(world, to: str) -> dict:
    return {"symlink": {"link": str(world.link), "to": to}}


def test_a_link_names_the_other_release_and_what_it_named_is_known_to_the_next_step(releases):
    said = releases.folder / "said"
    with_steps(releases, {**switch(releases, "releases/v1"), "save": "before"},
               {"exec": {"argv": ["/bin/sh", "-c", f"echo \"$1\" >{said}", "sh", "{{ steps.before }}"]}})
    assert f"let {releases.link} name releases/v1" in dry_run(releases)
    text = step_text(releases, done(releases))
    assert os.readlink(releases.link) == "releases/v1" and (releases.link / "VERSION").read_text() == "v1"
    assert "it was releases/v2" in text and said.read_text() == "releases/v2\n"
    assert "already" in step_text(releases, done(releases))
    assert sorted(path.name for path in releases.folder.glob(".rollbackd.*")) == []


@pytest.mark.parametrize("to, why", [("releases/v9", "is not there"), ("releases/v3", "is empty"),
                                     ("releases/v1/VERSION", "is no folder")])
def test_a_release_that_is_not_there_is_known_before_anything_begins(releases, to, why):
    with_steps(releases, switch(releases, to))
    run = carry_out(releases)
    assert run["state"] == "failed" and why in step_text(releases, run), step_text(releases, run)
    assert os.readlink(releases.link) == "releases/v2"


def test_a_folder_in_the_place_of_the_link_is_left_alone(releases):
    releases.link.unlink()
    releases.link.mkdir()
    with_steps(releases, switch(releases, "releases/v1"))
    assert "is no link" in step_text(releases, carry_out(releases)) and not releases.link.is_symlink()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    if reason := why_no_engine():
        pytest.skip(reason)
    made = Engine(tmp_path_factory.mktemp("engine"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def images(world, engine):
    """shop:v1, and shop:v2 which is also what compose starts from."""
    context = world.folder / "context"
    context.mkdir()
    for name in ("v1", "v2"):
        (context / "Dockerfile").write_text(f"FROM bb:1\nLABEL text={name}-{world.folder.name}\n")
        subprocess.run([*engine.client(), "build", "-q", "-t", f"shop:{name}", str(context)], check=True,
                       capture_output=True, env={**os.environ, "DOCKER_BUILDKIT": "0"}, timeout=300)
    engine.ctl("tag", "shop:v2", "shop:latest")
    yield {name: identity(engine, f"shop:{name}") for name in ("v1", "v2")}
    engine.ctl("image", "rm", "-f", *[f"shop:{tag}" for tag in ("v1", "v2", "latest", "bad") if
                                      f"shop:{tag}" in engine.ctl("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()])


def identity(engine, name: str) -> str:
    return engine.ctl("image", "inspect", "--format", "{{.Id}}", name).strip()


def tag(engine, to: str, **more) -> dict:
    docker = shutil.which("docker", path="/usr/bin") or "docker"
    return {"image_tag": {"image": "shop:latest", "to": to, "docker": [docker, "-H", f"unix://{engine.socket}"], **more}}


def test_compose_starts_from_the_older_build_and_the_newer_one_keeps_a_name(world, engine, images):
    with_steps(world, tag(engine, "shop:v1", keep="shop:bad"))
    assert "keep shop:latest as shop:bad" in dry_run(world)
    text = step_text(world, done(world))
    assert identity(engine, "shop:latest") == images["v1"] and identity(engine, "shop:bad") == images["v2"], text
    assert "already" in step_text(world, done(world))


def test_an_image_that_was_pruned_is_known_before_anything_begins(world, engine, images):
    with_steps(world, tag(engine, "shop:v0"))
    run = carry_out(world)
    assert run["state"] == "failed" and "was it pruned?" in step_text(world, run), step_text(world, run)
    assert identity(engine, "shop:latest") == images["v2"]


def test_a_kept_name_is_taken_from_no_other_image(world, engine, images):
    with_steps(world, tag(engine, "shop:v1", keep="bb:1"))
    assert "is another image already" in step_text(world, carry_out(world))
    assert identity(engine, "shop:latest") == images["v2"]


def test_an_engine_that_cannot_be_asked_is_not_an_image_that_is_not_there(world):
    step = {"image_tag": {"image": "shop:latest", "to": "shop:v1",
                          "docker": ["/usr/bin/docker", "-H", f"unix://{world.folder}/nowhere"]}}
    with_steps(world, step)
    text = step_text(world, carry_out(world))
    assert "pruned" not in text and "daemon" in text, text
