"""What the daemon answers is what its own OpenAPI document says: every call once, in a world where
something has happened, each answer checked against the schema published for its status."""

import json
import re
from datetime import datetime

import pytest
from harness import wait_for
from harness.policy import failing_payments

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
JSON = {"Content-Type": "application/json"}


class Schemas:
    """JSON Schema as far as the document uses it, and stricter: a member that the document does not
    name is a mistake."""

    def __init__(self, document: dict):
        self.document = document

    def named(self, reference: str) -> dict:
        return self.document["components"]["schemas"][reference.removeprefix("#/components/schemas/")]

    def mistakes(self, value, schema: dict, where: str = "") -> list[str]:
        if "$ref" in schema:
            return self.mistakes(value, self.named(schema["$ref"]), where)
        if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
            return [f"{where}: {value!r} is not {schema['description']}"]
        if "anyOf" in schema:
            tried = [self.mistakes(value, one, where) for one in schema["anyOf"]]
            return [] if [] in tried else tried[0]
        if not self.fits(value, schema.get("type")):
            return [f"{where or '/'}: {json.dumps(value)[:100]} is not {schema['type']}"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{where}: {value!r} is not one of {schema['enum']}"]
        if schema.get("format") == "date-time":
            return [] if is_utc(value) else [f"{where}: {value!r} is no RFC 3339 time in UTC"]
        if isinstance(value, list):
            every = schema.get("items", {})
            return [m for n, item in enumerate(value) for m in self.mistakes(item, every, f"{where}/{n}")]
        return self.in_object(value, schema, where) if isinstance(value, dict) else []

    def in_object(self, value: dict, schema: dict, where: str) -> list[str]:
        found = [f"{where}/{name}: missing" for name in schema.get("required", []) if name not in value]
        known, others = schema.get("properties"), schema.get("additionalProperties")
        for name, item in value.items():
            if known and name in known:
                found += self.mistakes(item, known[name], f"{where}/{name}")
            elif others not in (None, False):
                found += self.mistakes(item, others, f"{where}/{name}")
            elif known is not None or others is False:
                found.append(f"{where}/{name}: not in the document")
        return found

    @staticmethod
    def fits(value, kind: str | list | None) -> bool:
        if kind is None:
            return True
        if isinstance(kind, list):
            return any(Schemas.fits(value, one) for one in kind)
        if kind in ("integer", "number"):
            whole = isinstance(value, int) or kind == "number" and isinstance(value, float)
            return whole and not isinstance(value, bool)
        return isinstance(value, TYPES[kind])


def is_utc(text: str) -> bool:
    try:
        return text.endswith("Z") and datetime.fromisoformat(text.replace("Z", "+00:00")) is not None
    except ValueError:
        return False


class Checked:
    """Calls, and checks each answer against the document."""

    def __init__(self, world):
        self.api = world.api()
        self.document = self.api.read("/v1/openapi.json")
        self.schemas = Schemas(self.document)
        self.called: set[tuple[str, str]] = set()

    def call(self, method: str, pattern: str, body: object = None, query: str = "", **names: str):
        operation = self.document["paths"][pattern][method.lower()]
        self.called.add((method, pattern))
        path = re.sub(r"\{(\w+)\}", lambda m: names[m[1]], pattern) + query
        sent = json.dumps(body).encode() if body is not None else None
        if body is not None and "requestBody" in operation:
            wanted = operation["requestBody"]["content"]["application/json"]["schema"]
            assert self.schemas.mistakes(body, wanted) == [], (method, pattern, body)
        answer = self.api.request(method, path, sent, JSON if sent else {})
        published = operation["responses"].get(str(answer.status))
        assert published, f"{method} {path}: {answer.status} is not in the document: {answer.text[:300]}"
        if not published.get("content"):
            assert answer.body == b"", (method, path)
            return answer
        kind = answer.headers["content-type"].split(";")[0]
        assert kind in published["content"], (method, path, kind)
        if "json" in kind:
            found = self.schemas.mistakes(answer.json, published["content"][kind]["schema"])
            assert found == [], f"{method} {path}: {answer.status}: {found}"
        return answer


@pytest.fixture
def eventful(world):
    """A rollback that was made, a plan that waits, a run by hand with a manual step, and a duty."""
    world.repository.prepare("v2", "fail")
    world.triggers(down=world.shop["triggers"]["down"], payments=failing_payments(autonomy="advise", blame="any",
                                                                                  response=["payments-off"]))
    rollback = world.shop["playbooks"]["code-rollback"]
    rollback["steps"].insert(0, {"capture_evidence": {"commands": [["echo", "kept"]], "files": []}})
    rollback["success"] = [{"run": ["true"]}]
    world.shop["duties"] = [{"name": "tell", "text": "Tell users", "deadline": "1h", "from": "detection"}]
    world.shop["playbooks"]["drain"] = {
        "undoes": "nothing", "risk": "low", "data_loss": "none", "budget": "5m", "inputs": {"queue": "mail"},
        "steps": [{"wait_until": {"until": "ok(health)", "within": "5s"}}, {"manual": {"say": "drain {{ inputs.queue }}"}}],
        "verify": [{"until": "ok(health)", "within": "4s"}, {"run": ["true"]}],
        "follow_up": ["write it down", {"say": "look again", "every": "15m", "for": "4h"}],
    }
    world.start()
    world.deploy("v1", known_good=True)
    world.healthy_first()
    world.deploy("v2")
    world.until(world.opened()["id"], "resolved")
    return world


def test_every_answer_is_as_the_document_says(eventful):
    world, checked = eventful, Checked(eventful)
    call = checked.call
    shop = {"s": "shop"}
    call("POST", "/v1/services/{s}/signals/{g}", {"ok": False, "reason": "x"}, s="shop", g="payments")
    world.push("payments", *[{"ok": False}] * 4)
    waiting = wait_for(lambda: [i for i in world.incidents() if i["state"] == "waiting"], what="a plan")[0]["id"]
    for path in ("/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/v1/status", "/v1/services", "/v1/incidents",
                 "/v1/silences", "/v1/journal", "/"):
        call("GET", path)
    for file in re.findall(r"/assets/([\w.-]+)", world.api().get("/").text) + ["nope.js"]:
        call("GET", "/assets/{file}", file=file)
    for path in ("", "/deployments", "/versions"):
        call("GET", "/v1/services/{s}" + path, **shop)
    for signal in ("health", "payments"):
        call("GET", "/v1/services/{s}/signals/{g}", s="shop", g=signal)
    for version in (world.repository.versions["v2"], "never"):
        call("GET", "/v1/services/{s}/versions/{v}", s="shop", v=version)
        call("POST", "/v1/services/{s}/versions/{v}/release", {"reason": "x"}, s="shop", v=version)
    for incident in ("INC-1", waiting, "INC-99"):
        for path in ("", "/timeline", "/explain", "/report", "/evidence", "/plan"):
            call("GET", "/v1/incidents/{id}" + path, id=incident)
        for n in ("1", "99"):
            call("GET", "/v1/incidents/{id}/steps/{n}/output", id=incident, n=n)
    for trigger in ("down", "payments", "nope"):
        call("GET", "/v1/services/{s}/triggers/{t}/explain", s="shop", t=trigger)
    call("POST", "/v1/services/{s}/playbooks/{p}/runs", {"dry_run": True}, s="shop", p="drain")
    call("POST", "/v1/services/{s}/playbooks/{p}/runs", {"inputs": {"x": 1}}, s="shop", p="drain")
    plan = world.incident(waiting)["runs"][-1]["plan"]
    call("POST", "/v1/incidents/{id}/reject", {"plan": "0" * 64}, id=waiting)
    call("POST", "/v1/incidents/{id}/ack", {}, id=waiting)
    assert call("POST", "/v1/incidents/{id}/approve", {"plan": plan}, id=waiting).json["state"] == "running"
    call("POST", "/v1/incidents/{id}/abort", {}, id=waiting)
    world.until(waiting, "frozen", "resolved")
    call("POST", "/v1/incidents/{id}/resolve", {"reason": "x"}, id=waiting)
    drill = {"incident": "INC-1", "broken_at": world.incident("INC-1")["opened_at"]}
    assert call("POST", "/v1/services/{s}/playbooks/{p}/drills", drill, s="shop", p="code-rollback").status == 201
    call("POST", "/v1/services/{s}/playbooks/{p}/drills", drill, s="shop", p="drain")
    call("GET", "/v1/services/{s}", s="shop")
    call("POST", "/v1/incidents/{id}/verdict", {"verdict": "false-positive"}, id="INC-1")
    call("POST", "/v1/incidents/{id}/duties/{n}/confirm", {"outcome": "does_not_apply", "reason": "x"},
         id="INC-1", n="1")
    wait_for(lambda: not world.api().read("/v1/services/shop")["open_incidents"], what="the abort to be over")
    run = wait_for(lambda: started(call), what="a run by hand").json
    world.until(run["incident"], "waiting")
    call("GET", "/v1/incidents/{id}", id=run["incident"])
    call("GET", "/v1/status")
    call("POST", "/v1/incidents/{id}/steps/{n}/confirm", {"outcome": "done"}, id=run["incident"], n="2")
    call("POST", "/v1/services/{s}/triggers/{t}/raise", {"reason": "seen"}, s="shop", t="down")
    silence = call("POST", "/v1/silences", {"service": "shop", "for": "1h", "reason": "x"}).json["id"]
    call("GET", "/v1/silences")
    call("DELETE", "/v1/silences/{id}", id=silence)
    call("DELETE", "/v1/silences", {"service": "shop"})
    call("DELETE", "/v1/silences", query="?id=SIL-99")
    for switch in ("/v1/pause", "/v1/resume"):
        call("POST", switch, {"service": "shop"})
        call("POST", switch, {})
        call("POST", switch, {"service": "shpo"})
    call("POST", "/v1/services/{s}/deployments", {"version": "v9", "known_good": True}, s="shop")
    call("POST", "/v1/alerts", {"version": "4", "status": "firing", "alerts": [{"labels": {"alertname": "Down"}}]})
    call("POST", "/v1/alerts", {"version": "4", "status": "resolved", "alerts": []})
    call("POST", "/v1/config/check", {"text": "version: 7"})
    call("POST", "/v1/config/check", {})
    call("POST", "/v1/config/reload", {})
    every = {(method.upper(), path) for path, operations in checked.document["paths"].items() for method in operations}
    assert every - checked.called == {("GET", "/v1/events")}, "calls that this test leaves out"


def started(call):
    """The run, once nothing of before holds its service any more."""
    answer = call("POST", "/v1/services/{s}/playbooks/{p}/runs", {"reason": "drill"}, s="shop", p="drain")
    return answer if answer.status == 201 else None


def test_refusals_are_problems_as_the_document_says(eventful):
    checked = Checked(eventful)
    problem = {"$ref": "#/components/schemas/Problem"}
    for method, path, body, role in (
            ("GET", "/v1/status", None, None), ("POST", "/v1/pause", b"{}", "read"), ("GET", "/v1/nope", None, "read"),
            ("PUT", "/v1/status", None, "read"), ("POST", "/v1/pause", b"{", "admin"),
            ("POST", "/v1/pause", b'{"service":7,"x":1}', "admin"), ("GET", "/v1/incidents?limit=x", None, "read")):
        answer = eventful.api(role).request(method, path, body, JSON)
        assert answer.headers["content-type"] == "application/problem+json", (method, path)
        assert checked.schemas.mistakes(answer.json, problem) == [], (method, path)
        assert answer.json["status"] == answer.status and answer.json["type"] == "about:blank"
