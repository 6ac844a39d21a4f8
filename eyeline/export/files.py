"""Names of the files in an analysis folder."""

from __future__ import annotations

INDEX = "analysis.json"
REPORT = "report.html"
VIDEO = "annotated.mp4"
TIMELINE = "timeline"
"""Stem of the files of tiers."""
ANONYMISED = "anonymised.mp4"
ELAN = "timeline.eaf"
TEXTGRID = "timeline.TextGrid"
RTTM = "timeline.rttm"
SCENE = "scene.rrd"
COCO = "heads.coco.json"
MOT = "heads.mot.txt"
FRAMES = "frames"
"""Table of the analysed frames, which folders of before 0.2 lack."""
TABLES = (FRAMES, "people", "scores", "directions", "points", "segments")
THUMBNAILS = "thumbnails"
