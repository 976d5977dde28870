"""safe_mode and route against a real nginx: in effect after the step, undone by itself where nginx refuses it."""

import urllib.error
import urllib.request

import pytest
from harness import wait_for
from harness.app import App
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.servers import Nginx


class Proxy(Nginx):
    """In front of the application, with a maintenance page and an upstream in files of their own."""

    def argv(self) -> list[str]:
        argv = super().argv()
        self.config, self.maintenance, self.servers = (self.folder / name for name in
                                                       ("nginx.conf", "maintenance.inc", "upstream.inc"))
        self.maintenance.touch()
        self.servers.write_text(f"server {self.upstream.removeprefix('http://')};\n")
        text = self.config.read_text()
        text = text.replace("server { listen", f"upstream app {{ include {self.servers}; }}\nserver {{ listen", 1)
        text = text.replace("location / {", f"include {self.maintenance}; location / {{", 1)
        self.config.write_text(text.replace(f"proxy_pass {self.upstream}", "proxy_pass http://app"))
        self.command = argv
        return argv

    def ready(self) -> bool:
        return status(self.url + "/health") == 200


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def proxy(world, tmp_path):
    made = Proxy(tmp_path / "nginx", world.app.url)
    made.start()
    yield made
    made.stop()


def safe_mode(proxy, **more) -> dict:
    return {"safe_mode": {"file": str(proxy.maintenance), "nginx": proxy.command, "url": proxy.url + "/", **more}}


def test_the_maintenance_page_is_on_and_off_while_health_stays_open(world, proxy):
    with_steps(world, safe_mode(proxy, do="on", page="if ($uri !~ ^/(health|webhooks/)) { return 503; }"))
    assert "safe mode on" in dry_run(world)
    done(world)
    # The old workers may answer what they have begun for a moment after the reload.
    wait_for(lambda: status(proxy.url + "/") == 503 and status(proxy.url + "/health") == 200)
    world.daemon.stop()
    with_steps(world, safe_mode(proxy, do="off"))
    done(world)
    wait_for(lambda: status(proxy.url + "/") != 503)


def test_what_nginx_refuses_is_undone_by_itself(world, proxy):
    before = proxy.maintenance.read_text()
    with_steps(world, safe_mode(proxy, do="on", page="return maintenance please"))
    run = carry_out(world)
    assert run["steps"][0]["state"] == "failed"
    text = step_text(world, run)
    assert "is as it was" in text and "emerg" in text
    assert proxy.maintenance.read_text() == before
    assert status(proxy.url + "/health") == 200


def test_a_file_that_nginx_does_not_read_is_refused(world, proxy):
    stray = proxy.folder / "stray.inc"
    stray.touch()
    with_steps(world, {"safe_mode": {"file": str(stray), "nginx": proxy.command, "do": "on"}})
    assert "in no part of nginx's configuration" in step_text(world, carry_out(world))
    assert stray.read_text() == ""


def test_requests_are_sent_to_another_server_and_back(world, proxy):
    other = App(world.repository.path)
    try:
        with_steps(world, {"route": {"file": str(proxy.servers), "nginx": proxy.command, "url": proxy.url + "/health",
                                     "to": ["{{ inputs.to }}"]}}, inputs={"to": None})
        done(world, to=other.url.removeprefix("http://"))
        seen = len(other.requests)
        wait_for(lambda: status(proxy.url + "/health") == 200 and len(other.requests) > seen,
                 what="the other server to be asked")    # nginx's old worker may answer a moment longer
        text = step_text(world, carry_out(world, to="127.0.0.1:1; } evil"))
        assert "HOST:PORT" in text and "evil" not in proxy.servers.read_text()
        done(world, to=world.app.url.removeprefix("http://"))
        assert str(world.app.url).removeprefix("http://") in proxy.servers.read_text()
    finally:
        other.stop()
