"""The application of the drills' stacks; it runs in containers made of this machine's programs. It is as good as the
`behaviour` that was built into it, reads its env file at each request, and asks its database where it has one.

Usage: app.py PORT ENV_FILE [DSN]"""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import time

PORT, ENV_FILE, DSN = int(sys.argv[1]), pathlib.Path(sys.argv[2]), (sys.argv[3:] or [""])[0]
# "bad", or "bad@worker" where only that part of it is.
BEHAVIOUR, _, PART = pathlib.Path(__file__).with_name("behaviour").read_text().strip().partition("@")
if PART not in ("", os.environ.get("COMPONENT")):
    BEHAVIOUR = "good"
HEALTH = ("/health", "/api/health", "/healthz")


def env(name: str) -> str:
    for line in ENV_FILE.read_text().splitlines():
        key, _, value = line.partition("=")
        if key == name:
            return value.split("#")[0].strip().strip('"')
    return ""


def database() -> bool:
    asked = subprocess.run(["/usr/bin/psql", "-X", "-A", "-t", DSN, "-c", "SELECT 1"], capture_output=True, timeout=5)
    return asked.returncode == 0


def answer(path: str, is_post: bool) -> tuple[int, dict]:
    path = path.split("?")[0]
    if path in ("/flags", "/api/config"):
        payments = "FEATURE_PAYMENTS" if path == "/flags" else "ENABLE_STRIPE_PAYMENTS"
        return 200, {"new_checkout": env("FEATURE_NEW_CHECKOUT") == "true", "payments": env(payments) == "true"}
    if BEHAVIOUR == "bad" or env("COLOUR") == "unknown":
        return 500, {"error": "undefined is not a function"}
    if (BEHAVIOUR == "half" or env("SPIKE")) and path == "/":
        return 500, {"error": "template not found"}
    if path == "/checkout" and env("FEATURE_NEW_CHECKOUT") == "true":
        return 500, {"error": "new checkout: no such field"}
    if "webhook" in path:
        if env("PROVIDER") == "down":
            return 500, {"error": "provider"}
        return (400, {"error": "signature"}) if is_post else (200, {"status": "ok"})     # as if it were signed
    if path.endswith("/db"):
        return (200, {"database": "ok"}) if database() else (500, {"database": "gone"})
    return 200, {"status": "ok", "timestamp": int(time.time())}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, value = answer(self.path, self.command == "POST")
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, form: str, *values: object) -> None:
        print(form % values, flush=True)


if BEHAVIOUR == "migration":
    print("alembic.util.exc.CommandError: migration two failed half-way", flush=True)
if BEHAVIOUR == "crash":
    raise SystemExit("cannot start: migration missing")
http.server.ThreadingHTTPServer.allow_reuse_address = True
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
