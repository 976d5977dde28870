"""Tokens come, change and end while the daemon runs."""

import hashlib
import http.client
import json
from datetime import datetime, timedelta, timezone

from harness import Api, wait_for


def entry(name: str, token: str, role: str = "operate", **more: str) -> dict:
    return {"name": name, "role": role, "sha256": hashlib.sha256(token.encode()).hexdigest(), **more}


def test_a_token_is_replaced_without_a_restart_and_the_old_one_ends_with_the_reload(world):
    tokens = world.policy["daemon"]["tokens"]
    tokens.append(entry("deployer", "old-" + "x" * 40))
    world.start()
    pid = world.daemon.process.pid
    kept = http.client.HTTPConnection("127.0.0.1", world.daemon.port, timeout=20)

    def asks(token: str) -> int:
        """Over one connection: what it was let in with once is no matter."""
        kept.request("GET", "/v1/status", headers={"Authorization": f"Bearer {token}"})
        answer = kept.getresponse()
        answer.read()
        return answer.status

    old, new = "old-" + "x" * 40, "new-" + "y" * 40
    assert (asks(old), asks(new)) == (200, 401)
    tokens.append(entry("deployer-2", new))          # both, for as long as it takes to hand it out
    world.write_policy()
    world.api().must(200, "/v1/config/reload", {})
    assert (asks(old), asks(new)) == (200, 200)
    tokens[:] = [one for one in tokens if one["name"] != "deployer"]
    world.write_policy()
    world.api().must(200, "/v1/config/reload", {})
    assert (asks(old), asks(new)) == (401, 200)
    assert world.daemon.process.pid == pid and world.daemon.running


def test_a_token_ends_when_it_says_so_and_the_refusal_says_since_when(world):
    token = "short-" + "z" * 40
    until = datetime.now(timezone.utc) + timedelta(seconds=4)
    world.policy["daemon"]["tokens"].append(entry("visitor", token, expires=until.strftime("%Y-%m-%dT%H:%M:%SZ")))
    world.start()
    api = Api(world.daemon.port, token)
    answer = wait_for(lambda: (got := api.get("/v1/status")).status == 401 and got, what="its end")
    assert "visitor expired at" in answer.json["detail"] and token not in answer.text


def test_what_token_new_prints_is_an_entry_that_works(world):
    done = world.ctl("token", "new", "--json", role=None)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    world.policy["daemon"]["tokens"].append({"name": "made", "role": "read", "sha256": made["sha256"]})
    world.start()
    assert Api(world.daemon.port, made["token"]).read("/v1/status")["you"] == {"name": "made", "role": "read"}
