"""The policy the tests start from, as a dictionary: short periods, nothing else unusual."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.world import World


def base_policy(world: "World") -> dict:
    folder = world.folder
    hook = folder / "hook.url"
    hook.write_text(world.sink.url)
    return {
        "version": 1,
        "daemon": {
            "listen": [f"127.0.0.1:{world.daemon.port}"],
            "store": f"sqlite:{folder}/rollbackd.db",
            "autonomy": "enforce",
            "tokens": world.token_entries(),
            "limits": {"runs_per_hour": 10, "runs_per_day": 20, "cooldown": "5s", "settle": "5s",
                       "approval_timeout": "1m"},
            "references": [{"tcp": {"address": world.reference.address}}],
        },
        "notify": {"ops": {"webhook": {"url_file": str(hook), "format": "generic"}}},
        "services": {"shop": shop(world)},
    }


def shop(world: "World") -> dict:
    return {
        "watch_window": "10m",
        "bake": "10m",
        "start_period": "0s",
        "autonomy": "enforce",
        "release": {"version": {"git": str(world.repository.path)}},
        "vars": {"repo": str(world.repository.path), "url": world.app.url, "env": str(world.env_file)},
        "signals": {
            "health": health(),
            "payments": {"push": {"kind": "outcomes"}},
        },
        "triggers": {
            "down": down(),
        },
        "playbooks": {
            "code-rollback": code_rollback(),
            "payments-off": payments_off(),
        },
    }


def health(url: str = "{{ url }}/health") -> dict:
    return {
        "http": {"url": url, "expect": {"status": 200, "json": {"/status": "ok"}}},
        "every": "200ms", "confirm_every": "50ms", "timeout": "2s",
    }


def down(**changes) -> dict:
    return {"when": "consecutive_failures(health) >= 3", "severity": "P0", "response": ["code-rollback"],
            **changes}


def failing_payments(**changes) -> dict:
    return {"when": "consecutive_failures(payments) > 3", "severity": "P0",
            "response": ["code-rollback", "payments-off"], **changes}


def code_rollback(**changes) -> dict:
    return {
        "undoes": "release", "risk": "low", "data_loss": "none",
        "steps": [{"git_checkout": {"repo": "{{ repo }}", "to": "{{ known_good.version }}"}}],
        "verify": [{"until": "ok(health)", "within": "4s"}],
        **changes,
    }


def payments_off(**changes) -> dict:
    return {
        "undoes": "nothing", "risk": "low", "data_loss": "none",
        "steps": [{"file_edit": {"file": "{{ env }}", "key": "PAYMENTS", "value": "off"}}],
        "verify": [{"until": "ok(health)", "within": "4s"}],
        **changes,
    }


def database(world: "World", every: str = "200ms") -> dict:
    """A service that others depend on, probed by a connection."""
    return {
        "signals": {"port": {"tcp": {"address": world.database.address}, "every": every, "timeout": "500ms",
                             "confirm_every": "100ms"}},
        "triggers": {"gone": {"when": "consecutive_failures(port) >= 3", "severity": "P1", "response": "alert"}},
    }


def script(world: "World", name: str, body: str) -> str:
    """An executable shell script in the test's folder; answers its path."""
    path = world.folder / name
    path.write_text("#!/bin/sh\nset -eu\n" + body)
    path.chmod(0o755)
    return str(path)


def gated_step(world: "World") -> tuple[dict, "object", "object"]:
    """A step that writes a line when it runs and ends only when `gate` exists:
    (step, file of lines, gate)."""
    lines, gate = world.folder / "ran", world.folder / "gate"
    path = script(world, "gated", f'echo ran >> "{lines}"\nwhile [ ! -e "{gate}" ]; do sleep 0.05; done\n')
    return {"exec": {"argv": [path]}, "timeout": "60s", "name": "gated"}, lines, gate
