"""firewall with the real nft and ufw, between two machines: packets really are dropped in front of every allow, in both
families, and come through again; the way in of whoever must mend it stays open."""

import subprocess

import pytest
from harness import wait_for
from harness.by_hand import carry_out, done, dry_run, step_text, with_steps
from harness.netns import OTHER, WEB, TwoMachines, why_no_namespaces

OPEN, CLOSED = (True, True), (False, False)


@pytest.fixture
def machines(world, tmp_path):
    if reason := why_no_namespaces("nft", "ufw", "ss"):
        pytest.skip(reason)
    made = TwoMachines(tmp_path / "machines")
    try:
        made.start()
        made.listen(80)
        world.policy["hosts"] = made.hosts
        yield made
    finally:
        made.stop()


def firewall(do: str, by: str, ports: list | None = None, host: str = "web", **more) -> dict:
    step = {"firewall": {"do": do, "ports": ports or [80], "by": by, **more}}
    return {**step, "host": host} if host else step


def by_itself(world, step: dict, **more) -> dict:
    if world.daemon.running:
        world.daemon.stop()
    with_steps(world, step, **more)
    return done(world, timeout=90)


def refused(world, step: dict) -> str:
    if world.daemon.running:
        world.daemon.stop()
    with_steps(world, step)
    run = carry_out(world, timeout=90)
    assert run["state"] == "failed", run
    return step_text(world, run)


def ufw_on(machines, *rules: str) -> None:
    machines.run("ufw --force enable >/dev/null")
    for rule in rules:
        machines.run(f"ufw {rule} >/dev/null")


def rules(machines) -> str:
    return (machines.etc / "user.rules").read_text() + (machines.etc / "user6.rules").read_text()


LOOK = {"addresses": list(WEB), "from": "other"}


def test_nftables_closes_for_all_opens_for_some_and_then_is_gone(world, machines):
    machines.run("nft add table inet theirs")
    before = machines.run("nft list ruleset")
    assert machines.both(80) == OPEN
    step = firewall("close", "nftables", **LOOK)
    run = by_itself(world, step)
    assert machines.both(80) == CLOSED
    assert "close port 80 to everybody" in dry_run(world)
    assert "in front of every rule" in step_text(world, run)
    by_itself(world, firewall("open", "nftables", to=[OTHER[0], "2001:db8:5::/48"]))
    assert machines.both(80) == (True, False)
    by_itself(world, firewall("open", "nftables", **LOOK))
    assert machines.both(80) == OPEN
    assert machines.run("nft list ruleset") == before
    by_itself(world, firewall("open", "nftables", **LOOK))    # nothing is left to open


def test_nftables_ends_connections_that_stand_and_leaves_loopback(world, machines):
    ask = (f"import socket, sys\ns = socket.create_connection(({WEB[0]!r}, 80), 2)\n\n"
           "for line in sys.stdin:\n  s.settimeout(float(line)); s.send(line.encode())\n  try: print(s.recv(99) != b'', flush=True)\n"
           "  except OSError: print(False, flush=True)\n")
    talk = subprocess.Popen(["ip", "netns", "exec", machines.names["other"], "/usr/bin/python3", "-c", ask],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        def answered(seconds: int) -> str:
            talk.stdin.write(f"{seconds}\n")
            talk.stdin.flush()
            return talk.stdout.readline().strip()
        assert answered(60) == "True"
        by_itself(world, firewall("close", "nftables"))
        assert answered(2) == "False"
        machines.run("bash -c 'exec 3<>/dev/tcp/127.0.0.1/80'")
    finally:
        talk.kill()
        talk.wait(60)


def test_the_documented_deny_lets_all_through_and_ours_stands_in_front_of_it(world, machines):
    ufw_on(machines, "allow 80/tcp", "allow 22", "deny 80")
    before = rules(machines)
    assert machines.both(80) == OPEN, "the paper's own command: the deny is behind the allow"
    by_itself(world, firewall("close", "ufw", **LOOK))
    assert machines.both(80) == CLOSED
    by_itself(world, firewall("open", "ufw", to=[OTHER[0]]))
    assert machines.both(80) == (True, False)
    by_itself(world, firewall("close", "ufw", **LOOK))
    by_itself(world, firewall("open", "ufw", **LOOK))
    assert machines.both(80) == OPEN
    assert rules(machines) == before and not (machines.etc / "rollbackd").exists()


def test_an_allow_of_everything_is_not_taken_for_ours(world, machines):
    """ufw would turn `allow 80` into our deny, and nobody could bring it back."""
    ufw_on(machines, "allow 80", "allow 443")
    before = rules(machines)
    by_itself(world, firewall("close", "ufw", ports=[80, 443]))
    assert machines.both(80) == CLOSED
    by_itself(world, firewall("open", "ufw", ports=[80], **LOOK))
    by_itself(world, firewall("open", "ufw", ports=[443]))
    assert rules(machines) == before


def test_what_others_change_meanwhile_stays(world, machines):
    ufw_on(machines, "allow 80/tcp", "deny 80")
    by_itself(world, firewall("close", "ufw"))
    machines.run("ufw allow from 198.51.100.0/24 to any port 5432 >/dev/null")
    run = by_itself(world, firewall("open", "ufw"))
    assert "theirs stay" in step_text(world, run)
    said = machines.run("ufw show added")
    assert "5432" in said and "ufw allow 80/tcp" in said and "ufw deny 80" in said and "rollbackd" not in said


def test_ufw_cut_off_in_the_middle_is_still_undone_to_the_byte(world, machines):
    """Between the old deny, which is gone already, and ours."""
    ufw_on(machines, "allow 80/tcp", "deny 80")
    before = rules(machines)
    cutting = machines.folder / "cutting"
    cutting.write_text('#!/bin/sh\n[ "$1" != prepend ] || { kill -9 $(ps -o ppid= -p $PPID); exit 1; }\nexec ufw "$@"\n')
    cutting.chmod(0o755)
    with_steps(world, firewall("close", "ufw", command=[str(cutting)]))
    assert carry_out(world, timeout=90)["state"] in ("failed", "interrupted")
    assert rules(machines) != before and (machines.etc / "rollbackd/busy").exists()
    by_itself(world, firewall("close", "ufw", **LOOK))
    by_itself(world, firewall("open", "ufw", **LOOK))
    assert rules(machines) == before and not (machines.etc / "rollbackd").exists()


def test_an_allow_that_ufw_does_not_know_of_is_found_in_front(world, machines):
    ufw_on(machines, "allow 80/tcp")
    machines.run("iptables -I INPUT -p tcp --dport 80 -j ACCEPT")
    text = refused(world, firewall("close", "ufw"))
    assert "in front of the deny stands -A INPUT" in text


def test_ufw_that_is_not_active_is_refused_before_anything_is_done(world, machines):
    text = refused(world, firewall("close", "ufw"))
    assert "not active" in text and machines.both(80) == OPEN


def test_the_port_of_this_ssh_connection_is_never_closed(world, machines):
    port = machines.sshds["web"].port
    with_steps(world, firewall("close", "nftables", ports=["{{ inputs.port }}"]), inputs={"port": None})
    run = carry_out(world, port=str(port))
    assert run["state"] == "failed" and "this very ssh connection: it is never closed" in step_text(world, run)
    assert machines.run("nft list ruleset") == ""


def test_a_port_that_sshd_listens_on_is_never_closed(world, machines):
    folder = machines.folder / "web"
    config = folder / "inside"
    config.write_text((folder / "config").read_text().split("ForceCommand")[0].replace(
        f"Port {machines.sshds['web'].port}", "Port 2222").replace("ListenAddress 127.0.0.1", "ListenAddress 0.0.0.0"))
    machines.listen(2222, f"exec /usr/sbin/sshd -D -f {config}")
    for by in ("nftables", "ufw"):
        assert "a port of sshd" in refused(world, firewall("close", by, ports=[80, 2222]))
    assert "a port of sshd" in refused(world, firewall("open", "nftables", ports=[2222], to=[OTHER[0]]))
    assert machines.both(80) == OPEN


def test_the_daemons_own_port_is_never_closed(world, machines):
    """On its own machine; the policy hides the port from the check."""
    with_steps(world, firewall("close", "nftables", ports=["{{ inputs.port }}"], host=""), inputs={"port": None})
    run = carry_out(world, port=str(world.daemon.port))
    assert run["state"] == "failed" and "rollbackd's own API" in step_text(world, run)


def test_a_port_that_stays_open_is_a_failed_step(world, machines):
    """nft says that it has done it, and has not."""
    liar = machines.folder / "nft"
    liar.write_text("#!/bin/sh\ncase $1 in --check|--file) cat >/dev/null ;;\n"
                    "*) echo 'hook prerouting th dport 80 drop' ;; esac\n")
    liar.chmod(0o755)
    text = refused(world, firewall("close", "nftables", command=[str(liar)], **LOOK))
    assert "as seen from other" in text and "still accepts connections" in text


def test_a_tool_that_is_not_there_is_refused_before_the_run(world, machines):
    text = refused(world, firewall("close", "nftables", command=["/nowhere/nft"]))
    assert "nftables cannot be told" in text and machines.both(80) == OPEN


def test_killed_in_the_middle_it_is_carried_to_its_end(world, machines):
    slow = machines.folder / "nft"
    gate = machines.folder / "gate"
    slow.write_text(f"#!/bin/sh\nif [ \"$1\" = --file ]; then touch {gate}.reached; until [ -e {gate} ]; do sleep 0.1; "
                    "done; fi\nexec nft \"$@\"\n")
    slow.chmod(0o755)
    with_steps(world, firewall("close", "nftables", command=[str(slow)], **LOOK))
    begun = world.api("operate").must(201, "/v1/services/shop/playbooks/by-hand/runs", {"reason": "a test"})
    wait_for(lambda: (gate.parent / "gate.reached").exists(), what="the step to be half-way")
    world.daemon.kill()
    gate.touch()
    world.daemon.start()

    def ended():
        runs = [run for item in world.incidents() for run in world.incident(item["id"])["runs"]]
        return next((run for run in runs if run["id"] == begun["id"] and run["state"] in
                     ("succeeded", "failed", "interrupted")), None)
    assert wait_for(ended, 30, "the run to end")["state"] == "succeeded"
    assert machines.both(80) == CLOSED
