"""What the text formats share: rows with their places, lists of videos, sizes of images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.evaluation import tables
from eyeline.files import write_bytes

Size = tuple[float, float]
"""Width and height of an image in pixels."""
SizeOf = Callable[[str], Size]
"""From an image's name."""


def read_rows(path: Path, least: int, most: int | None = None) -> Iterator[tuple[str, list[str]]]:
    """Place and cells of each row of a CSV without a header, empty rows left out.

    A row has from `least` to `most` cells, by default exactly as many. DataError for no such file,
    no text, or a row of another length.
    """
    most = least if most is None else most
    for line, cells in tables.lines(path):
        if any(cell.strip() for cell in cells):
            if not least <= len(cells) <= most:
                known = f"{least}" if least == most else f"{least} to {most}"
                raise DataError(f"{path}, line {line}: {len(cells)} columns, expected {known}")
            yield f"{path}, line {line}", cells


def numbers(where: str, cells: Sequence[str], names: Sequence[str]) -> list[float]:
    """Cells as finite numbers; DataError names the first that is none."""
    result = []
    for name, cell in zip(names, cells, strict=True):
        try:
            result.append(tables.number(cell))
        except ValueError as error:
            raise DataError(f"{where}: {name} is '{cell.strip()}', expected {error}") from None
    return result


def check_box(where: str, box: Sequence[float]) -> None:
    """DataError unless a head box has its corners in order."""
    if not (box[0] < box[2] and box[1] < box[3]):
        raise DataError(f"{where}: the head box {', '.join(f'{v:g}' for v in box)} is empty")


def read_list(path: Path | str) -> tuple[str, ...]:
    """The videos of a list, one a line, in its order; `#` begins a remark.

    Raises:
        DataError: no such list, an empty one, or a video named twice.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"no list of videos at {path}: {error}") from None
    videos = tuple(text for line in lines if (text := line.partition("#")[0].strip()))
    if not videos:
        raise DataError(f"{path} names no video")
    if twice := sorted({v for v in videos if videos.count(v) > 1}):
        raise DataError(f"{path} names twice: {', '.join(twice)}")
    return videos


def write_lines(path: Path | str, lines: Iterable[str]) -> None:
    """Write lines of text, such as a list of videos; OutputError where that cannot be."""
    write_bytes(Path(path), "".join(f"{line}\n" for line in lines).encode())


def drawn_lists(
    videos: Sequence[str], fractions: Sequence[float], seed: int = 0
) -> tuple[tuple[str, ...], ...]:
    """Videos divided at random into lists of these fractions, none of them empty; orders are kept.

    The looks of one video are too alike to stand in two lists.

    Raises:
        DataError: fewer videos than lists, or fractions that do not sum to one.
    """
    if len(videos) < len(fractions) or not np.isclose(sum(fractions), 1) or min(fractions) <= 0:
        raise DataError(f"{len(videos)} videos cannot be divided by fractions {list(fractions)}")
    order = np.random.default_rng(seed).permutation(len(videos))
    spare = len(videos) - len(fractions)
    ends = np.round(np.cumsum(fractions) * spare).astype(int) + np.arange(1, len(fractions) + 1)
    lists = np.split(order, ends[:-1])
    return tuple(tuple(videos[i] for i in sorted(own.tolist())) for own in lists)


def sizes_in_folder(folder: Path | str) -> SizeOf:
    """Sizes of image files, of which only the headers are read."""
    folder = Path(folder)

    @lru_cache(maxsize=4096)
    def size(name: str) -> Size:
        from PIL import Image, UnidentifiedImageError

        try:
            with Image.open(folder / name) as image:
                return float(image.width), float(image.height)
        except (OSError, UnidentifiedImageError) as error:
            raise DataError(f"cannot read the image {folder / name}: {error}") from error

    return size


def sizes_in_clips(folder: Path | str) -> SizeOf:
    """The same where all images of a folder are of one size, as the frames of a clip are."""
    one, first = sizes_in_folder(folder), dict[str, Size]()

    def size(name: str) -> Size:
        clip = name.rpartition("/")[0]
        if clip not in first:
            first[clip] = one(name)
        return first[clip]

    return size


def one_size(width_px: float, height_px: float) -> SizeOf:
    """One size for all images; NaN where it is not known."""
    return lambda _: (float(width_px), float(height_px))


unknown_size = one_size(np.nan, np.nan)
