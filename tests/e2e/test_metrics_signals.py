"""Numbers from elsewhere: a real Prometheus asked in PromQL and scraped, Alertmanager's JSON API; each gone, slow,
talking garbage, and back."""

import datetime

import pytest
from harness import settled, wait_for
from harness.faults import checkpoint
from harness.page import Page
from harness.servers import Alertmanager, Nginx, Prometheus

FAST = {"every": "200ms", "timeout": "2s"}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    server = Prometheus(tmp_path_factory.mktemp("prom") / "prometheus").start()
    yield server
    server.stop()


@pytest.fixture
def server(prometheus):
    if prometheus.process is None:
        prometheus.start()
    return prometheus


@pytest.fixture
def page():
    made = Page()
    yield made
    made.stop()


def watch(world, form: dict, when: str, **beside) -> None:
    world.shop["signals"]["number"] = {**form, **FAST, **beside}
    world.triggers(broken={"when": when, "severity": "P2", "response": "alert", "min_count": 1})
    world.start()


def value(world):
    return world.signal("number")["last_value"]


def reason(world) -> str:
    return world.signal("number")["last_reason"] or ""


def verdict(world) -> str:
    return world.trigger("broken")["verdict"]


def test_promql_is_asked_of_a_real_server(world, server):
    watch(world, {"prometheus": {"url": server.url, "query": "sum(up) + 0.5"}}, "value(number) < 1")
    wait_for(lambda: value(world) == 1.5 and verdict(world) == "false")


@pytest.mark.parametrize("query, slug", [
    ("no_such_metric", "missing: "), ("prometheus_http_requests_total", "content: "), ("sum(", "query: "),
    ("0/0", "content: "), ('"text"', "content: ")])
def test_what_gives_no_number_is_unknown_with_its_reason(world, server, query, slug):
    wait_for(lambda: b"prometheus_http_requests_total" in server.get("/metrics"))
    for _ in range(2):
        server.get("/api/v1/labels")
    watch(world, {"prometheus": {"url": server.url, "query": query}}, "value(number) > 0")
    wait_for(lambda: reason(world).startswith(slug) and verdict(world) == "unknown", what=slug)
    assert value(world) is None


def test_a_prometheus_that_is_slow_gone_and_back_is_unknown_meanwhile(world, server):
    watch(world, {"prometheus": {"url": server.url, "query": "vector(0)"}}, "value(number) > 0")
    wait_for(lambda: verdict(world) == "false")
    server.hang()
    wait_for(lambda: reason(world).startswith("timeout: ") and verdict(world) == "unknown")
    server.go_on()
    wait_for(lambda: verdict(world) == "false")
    server.stop()
    wait_for(lambda: reason(world).startswith("refused: ") and verdict(world) == "unknown")
    assert world.signal("number")["state"] is None
    server.start()
    wait_for(lambda: verdict(world) == "false", what="the server to be asked again")
    assert settled(world.incidents) == []


def test_the_metrics_of_a_real_program_are_outcomes(world, server):
    """Prometheus counts its own answers by handler and code."""
    match = {"handler": "~/api/v1/(query|labels)"}
    watch(world, {"scrape": {"url": server.url + "/metrics", "counter": "prometheus_http_requests_total",
                             "match": match, "fail": {"code": "4xx"}}}, "failures(number, 1h) >= 3")
    wait_for(lambda: value(world) is not None or "missing" in reason(world))
    for _ in range(3):
        try:
            server.get("/api/v1/query?query=sum(")
        except OSError:
            pass    # 400
    server.get("/api/v1/labels")
    world.opened("broken")


def test_gauges_and_quantiles_of_a_real_program(world, server):
    world.shop["signals"]["slow"] = {"scrape": {
        "url": server.url + "/metrics", "histogram": "prometheus_http_request_duration_seconds", "quantile": 0.9,
        "match": {"handler": "/metrics"}}, **FAST}
    watch(world, {"scrape": {"url": server.url + "/metrics", "gauge": "go_goroutines"}}, "value(number) < 1")
    wait_for(lambda: isinstance(value(world), float) and value(world) > 1)
    # Prometheus is scraped here and by itself: there is always something to have a quantile of.
    wait_for(lambda: 0 < (world.signal("slow")["last_value"] or 0) < 10)


def requests(ok: int, bad: int) -> str:
    return f'app_requests_total{{code="200"}} {ok}\napp_requests_total{{code="500"}} {bad}\n'


def test_a_counter_that_begins_anew_is_no_burst_and_garbage_is_unknown(world, page):
    page.text = requests(1000, 1000)
    watch(world, {"scrape": {"url": page.url, "counter": "app_requests_total"}}, "failures(number, 1h) > 3")
    wait_for(lambda: value(world) is not None)
    page.text = requests(1, 2)      # a restart of the application
    wait_for(lambda: "= 2," in world.trigger("broken")["why"])
    page.text = "<html>it works</html>"
    wait_for(lambda: reason(world).startswith("garbage: line 1: "))
    page.text, page.status = requests(1, 3), 503
    wait_for(lambda: reason(world).startswith("status: 503"))
    assert settled(world.incidents) == []
    page.status = 200
    wait_for(lambda: "= 3," in world.trigger("broken")["why"])
    page.text = requests(1, 4)
    world.opened("broken")


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_over_a_restart_no_failure_is_lost_or_counted_twice(world, page, how):
    page.text = requests(0, 100)
    watch(world, {"scrape": {"url": page.url, "counter": "app_requests_total"}}, "failures(number, 1h) > 3")
    wait_for(lambda: value(world) is not None)
    page.text = requests(0, 101)
    wait_for(lambda: "= 1," in world.trigger("broken")["why"])
    if how == "kill":
        wait_for(lambda: "1.01E2" in checkpoint(world), what="a checkpoint")
        world.daemon.kill()
        page.text = requests(0, 103)
        world.daemon.start()
    else:
        world.daemon.stop()
        page.text = requests(0, 103)
        world.daemon.start()
    wait_for(lambda: "= 3," in world.trigger("broken")["why"], what="what was added meanwhile")
    assert settled(world.incidents) == []
    page.text = requests(0, 104)
    world.opened("broken")


def test_secrets_come_from_files_and_are_shown_nowhere(world, page):
    secret = world.folder / "metrics.token"
    secret.write_text("hunter22-hunter22")
    secret.chmod(0o600)
    page.text = "hunter22-hunter22 is wrong\n"
    watch(world, {"scrape": {"url": page.url, "gauge": "hunter22", "auth": {"bearer_file": str(secret)}}},
          "value(number) > 0")
    wait_for(lambda: reason(world).startswith("garbage: "))
    assert page.seen[-1]["Authorization"] == "Bearer hunter22-hunter22"
    assert "hunter22-hunter22" not in str(world.signal("number")) + world.daemon.tail(500)
    secret.unlink()
    wait_for(lambda: "metrics.token" in reason(world))


EVENTS = {"items": "", "where": {"/labels/job": "shop"}}


@pytest.fixture
def manager(world):
    token = world.folder / "token"
    token.write_text(world.tokens["ingest"])
    made = Alertmanager(world.folder / "alertmanager", "http://127.0.0.1:1/", token).start()
    yield made
    made.stop()


def test_a_real_json_api_is_counted_and_aged(world, manager):
    url = manager.url + "/api/v2/alerts"
    world.shop["signals"]["age"] = {"http_json": {"url": url, **EVENTS, "oldest": "/startsAt"}, **FAST}
    watch(world, {"http_json": {"url": url, **EVENTS}}, "value(number) > 1")
    wait_for(lambda: value(world) == 0 and world.signal("age")["last_value"] == 0)
    manager.alert(alertname="One", job="shop")
    manager.alert(alertname="Else", job="blog")
    wait_for(lambda: value(world) == 1)
    wait_for(lambda: (world.signal("age")["last_value"] or 0) > 0)
    manager.alert(alertname="Two", job="shop")
    world.opened("broken")


def test_events_of_an_api_are_counted_once_each_by_provider(world, page):
    page.text = "[]"
    watch(world, {"http_json": {"url": page.url, "items": "", "fail": {"/ok": False}, "id": "/id", "at": "/at"}},
          "consecutive_failures(number) > 3", by="provider")
    wait_for(lambda: value(world) is not None)
    event = '{{"id":"{0}","at":"2026-01-31T12:00:0{0}Z","provider":"{1}","ok":{2}}}'
    stamp = "2026-01-31T12:00:0"
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.")
    events = [event.format(n, p, "false").replace(f"{stamp}{n}", f"{now}{n}") for n, p in enumerate("abababa")]
    page.text = "[" + ",".join(events[:6]) + "]"
    wait_for(lambda: world.trigger("broken")["count"] == 3)
    assert settled(lambda: world.trigger("broken")["count"], quiet=1) == 3
    page.text = "[" + ",".join(events) + "]"
    world.opened("broken")
    assert "a" in world.trigger("broken")["why"]


@pytest.mark.parametrize("text, slug", [
    ("<html>", "garbage: "), ("{}", "missing: "), ('{"n":null}', "missing: "), ('{"n":"many"}', "content: ")])
def test_a_number_that_is_none_is_unknown_never_0(world, page, text, slug):
    page.text = '{"n":0}'
    watch(world, {"http_json": {"url": page.url, "value": "/n"}}, "value(number) > 0")
    wait_for(lambda: verdict(world) == "false")
    page.text = text
    wait_for(lambda: reason(world).startswith(slug) and verdict(world) == "unknown", what=slug)
    page.text = '{"n":1}'
    world.opened("broken")


def test_a_real_server_behind_a_real_proxy_and_a_unix_socket(world, server):
    """nginx in front of Prometheus, on a port and on a socket."""
    proxy = Nginx(world.folder / "nginx", server.url).start()
    try:
        world.shop["signals"]["socket"] = {"http": {"url": "http://prometheus/-/ready", "socket": str(proxy.socket)}, **FAST}
        watch(world, {"http": {"url": "http://prometheus.example.com/-/ready", "proxy": proxy.url}},
              "consecutive_failures(number) >= 2")
        wait_for(lambda: world.signal("number")["state"] == "ok" and world.signal("socket")["state"] == "ok")
    finally:
        proxy.stop()
    world.opened("broken")
    wait_for(lambda: reason(world).startswith("refused: "))
