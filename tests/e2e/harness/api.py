"""A client of the REST API, as plain as HTTP."""

import http.client
import json
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Api:
    def __init__(self, port: int, token: str | None = None):
        self.port = port
        self.token = token

    def as_(self, token: str | None) -> "Api":
        return Api(self.port, token)

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method: str, path: str, body: bytes | None = None,
                headers: dict[str, str] | None = None, timeout: float = 30) -> Answer:
        connection = self.connect(timeout)
        try:
            every = dict(headers or {})
            if self.token:
                every.setdefault("Authorization", f"Bearer {self.token}")
            connection.request(method, path, body=body, headers=every)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (http.client.HTTPException, socket.timeout) as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def post(self, path: str, value: object = None, **headers: str) -> Answer:
        every = {"Content-Type": "application/json"}
        every.update({name.replace("_", "-"): text for name, text in headers.items()})
        body = b"" if value is None else json.dumps(value).encode()
        if value is None:
            body = b"{}"
        return self.request("POST", path, body, every)

    def read(self, path: str):
        """The JSON behind a path that must be there."""
        answer = self.get(path)
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.body[:500]!r}"
        return answer.json

    def must(self, status: int, path: str, value: object = None, **headers: str):
        """POSTs and expects that status; answers the JSON, if any."""
        answer = self.post(path, value, **headers)
        assert answer.status == status, f"POST {path}: {answer.status} {answer.body[:800]!r}"
        return answer.json if answer.body.strip() else None

    @contextmanager
    def events(self, last: str | None = None) -> Iterator["EventStream"]:
        stream = EventStream(self, last)
        try:
            yield stream
        finally:
            stream.close()


class EventStream:
    """Server-sent events: `next()` answers (id, event, data)."""

    def __init__(self, api: Api, last: str | None):
        self._connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
        headers = {"Accept": "text/event-stream"}
        if api.token:
            headers["Authorization"] = f"Bearer {api.token}"
        if last is not None:
            headers["Last-Event-ID"] = last
        self._connection.request("GET", "/v1/events", headers=headers)
        self.answer = self._connection.getresponse()

    def next(self) -> tuple[int, str, dict]:
        fields: dict[str, str] = {}
        while True:
            line = self.answer.readline()
            assert line, "the stream ended"
            text = line.decode().rstrip("\r\n")
            if not text and "data" in fields:
                return int(fields["id"]), fields.get("event", "message"), json.loads(fields["data"])
            if text and not text.startswith(":"):
                name, _, value = text.partition(":")
                fields[name] = fields[name] + value[1:] if name == "data" and name in fields \
                    else value.removeprefix(" ")

    def close(self) -> None:
        self._connection.close()
