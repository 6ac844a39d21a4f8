"""A server on this machine that behaves as it is asked to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Reply:
    """What the server gives to one request."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    """Bytes after which the connection is closed."""
    ranges: bool = True


Rule = Callable[[str, dict[str, str]], Reply]


class Server:
    """Replies by path: a reply, or several, one after the other, the last one for good."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.replies: dict[str, list[Reply]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def set(self, path: str, *replies: Reply) -> str:
        self.replies[path] = list(replies)
        return f"{self.address}{path}"

    def next(self, path: str) -> Reply:
        waiting = self.replies.get(path.partition("?")[0], [Reply(b"no", 404)])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            reply = server.next(self.path)
            body, status, headers = reply.body, reply.status, dict(reply.headers)
            asked = self.headers.get("Range")
            other = self.headers.get("If-Range") not in (None, headers.get("ETag"))
            if asked and reply.ranges and status == 200 and not other:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    status, headers["Content-Range"] = 416, f"bytes */{len(body)}"
                else:
                    headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                    body, status = body[start:], 206
                if status == 416:
                    body = b""
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: reply.cut_at])
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    http = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    result = Server(f"http://127.0.0.1:{http.server_address[1]}")
    http.RequestHandlerClass = handler_of(result)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield result
    http.shutdown()
    thread.join()
    http.server_close()
