"""An analysis as a coding, and the timeline files that programs for annotation read."""

from __future__ import annotations

from pathlib import Path

from eyeline.codings import eaf, textgrid
from eyeline.codings.coding import Coding, CodingTier, Interval
from eyeline.export.files import ANONYMISED, ELAN, TEXTGRID, VIDEO
from eyeline.export.spans import once
from eyeline.export.tiers import tiers_of
from eyeline.files import write_bytes
from eyeline.results import Analysis, person_label


@once
def coding_of(analysis: Analysis) -> Coding:
    """The tiers of an analysis, in whole milliseconds, on the clock of its first frame.

    The clock of players begins `origin_s` earlier.
    """
    tiers = tuple(
        CodingTier(
            tier.name,
            tuple(Interval(start / 1000, end / 1000, label) for start, end, label in tier.spans),
            tier.participant or person_label(tier.person),
            tier.kind,
            f"eyeline {tier.builder}" + ", corrected" * tier.corrected,
        )
        for tier in tiers_of(analysis)
    )
    path = Path(analysis.video.path)
    return Coding(
        str(analysis.folder or path.name),
        tiers,
        path.name,
        max(0.0, round(analysis.video.player_start_s, 3)),
        round(analysis.video.duration_s, 3),
    )


def write_elan(analysis: Analysis, folder: Path, *, media: str = VIDEO) -> Path:
    """Write `timeline.eaf`.

    Args:
        analysis: what to write; persons without segments keep their empty tiers.
        folder: where to.
        media: the video to link, relative to the folder; empty for none. A full path would differ
            from place to place; ELAN looks beside the EAF for a file that is not where the link
            says. Any other than a copy of ours is taken for the source, whose first frame may come
            late.

    Returns:
        The path of the file.

    Raises:
        OutputError: the folder cannot be written.
    """
    coding = coding_of(analysis)
    own = media.rpartition("/")[2] in (VIDEO, ANONYMISED)
    origin_s = 0.0 if own else coding.origin_s
    return write_bytes(folder / ELAN, eaf.write(coding, [(media, origin_s)]))


def write_textgrid(analysis: Analysis, folder: Path) -> Path:
    """Write `timeline.TextGrid` and return its path; OutputError where that cannot be."""
    return write_bytes(folder / TEXTGRID, textgrid.write(coding_of(analysis)).encode())
