"""Annotations of a data set on images: what all systems draw with, and the file it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.errors import DataError, UsageError, first_names
from eyeline.export.colours import Colour
from eyeline.export.glyphs import INK, WHITE, Canvas, Sprite, pill, word
from eyeline.files import write_bytes
from eyeline.results import Floats, Image, VideoInfo
from eyeline.system import Clip, Drawing
from eyeline.video.reader import probe
from eyeline.video.writer import VideoWriter

IMAGES, CLIPS = (".png", ".jpg"), (".mp4",)
"""Files that a drawing becomes."""
PAPER: Colour = (246, 247, 249)


def write(drawing: Drawing, out: Path) -> dict[str, Any]:
    """Write an image or a clip, by the ending of its name; what was drawn.

    Raises:
        UsageError: another ending, or a clip of an item without time.
        DataError: as of what is drawn.
        OutputError: the file cannot be written.
    """
    ending = check_ending(out)
    if ending in IMAGES:
        write_bytes(out, encoded(drawing.still(), ending))
        frames = 1
    elif drawing.clip is None:
        raise UsageError(f"{drawing.item} is one image: name a file that ends in .png, not {out}")
    else:
        frames = _write_clip(drawing.clip, out)
    return {"item": drawing.item, "file": str(out), "frames": frames, **drawing.facts}


def check_ending(out: Path) -> str:
    """The ending of a file's name; UsageError unless a drawing can become such a file."""
    ending = out.suffix.lower()
    if ending not in (*IMAGES, *CLIPS):
        raise UsageError(f"{out}: expected a name that ends in {', '.join((*IMAGES, *CLIPS))}")
    return ending


def chosen(names: Sequence[str], item: str | None, what: str) -> str:
    """An item by its name, the first one by default; DataError for one that is not there."""
    if not names:
        raise DataError(f"there is no {what} to show")
    if item is not None and item not in names:
        raise DataError(f"no {what} '{item}'; there are {first_names(names, 5)}")
    return item or names[0]


def read_image(path: Path) -> Image:
    """An image file as RGB; DataError for a missing or damaged one."""
    import cv2

    content = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    if image is None:
        raise DataError(f"{path} is missing or damaged")
    return np.ascontiguousarray(image[..., ::-1], np.uint8)


def encoded(rgb: Image, ending: str) -> bytes:
    """An image as the bytes of a file."""
    import cv2

    return bytes(cv2.imencode(ending, rgb[..., ::-1])[1].tobytes())


def blank(width: int, height: int, colour: Colour = PAPER) -> Image:
    """An image of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def resized(rgb: Image, height: int) -> Image:
    """An image of that height."""
    import cv2

    size = max(1, round(rgb.shape[1] * height / rgb.shape[0])), height
    smaller = height < rgb.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def side_by_side(images: Sequence[Image], gap_px: int = 8) -> Image:
    """Images of one height in a row."""
    spaces = [blank(gap_px, images[0].shape[0])] * (len(images) - 1)
    parts = [part for pair in zip(images, spaces, strict=False) for part in pair]
    return np.concatenate([*parts, images[-1]] if len(images) > 1 else [images[0]], axis=1)


def below(images: Sequence[Image], gap_px: int = 8) -> Image:
    """Images one under the other, narrow ones filled up on the right."""
    width = max(image.shape[1] for image in images)
    rows: list[Image] = []
    for image in images:
        rest = blank(width - image.shape[1], image.shape[0])
        rows += [np.concatenate([image, rest], axis=1), blank(width, gap_px)]
    return np.concatenate(rows[:-1], axis=0)


def unit(rgb: Image) -> float:
    """How much larger than in an image of 720 lines things are drawn."""
    return max(0.5, int(min(rgb.shape[:2])) / 720)


def box(rgb: Image, xyxy: Floats | Sequence[float], colour: Colour, text: str = "") -> None:
    """A rectangle, with a label above or, at the upper border, in it."""
    import cv2

    x1, y1, x2, y2 = (round(float(v)) for v in xyxy)
    line = max(2, round(2.5 * unit(rgb)))
    cv2.rectangle(rgb, (x1, y1), (x2, y2), INK, line + 2)
    cv2.rectangle(rgb, (x1, y1), (x2, y2), colour, line)
    if text:
        sprite = _tag(text, colour, _text_px(rgb))
        sprite.blend(rgb, x1, y1 - sprite.height - line if y1 > sprite.height + line else y1 + line)


def arrow(rgb: Image, start: Floats, end: Floats, colour: Colour, line: int | None = None) -> None:
    """An arrow with a light edge."""
    import cv2

    width = line or max(2, round(3 * unit(rgb)))
    ends = pixel(start), pixel(end)
    length = max(float(np.hypot(*(np.asarray(end) - np.asarray(start)))), 1.0)
    tip = min(0.3, 6 * width / length)
    for shade, wide in ((WHITE, width + max(2, width // 2)), (colour, width)):
        cv2.arrowedLine(rgb, *ends, shade, wide, cv2.LINE_AA, 0, tip)


def dot(rgb: Image, at: Floats, colour: Colour, radius_px: float = 7) -> None:
    """A point with a light edge."""
    import cv2

    radius = max(2, round(radius_px * unit(rgb)))
    cv2.circle(rgb, pixel(at), radius + max(1, radius // 3), WHITE, -1, cv2.LINE_AA)
    cv2.circle(rgb, pixel(at), radius, colour, -1, cv2.LINE_AA)


def tag(rgb: Image, at: tuple[int, int], text: str, colour: Colour = INK) -> int:
    """Words on a coloured ground, their upper left corner at a pixel; how wide they are."""
    sprite = _tag(text, colour, _text_px(rgb))
    sprite.blend(rgb, *at)
    return sprite.width


def legend(rgb: Image, words: Mapping[str, Colour]) -> None:
    """What colours mean, along the lower border."""
    sprites = [_tag(text, colour, _text_px(rgb)) for text, colour in words.items()]
    x = round(8 * unit(rgb))
    for sprite in sprites:
        sprite.blend(rgb, x, rgb.shape[0] - sprite.height - round(8 * unit(rgb)))
        x += sprite.width + round(6 * unit(rgb))


def pixel(point: Floats | Sequence[float]) -> tuple[int, int]:
    """A place that OpenCV takes, also far outside of the image."""
    x, y = np.clip(np.asarray(point, np.float64), -1e4, 1e5)
    return round(float(x)), round(float(y))


def _text_px(rgb: Image) -> int:
    return max(12, round(18 * unit(rgb)))


@lru_cache(maxsize=512)
def _tag(text: str, colour: Colour, size_px: int) -> Sprite:
    letters = word(text, size_px)
    height, width = letters.shape
    margin = size_px // 3
    canvas = Canvas(width + 2 * margin, height + margin // 2)
    pill(canvas, 0, 0, width + 2 * margin, height + margin // 2, colour, 0.92)
    mask = np.zeros((height + margin // 2, width + 2 * margin), np.uint8)
    mask[margin // 4 : margin // 4 + height, margin : margin + width] = letters
    canvas.cover(mask, WHITE)
    return canvas.sprite()


def _fitted(rgb: Image, width: int, height: int) -> Image:
    """An image cut or filled up to a size: all frames of a clip have one."""
    result = blank(width, height)
    part = rgb[:height, :width]
    result[: part.shape[0], : part.shape[1]] = part
    return result


def _write_clip(clip: Clip, out: Path) -> int:
    frames = clip.frames()
    first = next(frames, None)
    if first is None:
        raise DataError("there is no frame to show")
    height, width = (2 * (length // 2) for length in first.shape[:2])
    heard = clip.audio is not None and probe(clip.audio).has_audio
    duration_s = float(clip.count / clip.rate_hz)
    source = str(clip.audio or out)
    timing = clip.rate_hz, clip.start_s, duration_s, clip.count
    info = VideoInfo(source, width, height, *timing, heard)
    audio = clip.audio if heard else None
    number = 0
    with VideoWriter(out, info, audio_from=audio, audio_end_s=duration_s) as writer:
        for number, image in enumerate(chain([first], frames)):
            writer.write(
                _fitted(image, width, height),
                float(number / clip.rate_hz),
                float((number + 1) / clip.rate_hz),
            )
    return number + 1
