"""The local page of a live session: images with what is drawn over them, by WebSocket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from eyeline import viewer
from eyeline.live.stream import Message
from eyeline.results import Analysis
from eyeline.viewer import tables
from eyeline.viewer.guard import Guard
from eyeline.viewer.serve import opened

if TYPE_CHECKING:
    from eyeline.video.frame import Frame

_STATIC = Path(viewer.__file__).parent / "static"
BACKLOG = 64
"""Messages that wait for a client that is slow; then the oldest are dropped."""
_LONGEST_PX, _QUALITY = 960, 80
_Content = tuple[str | bytes, ...]
_Clients = set[tuple[asyncio.AbstractEventLoop, "asyncio.Queue[_Content | None]"]]


class Page:
    """The page, and the stream of messages for other programs, `ws://.../events`."""

    def __init__(self) -> None:
        self._watching: _Clients = set()
        self._listening: _Clients = set()

    def send(self, message: Message, at: float) -> None:
        """Send a message to all who listen."""
        self._offer(self._listening, (json.dumps(message),))

    def show(self, frame: Frame, moment: Analysis, status: Message) -> None:
        """Show a frame, where somebody watches."""
        if self._watching:
            self._offer(
                self._watching, (json.dumps(_drawn(moment) | {"status": status}), _jpeg(frame))
            )

    @contextmanager
    def served(self, port: int, browser: bool, log: Callable[[str], None]) -> Iterator[None]:
        """Serve it in a thread for as long as the block runs."""
        opening = opened(self._application, port=port, browser=browser, log=log, websockets=True)
        with opening as (server, listening):
            thread = threading.Thread(
                target=server.run, kwargs={"sockets": [listening]}, name="eyeline-page"
            )
            thread.start()
            try:
                yield
            finally:
                for clients in (self._watching, self._listening):
                    self._offer(clients, None)
                server.should_exit = True
                thread.join()

    def _application(self, token: str) -> Starlette:
        return Starlette(
            routes=[
                Route("/", lambda _: FileResponse(_STATIC / "live.html"), methods=["GET"]),
                Route("/favicon.ico", lambda _: RedirectResponse("/static/icon.svg")),
                WebSocketRoute("/page", lambda socket: self._serve(socket, self._watching)),
                WebSocketRoute("/events", lambda socket: self._serve(socket, self._listening)),
                Mount("/static", StaticFiles(directory=_STATIC)),
            ],
            middleware=[Middleware(Guard, token=token)],
        )

    async def _serve(self, socket: WebSocket, clients: _Clients) -> None:
        await socket.accept()
        mine = asyncio.get_running_loop(), asyncio.Queue[_Content | None](BACKLOG)
        clients.add(mine)
        try:
            while (content := await mine[1].get()) is not None:
                for part in content:
                    if isinstance(part, str):
                        await socket.send_text(part)
                    else:
                        await socket.send_bytes(part)
            await socket.close()
        except WebSocketDisconnect:
            pass
        finally:
            clients.discard(mine)

    def _offer(self, clients: _Clients, content: _Content | None) -> None:
        for loop, waiting in [*clients]:
            loop.call_soon_threadsafe(_put, waiting, content)


def _put(waiting: asyncio.Queue[_Content | None], content: _Content | None) -> None:
    if waiting.full():
        waiting.get_nowait()
    waiting.put_nowait(content)


def _drawn(moment: Analysis) -> dict[str, Any]:
    """What the page draws over a frame, as `viewer.tables` gives it for recordings."""
    drawn = tables.overlay(moment, -1.0, float("inf"))
    people = [tables.person_card(int(person)) for person in moment.people.person]
    size = {"width_px": moment.video.width_px, "height_px": moment.video.height_px}
    return {"columns": drawn["columns"], "frame": drawn["frames"][0], "people": people, **size}


def _jpeg(frame: Frame) -> bytes:
    import cv2

    rgb = frame.rgb()
    scale = min(1.0, _LONGEST_PX / max(rgb.shape[:2]))
    size_wh = round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)
    small = cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    done, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done, "OpenCV writes JPEG"
    return bytes(data)
