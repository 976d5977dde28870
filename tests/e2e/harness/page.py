"""A page whose text a test sets, or several."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page:
    def __init__(self) -> None:
        self.text, self.status, self.seen = "", 200, []
        self.answers: dict[str, str] = {}   # to some paths
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.seen.append(dict(self.headers))
                body = page.answers.get(self.path, page.text).encode()
                self.send_response(page.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/metrics"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
