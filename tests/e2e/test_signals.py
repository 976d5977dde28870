"""What users see of a signal: its value, its state and its reason, each fault told from the others."""

import pytest
from harness import settled, wait_for
from harness.counting import Counting
from harness.net import free_port
from harness.policy import down
from harness.tls import Certificate, TlsServer

FAULTS = {
    "expired": {"from_days": -20, "until_days": -2},
    "not_yet_valid": {"from_days": 3, "until_days": 60},
    "wrong_host": {"san": "DNS:other.example.com"},
}


def certificate(world, name: str = "good", **facts) -> Certificate:
    return Certificate(world.folder / "certificates" / name, **facts)


def watch_certificate(world, server: TlsServer, trusted: Certificate, **triggers: dict) -> None:
    world.shop["signals"]["cert"] = {
        "tls": {"address": server.address, "server_name": "shop.example.com", "ca": str(trusted.path)},
        "every": "300ms", "timeout": "5s"}
    world.triggers(**triggers or {"soon": {"when": "days_left(cert) < 30", "severity": "P2", "response": "alert"}})
    world.start()


def reason(world, signal: str = "cert") -> str:
    return world.signal(signal)["last_reason"]


@pytest.mark.parametrize("fault", [*FAULTS, "self_signed"])
def test_a_certificate_at_fault_is_a_failed_signal_with_its_days_and_its_fault(world, fault):
    shown = certificate(world, fault, **FAULTS.get(fault, {}))
    server = TlsServer(shown)
    trusted = certificate(world) if fault == "self_signed" else shown
    watch_certificate(world, server, trusted, bad={"when": "failed(cert)", "severity": "P2", "response": "alert"})
    wait_for(lambda: world.signal("cert")["state"] == "failed" and reason(world).startswith(f"tls: {fault}: "))
    assert isinstance(world.signal("cert")["last_value"], float)
    world.opened("bad")
    assert fault in world.trigger("bad")["why"]
    assert fault in world.ctl("services", "shop").stdout + world.ctl("services").stdout
    server.down()


def signed(world, fault: str) -> tuple[Certificate, Certificate]:
    """(what the server shows, what is trusted): a chain whose middle is not sent, a signature nobody trusts."""
    root = certificate(world, "root", authority=True)
    if fault == "weak":
        return certificate(world, "leaf", issuer=root, digest="sha1"), root
    middle = certificate(world, "middle", authority=True, issuer=root)
    return certificate(world, "leaf", issuer=middle), root


@pytest.mark.parametrize("fault", ["untrusted", "weak"])
def test_a_broken_chain_and_a_weak_signature_are_faults_with_days(world, fault):
    shown, root = signed(world, fault)
    server = TlsServer(shown)
    world.shop["signals"]["site"] = {"http": {"url": f"https://{server.address}/", "ca": str(root.path)},
                                     "every": "300ms", "timeout": "2s"}
    watch_certificate(world, server, root, bad={"when": "failed(cert)", "severity": "P2", "response": "alert"})
    world.opened("bad")
    assert reason(world).startswith(f"tls: {fault}: "), reason(world)
    assert 89 < world.signal("cert")["last_value"] < 91
    wait_for(lambda: (reason(world, "site") or "").startswith(f"tls: {fault}: "))


@pytest.mark.parametrize("days, soon", [(1, True), (29, True), (31, False)])
def test_a_certificate_is_due_below_thirty_days(world, days, soon):
    shown = certificate(world, until_days=days + 0.1)
    watch_certificate(world, TlsServer(shown), shown)
    wait_for(lambda: world.trigger("soon")["verdict"] == ("true" if soon else "false"))
    assert days < world.signal("cert")["last_value"] < days + 0.2


def test_a_good_certificate_tells_the_days_of_leaf_and_chain(world):
    shown = certificate(world, until_days=10)
    server = TlsServer(shown)
    watch_certificate(world, server, shown)
    world.opened("soon")
    signal = world.signal("cert")
    assert signal["state"] == "ok" and 9 < signal["last_value"] <= 10
    assert signal["last_reason"].startswith("leaf ") and "chain " in signal["last_reason"]
    server.down()


def test_without_a_connection_the_certificate_last_seen_counts_on_and_says_so(world):
    shown = certificate(world, until_days=40)
    server = TlsServer(shown)
    watch_certificate(world, server, shown)
    wait_for(lambda: world.trigger("soon")["verdict"] == "false")
    server.down()
    wait_for(lambda: reason(world).startswith("refused: "), what="the reason of the failed connection")
    signal = world.signal("cert")
    assert 39 < signal["last_value"] <= 40 and not signal["stale"] and signal["state"] is None
    assert "last seen" in signal["last_reason"]
    assert world.trigger("soon")["verdict"] == "false"
    assert settled(world.incidents) == []


def test_a_certificate_never_seen_is_unknown_with_the_reason(world):
    shown = certificate(world)
    server = TlsServer(shown)
    server.down()
    watch_certificate(world, server, shown)
    wait_for(lambda: reason(world).startswith("refused: "))
    assert world.signal("cert")["last_value"] is None
    assert world.trigger("soon")["verdict"] == "unknown"


@pytest.mark.parametrize("fault", [*FAULTS, "self_signed"])
def test_an_https_probe_verifies_and_tells_each_fault_by_name(world, fault):
    shown = certificate(world, fault, **FAULTS.get(fault, {}))
    server = TlsServer(shown)
    trusted = certificate(world) if fault == "self_signed" else shown
    world.shop["signals"]["health"] = {"http": {"url": f"https://{server.address}/", "ca": str(trusted.path)},
                                       "every": "300ms", "timeout": "2s"}
    world.triggers(down=down(response="alert"))
    world.start()
    world.opened("down")
    assert reason(world, "health").startswith(f"tls: {fault}: "), reason(world, "health")
    server.down()


def test_an_https_probe_of_a_trusted_certificate_is_good(world):
    shown = certificate(world)
    server = TlsServer(shown)
    world.shop["signals"]["health"] = {"http": {"url": f"https://{server.address}/", "ca": str(shown.path)},
                                       "every": "300ms", "timeout": "2s"}
    world.start()
    wait_for(lambda: world.signal("health")["state"] == "ok")
    server.down()


KINDS = {
    "hang": "timeout", "garbage": "garbage", "close": "closed", "endless": "too_large", "fail": "status",
    "html": "content", "redirect": "status",
}


@pytest.mark.parametrize("mode, slug", KINDS.items())
def test_each_way_to_fail_has_its_own_word(world, mode, slug):
    world.app.mode = mode
    world.shop["signals"]["health"]["timeout"] = "2s"
    world.triggers(down=down(response="alert"))
    world.start()
    wait_for(lambda: reason(world, "health").startswith(slug + ": "), what=f"{slug} for {mode}")
    assert world.signal("health")["state"] == "failed"


@pytest.mark.parametrize("url, slug", [
    ("http://nowhere.invalid/", "dns"), ("http://127.0.0.1:{closed}/", "refused"), ("https://127.0.0.1:{plain}/", "tls")])
def test_each_way_not_to_connect_has_its_own_word(world, url, slug):
    world.shop["signals"]["health"] = {
        "http": {"url": url.format(closed=free_port(), plain=world.sink.url.split(":")[2].split("/")[0])},
        "every": "300ms", "timeout": "5s"}
    world.triggers(down=down(response="alert"))
    world.start()
    wait_for(lambda: reason(world, "health").startswith(slug + ": "), what=slug)


def test_redirects_are_followed_as_often_as_allowed_and_not_for_ever(world):
    world.app.mode = "redirect"
    world.shop["signals"]["health"]["http"]["redirects"] = 3
    world.triggers(down=down(response="alert"))
    world.start()
    wait_for(lambda: reason(world, "health").startswith("redirects: "), what="the end of the redirects")
    assert "3" in reason(world, "health")


def test_a_connection_is_kept_from_question_to_question_where_that_is_wanted(world):
    with Counting() as server:
        form = {"http": {"url": server.url, "connection": "keep"}, "every": "100ms", "timeout": "2s"}
        world.shop["signals"]["kept"] = form
        world.triggers(gone={"when": "failed(kept)", "severity": "P2", "response": "alert"})
        world.start()
        wait_for(lambda: server.requests >= 5)
        assert server.connections == 1
        server.hang_up()
        seen = server.requests
        wait_for(lambda: server.requests >= seen + 5)
        assert server.connections == 2
        form["http"]["connection"] = "fresh"
        world.write_policy()
        assert world.api("admin").post("/v1/config/reload").status == 200
        seen, before = server.requests, server.connections
        wait_for(lambda: server.requests >= seen + 5)
        assert server.connections >= before + 4
    world.opened("gone")


def test_what_keeps_us_from_asking_is_unknown_and_told(world):
    """Our own fault is neither health nor failure; people see it beside the signal."""
    missing = world.folder / "gone.pem"
    missing.write_text(certificate(world).path.read_text())
    world.shop["signals"]["health"]["http"].update(url="https://127.0.0.1:1/", ca=str(missing))
    world.triggers(down=down(response="alert"))
    missing.unlink()
    world.start()
    wait_for(lambda: "gone.pem" in reason(world, "health"), what="the missing file to be named")
    assert world.signal("health")["state"] is None
    assert world.trigger("down")["verdict"] == "unknown"
    assert settled(world.incidents) == []


