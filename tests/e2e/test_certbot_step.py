"""certbot with the real certbot and a real issuer: what is new is served, and the web server runs again whatever
happens."""

import shlex
import ssl
import subprocess
from pathlib import Path

import pytest
from harness import wait_for
from harness.acme import Acme
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.net import free_port
from harness.servers import find_program

NAME = "shop.test"


class Web:
    """nginx with that certificate, and on the port that the issuer asks; ended and begun by scripts, as a person would."""

    def __init__(self, folder: Path, acme: Acme):
        folder.mkdir()
        self.folder, self.port, self.nginx = folder, free_port(), find_program("nginx")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(f"""worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{ access_log off; {temporary}
server {{ listen 127.0.0.1:{acme.challenge_port}; location / {{ return 200; }} }}
server {{ listen 127.0.0.1:{self.port} ssl; ssl_certificate {acme.live(NAME)};
ssl_certificate_key {acme.live(NAME, "privkey")}; location / {{ return 200; }} }} }}
""")
        call = f"{self.nginx} -p {folder} -c {folder}/nginx.conf -e {folder}/error.log"
        self.start = self.script("start", f"[ -e {folder}/pid ] || exec {call}")
        self.stop = self.script("stop", f"{call} -s stop && while [ -e {folder}/pid ]; do sleep 0.1; done")
        self.reload = [*shlex.split(call), "-s", "reload"]

    def script(self, name: str, text: str) -> list[str]:
        (self.folder / name).write_text(f"{text}\n")
        return ["/bin/sh", str(self.folder / name)]

    @property
    def running(self) -> bool:
        return (self.folder / "pid").exists()

    def serial(self) -> str:
        text = ssl.get_server_certificate(("127.0.0.1", self.port))
        return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=text, capture_output=True, text=True,
                              check=True).stdout


@pytest.fixture
def acme(tmp_path):
    made = Acme(tmp_path / "acme")
    try:
        made.start()
        made.issue(NAME)
        yield made
    finally:
        made.stop()


@pytest.fixture
def web(tmp_path, acme):
    made = Web(tmp_path / "web", acme)
    subprocess.run(made.start, check=True)
    wait_for(lambda: made.running, what="nginx")
    yield made
    if made.running:
        subprocess.run(made.stop, check=True)


def renew(acme, web, **more) -> dict:
    return {"certbot": {"do": "renew", "cert_name": NAME, "certbot": acme.certbot, "reload": web.reload, "force": True,
                        "force_after": "0s", "address": f"127.0.0.1:{web.port}", "options":
                        ["--http-01-port", str(acme.challenge_port), "--http-01-address", "127.0.0.2"], **more},
            "timeout": "200s"}


def standalone(acme, web, **more) -> dict:
    return {"certbot": {"do": "standalone", "cert_name": NAME, "domains": [NAME], "certbot": acme.certbot, "stop": web.stop,
                        "start": web.start, "force": True, "force_after": "0s", "address": f"127.0.0.1:{web.port}",
                        "options": acme.first, **more}, "timeout": "200s"}


def test_alone_it_is_fetched_while_the_web_server_makes_way_and_then_served(world, acme, web):
    before = web.serial()
    with_steps(world, standalone(acme, web))
    assert "whatever happens" in dry_run(world)
    run = carry_out(world, timeout=90)
    text = step_text(world, run)
    assert run["state"] == "succeeded", text
    assert web.running and web.serial() != before
    assert "is new, and valid until" in text and "serves it" in text


def test_renewed_and_served_only_after_a_reload(world, acme, web):
    """The site itself is stopped here, so that certbot may answer the issuer."""
    port = free_port()
    config = web.folder / "nginx.conf"
    config.write_text(config.read_text().replace(f"127.0.0.1:{acme.challenge_port}", f"127.0.0.1:{port}"))
    subprocess.run(web.reload, check=True)
    before = web.serial()
    step = renew(acme, web, options=acme.first[-4:])
    with_steps(world, step)
    assert carry_out(world, timeout=90)["state"] == "succeeded"
    # Workers from before the reload may still take a connection, after a new one has served it.
    wait_for(lambda: web.serial() != before, what="the last old worker to be gone")
    world.daemon.stop()
    del step["certbot"]["reload"]
    with_steps(world, {**step, "timeout": "45s"})
    run = carry_out(world, timeout=90)
    assert run["state"] == "failed" and "serves another one" in step_text(world, run)


def test_an_issuer_that_is_away_costs_nothing_but_the_time(world, acme, web):
    before = web.serial()
    acme.stop()
    with_steps(world, standalone(acme, web))
    run = carry_out(world, timeout=90)
    assert run["state"] == "failed" and "certbot gave no certificate" in step_text(world, run)
    assert web.running and web.serial() == before


def test_one_forced_renewal_a_day(world, acme, web):
    step = standalone(acme, web)
    del step["certbot"]["force_after"]
    with_steps(world, step)
    run = carry_out(world, timeout=90)
    assert run["state"] == "failed" and "issuers limit how often" in step_text(world, run)
    assert web.running


def hanging(acme, web) -> list[str]:
    """A certbot that hangs where it fetches, and gets there at once."""
    real = shlex.join(acme.certbot)
    return web.script("certbot", f"case $1 in --version) exit ;; certonly) touch {web.folder}/hangs; until [ -e {web.folder}/gate ]; do sleep 0.1; done ;; esac\n"
                      f"exec {real} \"$@\"")


def test_a_certbot_that_hangs_is_given_up_and_the_web_server_runs_again(world, acme, web):
    step = standalone(acme, web, certbot=hanging(acme, web))
    with_steps(world, {**step, "timeout": "20s"})
    run = carry_out(world, timeout=90)
    assert (web.folder / "hangs").exists() and run["state"] == "failed"
    assert web.running


def test_a_certbot_that_is_ended_early_leaves_nothing_behind(world, acme, web):
    """Until it has read its options certbot logs to a new folder among the temporary ones."""
    seen = web.folder / "temporary"
    slow = web.script("certbot", f"mktemp -d >> {seen}\nsleep 1000")
    with_steps(world, {**standalone(acme, web, certbot=slow), "timeout": "4s"})
    assert carry_out(world, timeout=90)["state"] == "failed" and web.running
    looks = [Path(line) for line in seen.read_text().split()]
    assert len(looks) > 1 and not [look for look in looks if look.parent.exists()]


def test_aborted_in_the_middle_the_web_server_runs_again(world, acme, web):
    with_steps(world, standalone(acme, web, certbot=hanging(acme, web)))
    begun = world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(lambda: (web.folder / "hangs").exists(), 30, what="certbot to hang")
    (incident,) = [item["id"] for item in world.incidents()
                   if begun["id"] in [run["id"] for run in world.incident(item["id"])["runs"]]]
    assert not web.running
    world.api("operate").must(200, f"/v1/incidents/{incident}/abort", {})
    wait_for(lambda: web.running, 30, "the web server to run")


def test_killed_in_the_middle_it_is_carried_to_its_end(world, acme, web):
    before = web.serial()
    with_steps(world, standalone(acme, web, certbot=hanging(acme, web)))
    world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(lambda: (web.folder / "hangs").exists(), 30, what="certbot to hang")
    assert not web.running
    world.daemon.kill()
    world.daemon.start()
    (web.folder / "gate").touch()
    wait_for(lambda: web.running and web.serial() != before, 60, "the new certificate to be served")


def test_a_certbot_that_is_not_there_stops_nothing(world, acme, web):
    with_steps(world, standalone(acme, web, certbot=["/nowhere/certbot"]))
    run = carry_out(world)
    assert run["state"] == "failed" and "not installed" in step_text(world, run)
    assert web.running
