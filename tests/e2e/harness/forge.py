"""A forge whose pull requests follow GitHub's published REST API (docs.github.com/rest/pulls), on a bare git repository."""

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_notASecretButLongEnough"


class Forge:
    def __init__(self, repository: Path | str, project: str = "example/booking", prefix: str = ""):
        self.repository, self.project, self.prefix = repository, project, prefix
        self.pulls: list[dict] = []
        self.asked: list[dict] = []             # bodies of what was asked to be opened
        self.calls: list[tuple[str, str]] = []
        self.token = TOKEN
        self.answers: list[tuple[int, dict]] = []   # given first, one a call, instead of its own
        self.mergeable = True
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                forge.calls.append((self.command, self.path))
                status, said = forge.answer(self.command, self.path, dict(self.headers), body)
                data = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = _serve

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def git(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(["git", "-c", "safe.directory=*", "-C", str(self.repository), *arguments],
                              capture_output=True, text=True)

    def commit(self, branch: str) -> str:
        return self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}").stdout.strip()

    def answer(self, method: str, target: str, headers: dict, body: dict) -> tuple[int, dict | list]:
        parts = urlsplit(target)
        if self.answers:
            return self.answers.pop(0)
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"message": f"Bad credentials: {headers.get('Authorization')}", "status": "401"}
        root = f"{self.prefix}/repos/{self.project}"
        if not (parts.path == root or parts.path.startswith(root + "/")):
            return 404, {"message": "Not Found", "status": "404"}
        path, query = parts.path[len(root):], {key: value[0] for key, value in parse_qs(parts.query).items()}
        if (method, path) == ("GET", ""):
            return 200, {"full_name": self.project}
        if (method, path) == ("GET", "/pulls"):
            return 200, [self.shown(pull) for pull in reversed(self.pulls) if self.asked_for(pull, query)]
        if (method, path) == ("POST", "/pulls"):
            return self.opened(body)
        if method == "PUT" and path.startswith("/pulls/") and path.endswith("/merge"):
            return self.merged(int(path.split("/")[2]), body)
        return 404, {"message": "Not Found", "status": "404"}

    def asked_for(self, pull: dict, query: dict) -> bool:
        owner = self.project.split("/")[0]
        state = self.shown(pull)["state"]
        return (query.get("state", "open") in ("all", state) and query.get("head", pull["label"]) == pull["label"]
                and pull["label"].startswith(owner + ":") and query.get("base", pull["base"]) == pull["base"])

    def opened(self, body: dict) -> tuple[int, dict]:
        self.asked.append(body)

        def invalid(message: str) -> tuple[int, dict]:
            return 422, {"message": "Validation Failed", "status": "422",
                         "errors": [{"resource": "PullRequest", "code": "custom", "message": message}]}

        label = f"{self.project.split('/')[0]}:{body['head']}"
        if not self.commit(body["head"]):
            return 422, {"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}]}
        if any(pull["label"] == label and self.shown(pull)["state"] == "open" for pull in self.pulls):
            return invalid(f"A pull request already exists for {label}.")
        self.pulls.append({"number": len(self.pulls) + 1, "head": body["head"], "base": body["base"], "label": label,
                           "closed": False})
        return 201, self.shown(self.pulls[-1])

    def merged(self, number: int, body: dict) -> tuple[int, dict]:
        pull = self.pulls[number - 1]
        if not self.mergeable:
            return 405, {"message": "At least 1 approving review is required.", "status": "405"}
        head = self.commit(pull["head"])
        if body.get("sha", head) != head:
            return 409, {"message": "Head branch was modified. Review and try the merge again.", "status": "409"}
        self.git("update-ref", f"refs/heads/{pull['base']}", head)
        return 200, {"sha": head, "merged": True, "message": "Pull Request successfully merged"}

    def shown(self, pull: dict) -> dict:
        """As it stands: merged once its base holds its head, whoever brought it there."""
        head = pull.get("at") or self.commit(pull["head"])
        if self.git("merge-base", "--is-ancestor", head, f"refs/heads/{pull['base']}").returncode == 0:
            pull["at"], pull["is_merged"] = head, True
        is_merged = pull.get("is_merged", False)
        return {"number": pull["number"], "state": "closed" if is_merged or pull["closed"] else "open",
                "html_url": f"https://forge.example.com/{self.project}/pull/{pull['number']}",
                "merged_at": "2026-01-31T12:00:00Z" if is_merged else None,
                "head": {"ref": pull["head"], "sha": head, "label": pull["label"]}, "base": {"ref": pull["base"]}}
