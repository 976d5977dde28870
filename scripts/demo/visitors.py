"""Visitors and the payment provider: steady traffic through nginx, and what they saw."""

import http.client
import threading
import time

PAGES_PER_SECOND = 60
WEBHOOKS_PER_SECOND = 1


class Visitors:
    """Asks for pages (every tenth is the cart, which needs the database) and posts webhooks."""

    def __init__(self, port: int):
        self.port = port
        self.errors: list[float] = []      # when a visitor got a 5xx
        self.requests = 0
        self.webhook_answers: list[int] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(PAGES_PER_SECOND, self._page), daemon=True),
            threading.Thread(target=self._run, args=(WEBHOOKS_PER_SECOND, self._webhook), daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2)

    def _run(self, per_second: float, act) -> None:
        turn, began = 0, time.monotonic()
        while not self._stop.wait(max(0.0, began + turn / per_second - time.monotonic())):
            act(turn)
            turn += 1

    def _ask(self, method: str, path: str, body: bytes | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def _page(self, turn: int) -> None:
        status = self._ask("GET", "/cart" if turn % 10 == 9 else "/")
        self.requests += 1
        if status >= 500:
            self.errors.append(time.time())

    def _webhook(self, turn: int) -> None:
        body = f'{{"id":"evt_{turn}","type":"payment.succeeded"}}'.encode()
        self.webhook_answers.append(self._ask("POST", "/webhooks/payments", body))

    def errors_between(self, begin: float, end: float) -> list[float]:
        return [at for at in self.errors if begin <= at <= end]
