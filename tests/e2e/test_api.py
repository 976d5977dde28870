"""The REST API as DESIGN A4 writes it: roles, status codes, shapes."""

import json
import os
import pwd
import socket

import pytest
from harness import Api, wait_for

READ = ["/v1/status", "/v1/services", "/v1/services/shop", "/v1/incidents", "/v1/silences",
        "/v1/services/shop/deployments", "/v1/services/shop/signals/health"]


@pytest.fixture
def started(world):
    world.triggers()
    world.start()
    return world


def problem(answer, status: int) -> dict:
    """A problem document of that status (RFC 9457)."""
    assert answer.status == status, f"{answer.status} {answer.text[:500]}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json["status"] == status and answer.json["title"]
    return answer.json


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_liveness_readiness_and_metrics_need_no_token(started, path):
    assert started.api(None).get(path).status == 200


@pytest.mark.parametrize("path", READ)
def test_every_role_reads_and_nobody_without_a_token(started, path):
    for role in started.tokens:
        assert started.api(role).get(path).status == 200, role
    answer = started.api(None).get(path)
    problem(answer, 401)
    assert "bearer" in answer.headers["www-authenticate"].lower()


def test_a_wrong_token_is_401_and_not_echoed(started):
    answer = Api(started.daemon.port, "wrong-token-value").get("/v1/status")
    problem(answer, 401)
    assert "wrong-token-value" not in answer.text


@pytest.mark.parametrize("role, path, body", [
    ("read", "/v1/services/shop/signals/payments", {"ok": True}),
    ("approve", "/v1/services/shop/signals/payments", {"ok": True}),
    ("operate", "/v1/services/shop/signals/payments", {"ok": True}),
    ("read", "/v1/services/shop/deployments", {"version": "x"}),
    ("ingest", "/v1/pause", {}),
    ("ingest", "/v1/services/shop/playbooks/payments-off/runs", {"reason": "x"}),
    ("approve", "/v1/silences", {"service": "shop", "for": "1m", "reason": "x"}),
    ("ingest", "/v1/services/shop/triggers/down/raise", {"reason": "x"}),
    ("operate", "/v1/config/reload", {}),
])
def test_a_role_that_may_not_gets_403(started, role, path, body):
    problem(started.api(role).post(path, body), 403)


@pytest.mark.parametrize("path", ["/v1/journal"])
def test_the_audit_trail_is_for_operators(started, path):
    problem(started.api("read").get(path), 403)
    assert started.api("operate").get(path).status == 200


@pytest.mark.parametrize("path", ["/v1/services/nope", "/v1/incidents/INC-999", "/v1/nope", "/v2/status",
                                  "/v1/services/shop/signals/nope", "/v1/services/nope/deployments"])
def test_what_does_not_exist_is_404(started, path):
    problem(started.api().get(path), 404)


def test_pushing_to_an_unknown_service_or_signal_is_404(started):
    problem(started.api("ingest").post("/v1/services/nope/signals/payments", {"ok": True}), 404)
    problem(started.api("ingest").post("/v1/services/shop/signals/nope", {"ok": True}), 404)


def test_a_wrong_method_is_405_with_allow(started):
    answer = started.api().request("PUT", "/v1/status")
    problem(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("body", [b"{", b"nonsense", b"[1,2", b"{\"ok\":tru}", b"\xff\xfe", b"{\"ok\":true,}"])
def test_malformed_json_is_refused_with_a_reason(started, body):
    answer = started.api("ingest").request("POST", "/v1/services/shop/signals/payments", body,
                                           {"Content-Type": "application/json"})
    assert answer.status in (400, 422)
    problem(answer, answer.status)


@pytest.mark.parametrize("value", [{"ok": "yes"}, {"value": "many"}, {"success": -1, "failure": 2}, {}, [], 7,
                                   {"ok": True, "at": "yesterday"}, {"value": 1.5},
                                   {"success": 1e30, "failure": 0}])
def test_wrong_types_and_wrong_kinds_are_422(started, value):
    answer = started.api("ingest").post("/v1/services/shop/signals/payments", value)
    assert answer.status == 422, answer.text
    problem(answer, 422)


def test_a_body_that_is_not_json_by_its_type_is_415(started):
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        headers = {"Content-Type": kind} if kind else {}
        answer = started.api("ingest").request("POST", "/v1/services/shop/signals/payments", b'{"ok":true}', headers)
        problem(answer, 415)


def test_a_body_above_the_limit_is_413_without_reading_it_all(started):
    with socket.create_connection(("127.0.0.1", started.daemon.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/services/shop/signals/payments HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Authorization: Bearer " + started.tokens["ingest"].encode() +
            b"\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n")
        assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]
    answer = started.api("ingest").post("/v1/services/shop/signals/payments", {"ok": False, "reason": "x" * 2**20})
    problem(answer, 413)
    assert started.api(None).get("/healthz").status == 200


def test_ndjson_pushes_many_samples_and_a_bad_line_is_named(started):
    lines = "\n".join(json.dumps({"ok": n % 2 == 0}) for n in range(100))
    headers = {"Content-Type": "application/x-ndjson"}
    path = "/v1/services/shop/signals/payments"
    assert started.api("ingest").request("POST", path, lines.encode(), headers).status == 202
    answer = started.api("ingest").request("POST", path, b'{"ok":true}\n{"ok":7}\n', headers)
    problem(answer, 422)
    assert "2" in answer.json["detail"]


def test_lists_have_items_and_next_and_follow_the_cursor(started):
    versions = [f"v{n}" for n in range(5)]
    for version in versions:
        started.record(version)
    seen, cursor = [], ""
    for _ in range(10):
        page = started.api().read(f"/v1/services/shop/deployments?limit=2{cursor}")
        assert set(page) >= {"items", "next"} and len(page["items"]) <= 2
        seen += [item["version"] for item in page["items"]]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == versions


def test_a_service_shows_its_signals_and_triggers_by_name(world):
    world.start()
    world.healthy_first()
    service = world.api("read").read("/v1/services/shop")
    trigger = next(t for t in service["triggers"] if t["name"] == "down")
    assert {"name", "verdict", "why", "severity", "count", "threshold", "since"} <= set(trigger)
    assert trigger["verdict"] in ("true", "false", "unknown") and trigger["severity"] == "P0"
    signal = next(s for s in service["signals"] if s["name"] == "health")
    assert {"name", "kind", "last_value", "last_at", "stale"} <= set(signal)
    assert signal["kind"] == "state"


def test_a_deployment_answers_201_and_stands_baking(started):
    deployment = started.record("abc")
    assert deployment["version"] == "abc"
    assert started.standing("abc") == "baking"
    assert started.record("good", known_good=True) and started.standing("good") == "known-good"
    assert started.api().read("/v1/services/shop/versions/never")["standing"] == "unknown"


@pytest.mark.parametrize("body", [
    {}, {"version": ""}, {"version": 7}, {"version": "x", "started_at": "2001-01-01T00:00:00Z"},
    {"version": "x", "started_at": "2999-01-01T00:00:00Z"}, {"version": "x", "known_good": "yes"},
    {"version": "-x"}, {"version": "a\nb"},
])
def test_a_deployment_that_makes_no_sense_is_422(started, body):
    problem(started.api("ingest").post("/v1/services/shop/deployments", body), 422)


def test_the_same_idempotency_key_replays_the_answer_and_acts_once(started):
    path, body = "/v1/services/shop/deployments", {"version": "once"}
    first = started.api("ingest").post(path, body, Idempotency_Key="k-1")
    again = started.api("ingest").post(path, body, Idempotency_Key='"k-1"')
    assert (first.status, first.json) == (again.status, again.json)
    assert len(started.api().read("/v1/services/shop/deployments")["items"]) == 1
    problem(started.api("ingest").post(path, {"version": "other"}, Idempotency_Key="k-1"), 422)
    started.daemon.kill()
    started.daemon.start()
    assert started.api("ingest").post(path, body, Idempotency_Key="k-1").json == first.json


@pytest.mark.parametrize("header, value", [
    ("Host", "evil.example.com"), ("Origin", "http://evil.example.com"), ("Forwarded", "for=192.0.2.1"),
    ("X-Forwarded-For", "192.0.2.1"),
])
def test_without_a_token_a_request_that_came_from_elsewhere_is_403(world, header, value):
    world.policy["daemon"]["tokens"] = []
    world.start()
    api = Api(world.daemon.port)
    assert api.get("/v1/status").status == 200
    problem(api.request("GET", "/v1/status", headers={header: value}), 403)


def test_without_any_token_configured_pushes_work_and_the_service_is_capped_at_advise(world):
    world.policy["daemon"]["tokens"] = []
    world.triggers(payments={"when": "consecutive_failures(payments) > 3", "severity": "P0", "blame": "any",
                             "response": ["payments-off"]})
    world.start()
    api = Api(world.daemon.port)
    for _ in range(4):
        assert api.post("/v1/services/shop/signals/payments", {"ok": False}).status == 202
    item = wait_for(lambda: api.read("/v1/incidents")["items"])[0]
    wait_for(lambda: api.read(f"/v1/incidents/{item['id']}")["state"] == "waiting")
    assert "PAYMENTS=on" in world.env_file.read_text()
    assert api.post("/v1/pause", {}).status in (401, 403)


def test_the_unix_socket_takes_the_peers_word_and_names_it(world):
    path = world.folder / "api.sock"
    world.policy["daemon"]["listen"].append(f"unix:{path}")
    world.start()
    done = world.ctl("pause", "shop", "--json", role=None, url=f"unix:{path}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["by"] == f"unix:{pwd.getpwuid(os.geteuid()).pw_name}"
    refused = world.ctl("resume", "shop", role="read", url=f"unix:{path}")
    assert refused.returncode == 1, "a token counts instead of the peer"


def test_a_silence_needs_a_reason_and_an_end_and_can_be_removed(started):
    operate = started.api("operate")
    problem(operate.post("/v1/silences", {"service": "shop", "for": "1h"}), 422)
    problem(operate.post("/v1/silences", {"service": "shop", "reason": "x"}), 422)
    silence = operate.post("/v1/silences", {"service": "shop", "for": "1h", "reason": "maintenance"})
    assert silence.status in (200, 201)
    items = started.api("read").read("/v1/silences")["items"]
    assert [item["reason"] for item in items] == ["maintenance"]
    assert operate.delete(f"/v1/silences/{items[0]['id']}").status in (200, 204)
    assert started.api("read").read("/v1/silences")["items"] == []


def test_the_openapi_document_names_every_route_of_the_contract(started):
    document = started.api("read").read("/v1/openapi.json")
    assert document["openapi"].startswith("3.1")
    for path in ("/v1/status", "/v1/services/{s}", "/v1/incidents/{id}/approve", "/v1/events", "/v1/journal"):
        assert any(same(path, known) for known in document["paths"]), path


def same(a: str, b: str) -> bool:
    """Paths that differ only in the names of their parameters."""
    parts = [(x, y) for x, y in zip(a.split("/"), b.split("/"))]
    return a.count("/") == b.count("/") and all(x == y or x[:1] == y[:1] == "{" for x, y in parts)


def test_garbage_on_the_socket_harms_nobody(started):
    for rubbish in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\x00" * 5000, b"A" * 100_000):
        with socket.create_connection(("127.0.0.1", started.daemon.port), timeout=5) as connection:
            try:
                connection.sendall(rubbish)
                connection.settimeout(0.3)
                connection.recv(100)
            except OSError:
                pass
    assert started.api("read").get("/v1/status").status == 200
