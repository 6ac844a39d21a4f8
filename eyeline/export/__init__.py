"""An analysis as files: tables, timelines, speech turns, a report and an annotated video.

Write the tables and exports first, `write_report` after them, as it links what lies in the folder,
and `write_index` last: a folder with an `analysis.json` is complete.
"""

from __future__ import annotations

from eyeline.export.coding import write_elan, write_textgrid
from eyeline.export.index import read_index, write_index
from eyeline.export.report import write_report
from eyeline.export.rttm import write_rttm
from eyeline.export.stored import load
from eyeline.export.tables import read_tables, write_tables
from eyeline.export.to_video import write_annotated

__all__ = [
    "load",
    "read_index",
    "read_tables",
    "write_annotated",
    "write_elan",
    "write_index",
    "write_report",
    "write_rttm",
    "write_tables",
    "write_textgrid",
]
