"""The policies that are measured."""

from pathlib import Path

from farm import Farm


def daemon(port: int, folder: Path) -> dict:
    return {"listen": [f"127.0.0.1:{port}"], "store": f"sqlite:{folder}/rollbackd.db", "autonomy": "enforce"}


def probed(port: int, folder: Path, farm: Farm, signals: int, digest: str = "") -> dict:
    """`signals` HTTP probes every 10 s, each with a trigger; 50 a service."""
    services = {}
    for first in range(0, signals, 50):
        names = range(first, min(first + 50, signals))
        services[f"service-{first // 50}"] = {
            "signals": {f"s{n}": {"http": {"url": farm.url(n)}, "every": "10s", "timeout": "2s"} for n in names},
            "triggers": {f"t{n}": {"when": f"consecutive_failures(s{n}) >= 3", "severity": "P2",
                                   "response": "alert"} for n in names},
        }
    own = daemon(port, folder)
    if digest:
        own["tokens"] = [{"name": "bench", "role": "read", "sha256": digest}]
    return {"version": 1, "daemon": own, "services": services}


def scheduled(port: int, folder: Path, farm: Farm, signals: int) -> dict:
    """`signals` probes of three types, in turn every 10 s and every minute; each with a trigger, 50 a service."""
    page = folder / "page"
    page.write_text("x")
    services = {}
    for first in range(0, signals, 50):
        own = {}
        for n in range(first, min(first + 50, signals)):
            form = ({"http": {"url": farm.url(n)}}, {"tcp": {"address": f"127.0.0.1:{farm.port}"}},
                    {"file": {"path": str(page)}})[n % 3]
            own[f"s{n}"] = {**form, "every": ("10s", "60s")[n // 3 % 2], "timeout": "5s"}
        triggers = {f"t{name[1:]}": {"when": f"consecutive_failures({name}) >= 3", "severity": "P2",
                                     "response": "alert"} for name in own}
        services[f"service-{first // 50}"] = {"signals": own, "triggers": triggers}
    return {"version": 1, "daemon": daemon(port, folder), "services": services}


def pushed(port: int, folder: Path, digest: str, stamp: Path, services: int) -> dict:
    """Services whose fourth failed payment starts a step that writes down when it began."""
    policy = {"version": 1, "daemon": daemon(port, folder), "services": {}}
    policy["daemon"]["tokens"] = [{"name": "bench", "role": "admin", "sha256": digest}]
    hook = folder / "hook.url"
    hook.write_text("http://127.0.0.1:9/")   # nobody listens: messages wait in the outbox
    policy["notify"] = {"ops": {"webhook": {"url_file": str(hook), "format": "generic"}}}
    for number in range(services):
        policy["services"][f"shop-{number}"] = {
            "signals": {"payments": {"push": {"kind": "outcomes"}}},
            "triggers": {"failing": {"when": "consecutive_failures(payments) > 3", "severity": "P0",
                                     "response": "payments-off"}},
            "playbooks": {"payments-off": {
                "undoes": "nothing", "risk": "low", "data_loss": "none",
                "steps": [{"exec": {"argv": [str(stamp), str(folder / f"began-{number}")]}}],
                "verify": [{"until": "consecutive_failures(payments) == 0", "within": "30s"}],
            }},
        }
    return policy
