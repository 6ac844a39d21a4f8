"""A server of files on this machine, with ranges, without, or one that cuts connections."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from eyeline.remote import address


@dataclass
class Server:
    """What it holds, how it behaves, and what it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    sizes: bool = True
    """Whether it says how long a file is, and which version."""
    cuts: int = 0
    """How many of the next bodies end in the middle."""
    status: int | None = None
    sent: int = 0
    """Bytes of bodies."""
    asked: list[str] = field(default_factory=list)
    """Methods and ranges."""

    def put(self, name: str, data: bytes) -> str:
        """The address of a new file."""
        self.files[f"/{name}"] = data
        return f"{self.url}/{name}"


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_HEAD(self) -> None:
            self._reply(body=False)

        def do_GET(self) -> None:
            self._reply(body=True)

        def _reply(self, body: bool) -> None:
            data = server.files.get(self.path.partition("?")[0])
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            server.asked.append(f"{self.command} {wanted.group() if wanted else 'all'}")
            status = server.status or (404 if data is None else 200)
            data = (data or b"") if status == 200 else b""
            self.send_response(206 if wanted and server.ranges and status == 200 else status)
            if wanted and server.ranges:
                first, last = map(int, wanted.groups())
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
                data = data[first : last + 1]
            if server.sizes:
                self.send_header("Content-Length", str(len(data)))
                if status == 200:
                    self.send_header("ETag", f'"{len(server.files[self.path.partition("?")[0]])}"')
            else:
                self.send_header("Connection", "close")
            listing = self.path.endswith("/")
            self.send_header("Content-Type", "text/html" if listing else "video/mp4")
            self.end_headers()
            if body:
                cut, server.cuts = server.cuts > 0, max(server.cuts - 1, 0)
                part = data[: len(data) // 2] if cut else data
                server.sent += len(part)
                try:
                    self.wfile.write(part)
                except OSError:  # whoever asked has seen enough
                    cut = True
                self.close_connection = self.close_connection or cut or not server.sizes

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no waits between two tries."""
    monkeypatch.setenv("EYELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(address.time, "sleep", lambda _: None)
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    result = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(result))
    result.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield result
    http.shutdown()
    http.server_close()
    thread.join()
