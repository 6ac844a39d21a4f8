"""Names of the files in an analysis folder, and text that they can hold."""

from __future__ import annotations

INDEX = "analysis.json"
REPORT = "report.html"
VIDEO = "annotated.mp4"
ELAN = "timeline.eaf"
TEXTGRID = "timeline.TextGrid"
RTTM = "timeline.rttm"
SCENE = "scene.rrd"
FRAMES = "frames"
"""Table of the analysed frames, which folders of before 0.2 lack."""
TABLES = (FRAMES, "people", "scores", "directions", "points", "segments")
THUMBNAILS = "thumbnails"
CORRECTIONS = "corrections.json"
"""What people have corrected, see `eyeline.corrections`."""
CORRECTED = "corrected"
"""Folder of the exports that follow the corrections, inside that of the analysis."""
CORRECTED_INDEX = "corrected.json"
"""The index of that folder."""
AREAS = "areas"
"""Table, in that folder, of areas of interest by frame."""


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
