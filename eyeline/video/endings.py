"""Which files of a folder are taken for videos, by their endings in small or capital letters."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_PREFERRED = ".mp4 .mkv .mov .webm .m4v .avi .mpg .mpeg .mts .m2ts .ts .wmv .flv .3gp .ogv .vob .dv"
_OTHERS = (
    ".mxf .3g2 .amv .asf .divx .evo .f4v .gxf .insv .ivf .lrv .m1v .m2t .m2v .mjpeg .mjpg .mod "
    ".mp2v .mp4v .mpe .mpv .nsv .nut .ogm .qt .rm .rmvb .tod .vro .wtv .y4m"
)
ENDINGS = (*_PREFERRED.split(), *_OTHERS.split())
"""The first are preferred where two files have one name."""


def sorted_out(paths: Iterable[Path]) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Videos by their names without ending, and the names of the other files; hidden ones are none.

    Of two videos with one name the one whose ending stands first in `ENDINGS` is taken, and the
    other is among the others.
    """
    files = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    videos = [path for path in files if path.suffix.lower() in ENDINGS]
    videos.sort(key=lambda path: (ENDINGS.index(path.suffix.lower()), path.name))
    result: dict[str, Path] = {}
    for path in videos:
        result.setdefault(path.stem, path)
    taken = {*result.values()}
    return dict(sorted(result.items())), tuple(sorted(p.name for p in files if p not in taken))
