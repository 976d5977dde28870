"""The OpenAPI document against the daemon: lint-clean, every refusal it names is given, and bodies are taken and
refused exactly as its schemas say."""

import http.client
import json
import re
import shutil
import subprocess

import pytest
from harness import wait_for
from harness.daemon import ROOT
from test_openapi import JSON, Schemas, eventful  # noqa: F401

LINTER = ROOT / "build/tools/openapi"
# What exists in the world of the tests, so that nothing but what is asked about is wrong.
NAMES = {"s": "shop", "g": "payments", "t": "down", "p": "payments-off", "v": "v1", "id": "INC-1", "n": "1"}


def operations(document: dict):
    for pattern, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), pattern, operation


def filled(pattern: str, **other: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: other.get(m[1], NAMES.get(m[1], "nope")), pattern)


def test_the_document_is_lint_clean(world):
    if not shutil.which("node") or not (LINTER / "node_modules").is_dir():
        pytest.skip("Redocly's rules are not there (scripts/setup tests fetches them with npm)")
    world.start()
    document = world.api("read").get("/v1/openapi.json").text
    done = subprocess.run(["node", str(ROOT / "tests/e2e/openapi/lint.mjs"), str(LINTER)], input=document,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


# Status → who asks and how, so that it is given whatever the operation is.

def malformed(world, method, pattern, operation):
    return world.api().request(method, filled(pattern) + "?x=%zz")


def nobody(world, method, pattern, operation):
    return world.api(None).request(method, filled(pattern))


def foreign(world, method, pattern, operation):
    return world.api(None).request(method, filled(pattern), headers={"Host": "evil.example.com"})


def missing(world, method, pattern, operation):
    names = {name: "99" if name in "n" else "INC-99" if name == "id" else "nope" for name in NAMES}
    body = {"pushSamples": {"ok": True}, "recordDeployment": {"version": "x"}, "releaseVersion": {},
            "raiseTrigger": {"reason": "x"}, "runPlaybook": {}, "recordDrill": {"incident": "INC-1", "broken_at": "2026-01-01T00:00:00Z"},
            "pause": {"service": "nope"}, "resume": {"service": "nope"}, "addSilence": {"service": "nope", "for": "1h", "reason": "x"},
            "removeSilences": {"service": "nope"}, "approve": {"plan": "0"}, "reject": {"plan": "0"},
            "judgeIncident": {"verdict": "false-positive"}, "confirmStep": {"outcome": "done"}}.get(operation["operationId"], {})
    sent = json.dumps(body).encode() if "requestBody" in operation else None
    return world.api().request(method, filled(pattern, **names), sent, JSON if sent else {})


def too_large(world, method, pattern, operation):
    connection = http.client.HTTPConnection("127.0.0.1", world.daemon.port, timeout=10)
    connection.putrequest(method, filled(pattern))
    for name, value in {**JSON, "Authorization": f"Bearer {world.tokens['admin']}", "Content-Length": "104857600"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def another_type(world, method, pattern, operation):
    return world.api().request(method, filled(pattern), b"x=1", {"Content-Type": "text/plain"})


def unknown(world, method, pattern, operation):
    return world.api().request(method, filled(pattern) + "?nope=1")


def throttled(world, method, pattern, operation):
    return world.api().as_("wrong").request(method, filled(pattern))


REFUSALS = {400: malformed, 401: nobody, 403: foreign, 404: missing, 413: too_large, 415: another_type, 422: unknown,
            429: throttled}
# Given by what the daemon stands on, not by the request: 409 to a call whose end nobody knows (idempotency_test.cpp
# asks every operation), 503 without a journal, below, or of a daemon that stands by (test_shared_store.py).
ELSEWHERE = {409, 503}


def test_every_refusal_that_the_document_names_is_given(eventful):  # noqa: F811
    document = eventful.api().read("/v1/openapi.json")
    schemas = Schemas(document)
    for _ in range(301):
        eventful.api(None).as_("wrong").get("/v1/status")
    for method, pattern, operation in operations(document):
        named = {int(status) for status in operation["responses"] if int(status) >= 400}
        assert named <= set(REFUSALS) | ELSEWHERE, (method, pattern)
        for status in named - ELSEWHERE:
            answer = REFUSALS[status](eventful, method, pattern, operation)
            assert answer.status == status, f"{method} {pattern}: {answer.status} instead of {status}"
            if status != 413:
                check(schemas, answer, status)


def check(schemas: Schemas, answer, status: int) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert schemas.mistakes(answer.json, {"$ref": "#/components/schemas/Problem"}) == []
    assert answer.json["status"] == status and answer.json["request_id"] == answer.headers["x-request-id"]
    assert status not in (429, 503) or int(answer.headers["retry-after"]) >= 1
    assert status != 401 or "Bearer" in answer.headers["www-authenticate"]


def test_without_a_journal_every_change_is_503_and_says_when_to_ask_again(eventful):  # noqa: F811
    document = eventful.api().read("/v1/openapi.json")
    for file in eventful.folder.glob("rollbackd.db*"):
        if file.is_file():
            file.rename(file.with_name("gone-" + file.name))
    wait_for(lambda: eventful.api().post("/v1/pause", {"service": "shop"}).status == 503, what="the loss to be seen")
    for method, pattern, operation in operations(document):
        pushed_or_read = method == "GET" or operation["operationId"] in ("pushSamples", "postAlerts", "abortIncident",
                                                                         "checkConfig")
        if "503" not in operation["responses"] or pushed_or_read:
            continue
        sent = b"{}" if "requestBody" in operation else None
        answer = eventful.api().request(method, filled(pattern), sent, JSON if sent else {})
        assert answer.status == 503, f"{method} {pattern}: {answer.status}"
        check(Schemas(document), answer, 503)
    assert eventful.api(None).get("/readyz").status == 503


def test_what_has_a_tag_is_304_to_whom_has_it_and_says_so_in_the_document(eventful):  # noqa: F811
    document = eventful.api().read("/v1/openapi.json")
    asked, other = 0, []
    for method, pattern, operation in operations(document):
        if "304" not in operation["responses"] or pattern in ("/assets/{file}",):
            continue
        for _ in range(5):      # until nothing of it moves
            first = eventful.api().get(filled(pattern))
            again = eventful.api().request("GET", filled(pattern), headers={"If-None-Match": first.headers.get("etag", "")})
            if again.status == 304:
                break
        if first.status == 200:
            asked += 1
            if again.status != 304 or again.body:
                other.append((pattern, again.status))
    assert other == [] and asked > 12


# The schemas of bodies and what is taken: no member more, none less, none of another type.

WRONG = {"string": [7], "boolean": ["yes"], "integer": ["x", 1.5], "number": ["x"], "object": [7], "array": [7]}


def type_of(schema: dict, document: dict) -> dict:
    """Without the null that many members may also be, and by its own name."""
    if "$ref" in schema:
        return type_of(Schemas(document).named(schema["$ref"]), document)
    others = (one for one in schema.get("anyOf", []) if one != {"type": "null"})
    return type_of(next(others, {}), document) if "anyOf" in schema else schema


def wrong_for(schema: dict, document: dict) -> list:
    """Values that each keyword of the schema forbids."""
    own = type_of(schema, document)
    kinds = own.get("type", [])
    wrong = [True] if isinstance(kinds, list) and kinds else WRONG[kinds][:] if kinds else []
    wrong += ["nope"] if "enum" in own else []
    wrong += ["yesterday"] if own.get("format") == "date-time" else []
    wrong += [" "] if "pattern" in own else []
    wrong += ["x" * (own["maxLength"] + 1)] if "maxLength" in own else []
    wrong += [own["minimum"] - 1] if "minimum" in own else []
    wrong += [own["maximum"] + 1] if "maximum" in own else []
    return wrong


def bodies(document: dict):
    for method, pattern, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            schema = Schemas(document).named(content["application/json"]["schema"]["$ref"])
            yield method, pattern, operation["operationId"], schema


def pointers(answer) -> set[str]:
    assert answer.status == 422, f"{answer.status} {answer.text[:300]}"
    return {mistake["pointer"] for mistake in answer.json.get("errors", [])}


def test_a_body_is_refused_for_exactly_what_its_schema_forbids(eventful):  # noqa: F811
    document = eventful.api().read("/v1/openapi.json")
    asked = 0
    for method, pattern, name, schema in bodies(document):
        def send(body):
            return eventful.api().request(method, filled(pattern), json.dumps(body).encode(), JSON)
        properties = schema.get("properties", {})
        where = (method, pattern)
        assert (schema.get("additionalProperties") is False) == (name not in ("postAlerts", "pushSamples")), where
        if schema.get("additionalProperties") is False:    # else others' formats: what is new is passed over
            assert "/no_such_member" in pointers(send({"no_such_member": 1})), where
        for member in schema.get("required", []):
            found = pointers(send({}))
            assert f"/{member}" in found, (where, member, found)
        for member, own in properties.items():
            for wrong in wrong_for(own, document):
                found = pointers(send({member: wrong}))
                assert f"/{member}" in found, (where, member, wrong, found)
                asked += 1
    assert asked > 70


def test_a_parameter_is_refused_for_exactly_what_its_schema_forbids(eventful):  # noqa: F811
    document = eventful.api().read("/v1/openapi.json")
    asked = 0
    for method, pattern, operation in operations(document):
        for parameter in operation.get("parameters", []):
            own = type_of(parameter["schema"], document)
            # In an address everything is text, so that no text is of a wrong type for a string.
            wrong = [one for one in wrong_for(own, document) if own["type"] != "string" or isinstance(one, str)]
            place = parameter["in"]
            for value in wrong:
                name, text = parameter["name"], str(value).strip() or "%20"
                path = filled(pattern, **({name: text} if place == "path" else {}))
                query = f"?{name}={text}" if place == "query" else ""
                headers = {name: str(value) if str(value).strip() else ""} if place == "header" else {}
                sent = b"{}" if "requestBody" in operation else None
                answer = eventful.api().request(method, path + query, sent, {**(JSON if sent else {}), **headers})
                expected = {"path": 404, "query": 422, "header": 400}[place]
                assert answer.status == expected, (method, path, query, headers, answer.status)
                asked += 1
    assert asked > 40
