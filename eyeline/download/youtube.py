"""VoxCeleb2's random list: its videos by yt-dlp, then at 25 frames a second as `prepare` reads.

What is finished is kept, what is gone for good is listed and not asked for again, and where YouTube
refuses one after the other the download stops, to be resumed by the same command.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from eyeline import files
from eyeline.documents import read_text
from eyeline.download import programs
from eyeline.download.item import Item, Received, Request, Size, costs_itself
from eyeline.download.table import Source, url_of
from eyeline.download.transfer import Wanted, fetch
from eyeline.errors import DataError, EyelineError, UsageError, VideoError
from eyeline.log import Log
from eyeline.video.constant import convert_to_25_fps
from eyeline.video.endings import ENDINGS

LIST = "randomVoxMeta.csv"
UNAVAILABLE = "unavailable.csv"
"""Videos that are gone; whoever removes a line lets it be tried again."""
ENDING = "_fps25.mkv"
WATCH = "https://www.youtube.com/watch?v="
GB_A_VIDEO = 0.08
"""An estimate: five minutes of 720p and audio."""
MOST_REFUSALS = 5
"""Videos in a row that fail for a reason that passes."""
FORMAT = "bestvideo[height<=720]+bestaudio/best[height<=720]"
"""As published; without ffmpeg, which yt-dlp joins both by, `ONE_FILE`."""
ONE_FILE = "best[height<=720]"
_ID = re.compile(r"[-\w]{11}")
_GONE = re.compile(
    r"video (is )?unavailable|not available|private video|been removed|no longer available"
    r"|been terminated|copyright|members-only|confirm your age|age-restricted|does not exist",
    re.IGNORECASE,
)
_Rows = list[tuple[str, str]]
_COLUMNS = ("celebrity_id", "video_name", "reason")


class VideoList(Item):
    """A list of videos, `celebrity_id,video_name`."""

    list: Source
    extra: str
    """Of eyeline, which brings yt-dlp."""

    def size(self, request: Request) -> Size:
        """Estimated; the list is downloaded for it."""
        programs.find("yt-dlp", self.extra)
        rows = self._rows(request)
        gone = _read_gone(request.out)
        waiting = [row for row in rows if row not in gone and not _there(request.out, row)]
        how = f"an estimate of {GB_A_VIDEO * 1000:.0f} MB for each of {len(waiting)} videos"
        return Size(len(waiting) * GB_A_VIDEO, f"{how}, of which many are gone", estimated=True)

    def bring(self, request: Request, log: Log) -> Received:
        """Download and convert; a video that cannot be had costs itself."""
        program = programs.find("yt-dlp", self.extra)
        received, refusals = Received(request.out), 0
        gone = _read_gone(request.out)
        rows = self._rows(request)
        joined = shutil.which("ffmpeg") is not None
        if not joined:
            log("no ffmpeg on the path: yt-dlp takes files that hold image and audio together")
        for number, row in enumerate(rows, start=1):
            name = "/".join(row)
            if row in gone or _there(request.out, row):
                continue
            try:
                why = _bring(program, row, request.out, joined)
            except EyelineError as error:
                costs_itself(name, error, received, log)
                continue
            log(f"[{number}/{len(rows)}] {name}: {why or 'done'}")
            refusals = refusals + 1 if why and not _GONE.search(why) else 0
            if why and not refusals:
                gone[row] = why
                text = io.StringIO()
                writer = csv.writer(text, lineterminator="\n")
                writer.writerows([_COLUMNS, *((*row, reason) for row, reason in gone.items())])
                files.write_bytes(request.out / UNAVAILABLE, text.getvalue().encode())
            elif why:
                received.failed[name] = why
            if refusals == MOST_REFUSALS:
                raise DataError(
                    f"{request.name}: {MOST_REFUSALS} videos in a row were refused, the last one "
                    f"with: {why}. The same command resumes; wait some hours first"
                )
        log(f"{len(gone)} of {len(rows)} videos are gone: {request.out / UNAVAILABLE}")
        return received

    def _rows(self, request: Request) -> _Rows:
        """The videos that are asked for, each once; the list is put in its place."""
        path = files.made(request.out) / LIST
        if request.given:
            files.write_bytes(path, read_text(request.given).encode())
        elif not path.is_file():
            part = path.with_name(f"{LIST}.part")
            by_hand = f". By hand: {request.again} {LIST}"
            fetch(Wanted(url_of(self.list), f"{request.name}, {LIST}", by_hand=by_hand), part)
            part.replace(path)
        rows = _read_list(path)
        known = {"/".join(row) for row in rows} | {one for row in rows for one in row}
        if lacking := [name for name in request.only if name not in known]:
            raise UsageError(f"{path} has no celebrity or video {', '.join(lacking)}")
        only = set(request.only)
        return [row for row in rows if not only or only & {*row, "/".join(row)}]


def _read_list(path: Path) -> _Rows:
    rows = [(celebrity, video) for celebrity, video in _columns(path, *_COLUMNS[:2])]
    for celebrity, video in rows:
        if re.fullmatch(r"\w+", celebrity) is None or re.fullmatch(r"[-\w]+", video) is None:
            raise DataError(f"{path}: '{celebrity},{video}' is no celebrity and video")
    return list(dict.fromkeys(rows))


def _there(out: Path, row: tuple[str, str]) -> bool:
    return (out / row[0] / f"{row[1]}{ENDING}").is_file()


def _bring(program: str, row: tuple[str, str], out: Path, joined: bool) -> str:
    """Download a video and convert it; why that cannot be, in words, else nothing."""
    celebrity, video = row
    if _ID.fullmatch(video) is None:
        return f"video unavailable: its name is cut to {len(video)} characters in the list"
    work = files.made(out / files.WORK / "downloads")
    if (source := _source(work, video)) is None:
        chosen = ["-f", FORMAT, "--merge-output-format", "mkv"] if joined else ["-f", ONE_FILE]
        options = ["--no-playlist", "--no-progress", "--continue", "--no-mtime"]
        place = ["-o", str(work / "%(id)s.%(ext)s")]
        ended = programs.run([program, *options, *chosen, *place, "--", f"{WATCH}{video}"])
        source = _source(work, video)
        if ended.code or source is None:
            return ended.words if ended.code else "yt-dlp wrote no video"
    try:
        convert_to_25_fps(source, files.made(out / celebrity) / f"{video}{ENDING}")
    except VideoError:
        source.unlink()  # what cannot be read is downloaded again
        raise
    source.unlink()
    return ""


def _source(work: Path, video: str) -> Path | None:
    paths = (work / f"{video}{ending}" for ending in ENDINGS)
    return next((path for path in paths if path.is_file()), None)


def _read_gone(out: Path) -> dict[tuple[str, str], str]:
    path = out / UNAVAILABLE
    if not path.is_file():
        return {}
    rows = _columns(path, *_COLUMNS)
    return {(celebrity, video): reason for celebrity, video, reason in rows}


def _columns(path: Path, *names: str) -> Iterator[list[str]]:
    """Some columns of a table, row by row; DataError where it lacks one."""
    table = csv.DictReader(io.StringIO(read_text(path)))
    if lacking := {*names} - {*(table.fieldnames or ())}:
        raise DataError(f"{path} lacks the columns {', '.join(sorted(lacking))}: remove it")
    for row in table:
        yield [str(row[name]).strip() for name in names]
