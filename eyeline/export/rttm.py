"""RTTM: who spoke when, one SPEAKER line a segment, as diarisation tools read it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from eyeline.export.files import RTTM, plain_text
from eyeline.export.tiers import Tier, tiers_of
from eyeline.files import write_bytes
from eyeline.results import Analysis, person_label

SPEAKING = "speaking"
"""Name of the segments that RTTM is about."""


def write_rttm(analysis: Analysis, folder: Path, *, file_id: str | None = None) -> Path:
    """Write `timeline.rttm` and return its path.

    Voices of nobody visible are the speaker `unseen`; where somebody is visible and it cannot be
    said who speaks, the speaker is `not_sure_who`. Without audio, or speech, the file is empty.

    Args:
        analysis: what to write.
        folder: where to.
        file_id: what tells the video from others whose files are put together; by default its name.

    Raises:
        OutputError: the folder cannot be written.
    """
    tiers = [tier for tier in tiers_of(analysis) if tier.kind == SPEAKING]
    builder = tiers[0].builder if tiers else ""
    chosen = [tier for tier in tiers if tier.builder == builder]
    return write_bytes(
        folder / RTTM, rttm(chosen, file_id or Path(analysis.video.path).stem).encode()
    )


def rttm(tiers: Iterable[Tier], file_id: str) -> str:
    """The lines of an RTTM file in the order of time; blanks in names become `_`."""
    turns = sorted(
        (start, end, tier.participant or person_label(tier.person))
        for tier in tiers
        for start, end, _ in tier.spans
    )
    name = _field(file_id)
    return "".join(
        f"SPEAKER {name} 1 {start / 1000:.3f} {(end - start) / 1000:.3f} "
        f"<NA> <NA> {_field(speaker)} <NA> <NA>\n"
        for start, end, speaker in turns
    )


def _field(text: str) -> str:
    return re.sub(r"\s+", "_", plain_text(text).strip()) or "_"
