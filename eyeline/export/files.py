"""Names of the files in an analysis folder, and text that they can hold."""

from __future__ import annotations

from pathlib import Path

INDEX = "analysis.json"
REPORT = "report.html"
VIDEO = "annotated.mp4"
ELAN = "timeline.eaf"
TEXTGRID = "timeline.TextGrid"
RTTM = "timeline.rttm"
SCENE = "scene.rrd"
TABLES = ("people", "scores", "directions", "points", "segments")
THUMBNAILS = "thumbnails"


def present(folder: Path) -> list[str]:
    """Names, relative to the folder, of all files of an analysis in it but the index."""
    tables = [f"{name}.{kind}" for name in TABLES for kind in ("parquet", "csv")]
    names = [*tables, REPORT, VIDEO, ELAN, TEXTGRID, RTTM, SCENE]
    pictures = sorted((folder / THUMBNAILS).glob("person_*.png"))
    return [name for name in names if (folder / name).is_file()] + [
        f"{THUMBNAILS}/{picture.name}" for picture in pictures
    ]


def plain_text(text: str) -> str:
    """Text that XML and Praat can hold: blanks for controls, U+FFFD for broken characters."""
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return " "
    if 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF):
        return "\ufffd"
    return character
