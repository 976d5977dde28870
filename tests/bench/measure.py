"""The measurements, each from outside, by what a user of the machine can see."""

import hashlib
import http.client
import json
import os
import re
import secrets
import subprocess
import time
from pathlib import Path
from statistics import median

import policy
from farm import Farm
from harness import BINARIES, free_port, wait_for

HERE = Path(__file__).resolve().parent


class Daemon:
    """One daemon in a folder of its own, timed from exec to ready."""

    def __init__(self, folder: Path, text: dict, port: int):
        folder.mkdir(exist_ok=True)
        config = folder / "rollbackd.yaml"
        self._write(config, text)
        self.port = port
        self.log = folder / "rollbackd.log"
        argv = [str(BINARIES / "rollbackd"), "--config", str(config)]
        with self.log.open("wb") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() - began > 30:
                self.stop()
                raise RuntimeError(f"rollbackd did not become ready:\n{self.log.read_text()}")
            time.sleep(0.001)
        self.ready_seconds = time.monotonic() - began

    @staticmethod
    def _write(config: Path, text: dict) -> None:
        """Many services are spread over files, as people keep them."""
        services = list(text["services"].items())
        if len(services) <= 50:
            config.write_text(json.dumps(text))
            return
        config.write_text(json.dumps({**text, "services": {}}))
        (config.parent / "conf.d").mkdir()
        for first in range(0, len(services), 20):
            part = {"version": 1, "services": dict(services[first:first + 20])}
            (config.parent / "conf.d" / f"{first:05}.yaml").write_text(json.dumps(part))

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def metrics(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def memory_mib(self) -> dict[str, float]:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon")}

    def cpu_seconds(self) -> float:
        """Run time of its threads: in nanoseconds, where utime and stime count whole ticks."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def starts(folder: Path, farm: Farm, signals: int, times: int) -> list[float]:
    """Milliseconds from exec to ready, one for each start."""
    out = []
    for number in range(times):
        own, port = folder / f"start-{number}", free_port()
        own.mkdir()
        daemon = Daemon(own, policy.probed(port, own, farm, signals), port)
        daemon.stop()
        out.append(daemon.ready_seconds * 1e3)
    return out


def idle(folder: Path, farm: Farm, signals: int, seconds: float) -> dict[str, float]:
    own, port = folder / "idle", free_port()
    own.mkdir()
    daemon = Daemon(own, policy.probed(port, own, farm, signals), port)
    try:
        time.sleep(seconds)
        return daemon.memory_mib()
    finally:
        daemon.stop()


def probes(folder: Path, farm: Farm, signals: int, warm: float, seconds: float) -> tuple[float, float]:
    """(CPU seconds per 1000 probes, probes per second) over `seconds`."""
    own, port = folder / "probes", free_port()
    own.mkdir()
    daemon = Daemon(own, policy.probed(port, own, farm, signals), port)
    try:
        time.sleep(warm)
        hits, cpu, began = farm.hits(), daemon.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        hits, cpu, took = farm.hits() - hits, daemon.cpu_seconds() - cpu, time.monotonic() - began
        return cpu / hits * 1000, hits / took
    finally:
        daemon.stop()


def histogram(metrics: str, name: str) -> dict[float, float]:
    """Upper bound → how many were at most that."""
    lines = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', metrics, re.MULTILINE)
    return {float(bound.replace("+Inf", "inf")): float(count) for bound, count in lines}


def quantile(counts: dict[float, float], wanted: float) -> float:
    """Between the bounds of a bucket, as if it were filled evenly."""
    total = counts[float("inf")]
    below, before = 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= wanted * total and count > before:
            return bound if bound == float("inf") else below + (bound - below) * (wanted * total - before) / (count - before)
        below, before = bound, count
    return below


def schedule(folder: Path, farm: Farm, signals: int, warm: float, seconds: float) -> dict[str, float]:
    """How late probes were begun, as shares of their interval, while Prometheus comes by every 15 s."""
    own, port = folder / "schedule", free_port()
    own.mkdir()
    daemon = Daemon(own, policy.scheduled(port, own, farm, signals), port)
    try:
        time.sleep(warm)
        before = histogram(daemon.metrics(), "rollbackd_probe_lag_ratio")
        cpu, until = daemon.cpu_seconds(), time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(min(15, max(0, until - time.monotonic())))
            after = histogram(daemon.metrics(), "rollbackd_probe_lag_ratio")
        counts = {bound: count - before[bound] for bound, count in after.items()}
        return {"p50": quantile(counts, 0.5), "p99": quantile(counts, 0.99), "probes": counts[float("inf")],
                "cpu": daemon.cpu_seconds() - cpu, "memory": daemon.memory_mib()["VmRSS"]}
    finally:
        daemon.stop()


def calls(folder: Path, farm: Farm, signals: int, warm: float, seconds: float, rate: int) -> dict[str, dict]:
    """How long `GET /v1/status` takes at that many a second while signals are probed, and nginx for a file of the same
    size: in turn, so that what else this machine does meets both."""
    own, port = folder / "calls", free_port()
    own.mkdir()
    load = own / "load"
    subprocess.run(["cc", "-O2", "-o", str(load), str(HERE / "load.c")], check=True)
    token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).hexdigest()
    daemon = Daemon(own, policy.probed(port, own, farm, signals, digest), port)

    def loaded(at: int, path: str, lasting: float, *headers: str) -> dict:
        done = subprocess.run([str(load), str(at), path, str(rate), str(lasting), "16", *headers], capture_output=True,
                              text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    try:
        time.sleep(warm)
        bearer = f"Authorization: Bearer {token}"
        size = loaded(port, "/v1/status", 0.1, bearer)["bytes"]
        file = farm.static(size)
        rounds = [(loaded(port, "/v1/status", seconds, bearer), loaded(farm.port, file, seconds)) for _ in range(3)]
    finally:
        daemon.stop()
    ours, nginx = (sorted((each[i] for each in rounds), key=lambda one: one["p99"])[1] for i in (0, 1))
    return {"status": ours, "nginx": nginx}


def syncs(folder: Path, times: int) -> list[float]:
    """Milliseconds of a small append and its fdatasync, as a journal does it."""
    out = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.monotonic()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            out.append((time.monotonic() - began) * 1e3)
    return out


def pushes(folder: Path, services: int) -> list[float]:
    """Milliseconds from sending the fourth failure to the step's first instruction."""
    own, port = folder / "pushes", free_port()
    own.mkdir()
    stamp = own / "stamp"
    subprocess.run(["cc", "-O2", "-static", "-o", str(stamp), str(HERE / "stamp.c")], check=True)
    token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).hexdigest()
    daemon = Daemon(own, policy.pushed(port, own, digest, stamp, services), port)
    try:
        return [push_to_step(own, port, token, number) for number in range(services)]
    finally:
        daemon.stop()


def push_to_step(folder: Path, port: int, token: str, number: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    path = f"/v1/services/shop-{number}/signals/payments"
    try:
        for ok in (True, False, False, False):
            push(connection, path, headers, ok)
        sent = time.monotonic()
        push(connection, path, headers, False)
    finally:
        connection.close()
    began = folder / f"began-{number}"
    text = wait_for(lambda: began.is_file() and began.read_text().strip(), 20, "the step")
    return (int(text) / 1e9 - sent) * 1e3


def push(connection: http.client.HTTPConnection, path: str, headers: dict, ok: bool) -> None:
    body = {"ok": ok} if ok else {"ok": ok, "reason": "card provider answered 500"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 202:
        raise RuntimeError(f"push: {answer.status}")


def spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}
