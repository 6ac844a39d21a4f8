"""The page's server: results as JSON by span, videos by range, files of the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from eyeline import sessions
from eyeline.corrections import ConflictError, redo, rewrite, undo
from eyeline.documents import parse_json
from eyeline.errors import DataError, EyelineError, OutputError, UsageError
from eyeline.export.catalogue import Catalogue
from eyeline.viewer import results, tables
from eyeline.viewer.guard import Guard
from eyeline.viewer.recordings import (
    Media,
    Recording,
    media_type,
    overview,
    recordings,
    shown,
)

MOST_ROWS = 500
"""More recordings are not listed at once."""
_STATIC = Path(__file__).parent / "static"
_STATUS: Mapping[type[EyelineError], int] = {
    ConflictError: 409,
    UsageError: 400,
    DataError: 422,
    OutputError: 500,
}


_PIXELS = (50, 4000)


class _Write(BaseModel):
    """Who corrects, and the revision that they saw, which a page must name."""

    who: Annotated[str, AfterValidator(lambda who: who.strip()[:200])] = ""
    revision: int


class _Correction(_Write):
    entry: dict[str, Any]


class _Turn(_Write):
    entry: int | None = None


class _Place(BaseModel):
    path: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


Body = TypeVar("Body", bound=BaseModel)


class Viewer:
    """The endpoints over one folder of results."""

    def __init__(self, root: Path, videos: Sequence[Path] = ()) -> None:
        """Look for the results; DataError where there are none."""
        self._catalogue, self._media = Catalogue(root), Media(videos)
        self._known = {one.key: one for one in recordings(self._catalogue)}

    def list(self, request: Request) -> Response:
        """The first recordings whose name holds a text, and how many there are.

        Without a text those that were finished meanwhile are looked for.
        """
        text = request.query_params.get("find", "").lower()
        if not text:
            self._known = {one.key: one for one in recordings(self._catalogue)}
        named = [one for one in self._known.values() if text in one.name.lower()]
        rows = [overview(one, self._catalogue) for one in named[:MOST_ROWS]]
        self._catalogue.save()
        return JSONResponse({"recordings": rows, "total": len(named)})

    def details(self, request: Request) -> Response:
        """What a page needs before rows."""
        recording = self._recording(request)
        content = results.details(recording)
        content["original"] = self._media.original(recording) is not None
        content["annotated"] = self._media.annotated(recording) is not None
        return JSONResponse(content)

    def tiers(self, request: Request) -> Response:
        """Blocks of all tiers."""
        start_s, end_s, pixels = _span(request)
        analysis, segments = results.segments_of(self._recording(request))
        return JSONResponse({"tiers": tables.tiers(segments, analysis, start_s, end_s, pixels)})

    def not_codable(self, request: Request) -> Response:
        """Where questions could not be answered."""
        start_s, end_s, _ = _span(request)
        return JSONResponse(results.not_codable(self._recording(request), start_s, end_s))

    def episodes(self, request: Request) -> Response:
        """A list of episodes."""
        start_s, end_s, _ = _span(request)
        _analysis, segments = results.segments_of(self._recording(request))
        query = request.query_params
        person = int(_number(query["person"], "person")) if query.get("person") else None
        chosen: dict[str, Any] = {"tier": query.get("tier") or None, "person": person}
        return JSONResponse(tables.episodes(segments, start_s, end_s, **chosen))

    def matrix(self, request: Request) -> Response:
        """Who looks at whom."""
        start_s, end_s, _ = _span(request)
        _analysis, segments = results.segments_of(self._recording(request))
        return JSONResponse(tables.matrix(segments, start_s, end_s))

    def curve(self, request: Request) -> Response:
        """A score or an angle."""
        name = request.query_params.get("name", "")
        return JSONResponse(results.curve(self._recording(request), name, *_span(request)))

    def overlay(self, request: Request) -> Response:
        """Faces by frame."""
        start_s, end_s, _ = _span(request)
        return JSONResponse(results.overlay(self._recording(request), start_s, end_s))

    def video(self, request: Request) -> Response:
        """The original or the annotated video, by ranges."""
        recording = self._recording(request)
        which = request.path_params["which"]
        path = (self._media.annotated if which == "annotated" else self._media.original)(recording)
        if path is None:
            raise HTTPException(404, "the video is not where it was")
        return FileResponse(path, media_type=media_type(path))

    def corrections(self, request: Request) -> Response:
        """All corrections, and the revision that a write must name."""
        return JSONResponse(results.state(self._recording(request)))

    async def correct(self, request: Request) -> Response:
        """Take one more correction; 409 where somebody else has corrected meanwhile."""
        recording, given = self._recording(request), await _body(request, _Correction)
        after = await run_in_threadpool(
            results.correct, recording, given.entry, given.who, given.revision
        )
        return JSONResponse({"revision": after.revision})

    async def turn(self, request: Request) -> Response:
        """Undo or redo, the last one or the one that is named."""
        recording, given = self._recording(request), await _body(request, _Turn)
        turn = undo if request.url.path.endswith("/undo") else redo
        after = await run_in_threadpool(
            turn, recording.folder, given.entry, who=given.who, revision=given.revision
        )
        return JSONResponse({"revision": after.revision})

    async def rewrite(self, request: Request) -> Response:
        """Write the exports again, following the corrections."""
        recording, _ = self._recording(request), await _body(request, _Write)
        await run_in_threadpool(rewrite, recording.folder, self._media.original(recording))
        notes = await run_in_threadpool(sessions.follow, recording.folder)
        content = {"files": results.file_list(recording), "notes": [shown(n) for n in notes]}
        return JSONResponse(content)

    async def give_video(self, request: Request) -> Response:
        """Where the original is now."""
        recording, given = self._recording(request), await _body(request, _Place)
        self._media.give(recording, given.path)
        return JSONResponse({"original": True})

    def file(self, request: Request) -> Response:
        """A file that the index lists, as a download."""
        recording, name = self._recording(request), request.path_params["name"]
        if name not in {entry["name"] for entry in results.file_list(recording)}:
            raise HTTPException(404, "no such file in these results")
        path = recording.folder / name
        inline = name.removeprefix("corrected/").startswith("thumbnails/")
        return FileResponse(
            path, filename=path.name, content_disposition_type="inline" if inline else "attachment"
        )

    def _recording(self, request: Request) -> Recording:
        key = request.path_params["key"]
        if key not in self._known:
            raise HTTPException(404, "these results are not here any more; go back to the list")
        return self._known[key]


def application(root: Path, token: str, videos: Sequence[Path] = ()) -> Starlette:
    """The whole application; DataError where there are no results to show."""
    viewer = Viewer(root, videos)
    one = "/api/recordings/{key}"
    views: dict[str, Callable[[Request], Response]] = {
        "/api/recordings": viewer.list,
        one: viewer.details,
        f"{one}/tiers": viewer.tiers,
        f"{one}/not_codable": viewer.not_codable,
        f"{one}/episodes": viewer.episodes,
        f"{one}/matrix": viewer.matrix,
        f"{one}/curve": viewer.curve,
        f"{one}/overlay": viewer.overlay,
        f"{one}/corrections": viewer.corrections,
        "/video/{key}/{which}": viewer.video,
        "/files/{key}/{name:path}": viewer.file,
    }
    return Starlette(
        routes=[
            Route("/", lambda _: FileResponse(_STATIC / "index.html"), methods=["GET"]),
            Route("/favicon.ico", lambda _: RedirectResponse("/static/icon.svg")),
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in views.items()),
            Route(f"{one}/video", viewer.give_video, methods=["POST"]),
            Route(f"{one}/corrections", viewer.correct, methods=["POST"]),
            Route(f"{one}/exports", viewer.rewrite, methods=["POST"]),
            *(Route(f"{one}/{which}", viewer.turn, methods=["POST"]) for which in ("undo", "redo")),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(Guard, token=token)],
        exception_handlers={EyelineError: _of_ours, HTTPException: _of_http},
    )


def _of_ours(_: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)
    return JSONResponse({"error": str(error).encode("utf-8", "replace").decode()}, status)


def _of_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


def _span(request: Request) -> tuple[float, float, int]:
    query = request.query_params
    start, end, pixels = (
        _number(query.get(name, default), name)
        for name, default in (("from", "0"), ("to", "nan"), ("pixels", "1000"))
    )
    if not 0 <= end - start < float("inf") or end == start:
        raise UsageError(f"from {start} to {end}: not a span of time; to must be after from")
    return start, end, int(min(max(pixels, _PIXELS[0]), _PIXELS[1]))


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{name} is '{text}'; must be a number") from None


async def _body(request: Request, kind: type[Body]) -> Body:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise UsageError("the request is not JSON")
    content = parse_json(await request.body(), "the request")
    try:
        return kind.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the request"
        raise UsageError(f"{place}: {first['msg'].lower()}") from None
