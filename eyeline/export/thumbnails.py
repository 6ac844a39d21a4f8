"""Images of the persons: PNG files beside the tables, JPEG inside the report."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.export.files import THUMBNAILS
from eyeline.files import replacing
from eyeline.results import Image, Person

_REPORT_PX = 176
"""Longer side of an image in the report: sharp at twice the 88 pixels it is shown at."""


def thumbnail_name(person: int) -> str:
    """Where a person's image lies in the folder."""
    return f"{THUMBNAILS}/person_{int(person)}.png"


def write_thumbnails(persons: Sequence[Person], folder: Path) -> None:
    """Write the image of every person that has one; OutputError where that cannot be."""
    import cv2

    for person in persons:
        if person.thumbnail is not None:
            with replacing(folder / thumbnail_name(person.person)) as temporary:
                done, png = cv2.imencode(".png", person.thumbnail[..., ::-1])
                assert done
                temporary.write_bytes(png.tobytes())


def read_thumbnail(folder: Path, person: int) -> Image:
    """A person's image `(height, width, 3)` RGB; DataError where it is missing or damaged."""
    import cv2

    path = folder / thumbnail_name(person)
    if not path.is_file():
        raise DataError(f"{folder} is not complete: {thumbnail_name(person)} is missing")
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path} is damaged: not an image")
    return np.ascontiguousarray(image[..., ::-1], np.uint8)


def data_uri(image: Image) -> str:
    """An image as a JPEG that stands in the page itself, made smaller where it is large."""
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, _REPORT_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    done, jpeg = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
