"""`gaze_3d`'s data: preparation per frame, and reading a window, against the published way.

`python -m benchmarks.gaze_3d_data [--quick]`. The published way degrades the whole image before
it cuts the person out; ours degrades the part around the person and gives the same pixels. Both run
in turns, in one thread, and processor time is what counts.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eyeline.results import Image

SPEC_MS = {"prepare": 80, "decode": 14, "degrade_whole": 62, "window": 70}
"""What the published code took on another machine, milliseconds of one core."""
SIZE = (2704, 2028)
"""Width and height of the recordings' images."""
PERSON_PX = 550
"""Height of a person in them, some five metres away."""


def run(*, quick: bool = False) -> dict[str, object]:
    """Milliseconds a frame of preparation and of its parts, and a window of seven frames."""
    jpeg, box = _image(), (900.0, 500.0, PERSON_PX * 0.9, PERSON_PX * 1.2)
    repeats = 3 if quick else 11
    figures = _in_turns(
        {
            "decode": lambda: _decoded(jpeg),
            "prepare": lambda: _prepared(jpeg, box),
            "prepare_published": lambda: _prepared_as_published(jpeg, box),
        },
        repeats,
    )
    same = np.array_equal(_prepared(jpeg, box), _prepared_as_published(jpeg, box))
    ratio = figures["prepare_published"] / figures["prepare"]
    return {
        "cpu_ms": figures | _window(repeats),
        "ratio": round(ratio, 2),
        "same_pixels": same,
        "published_elsewhere_ms": SPEC_MS,
    }


def _in_turns(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median processor time of each, in milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats + 1):
        for name, work in works.items():
            begin = time.process_time()
            work()
            taken[name].append(1e3 * (time.process_time() - begin))
    return {name: round(statistics.median(each[1:]), 2) for name, each in taken.items()}


def _image() -> bytes:
    """A smooth JPEG as large as those of the data set."""
    import cv2

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (SIZE[1] // 26, SIZE[0] // 26, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", cv2.resize(coarse, SIZE), [cv2.IMWRITE_JPEG_QUALITY, 90])[
        1
    ].tobytes()


def _decoded(jpeg: bytes) -> Image:
    from PIL import Image as PillowImage

    with PillowImage.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image)


def _prepared(jpeg: bytes, box: tuple[float, float, float, float]) -> Image:
    from eyeline.systems.gaze_3d.inputs import crop_body

    return crop_body(_decoded(jpeg), box)


def _prepared_as_published(jpeg: bytes, box: tuple[float, float, float, float]) -> Image:
    from PIL import Image as PillowImage

    x, y, w, h = box
    with PillowImage.open(io.BytesIO(jpeg)) as image:
        small = image.resize((720, int(SIZE[1] * 720 / SIZE[0])))
        crop = small.resize(SIZE).crop((x, y, x + w, y + h))
        return np.asarray(crop.resize((192, 256), PillowImage.Resampling.BILINEAR))


def _window(repeats: int) -> dict[str, float]:
    """Reading a window of a synthetic data set, and making and preparing one frame of it."""
    from eyeline.systems.gaze_3d import data, prepare, synthesize

    with tempfile.TemporaryDirectory() as folder:
        created, out = Path(folder, "made"), Path(folder, "out")
        begin = time.process_time()
        count = synthesize.run(created, sessions=2, test_sessions=1, cameras=1, frames=16)["frames"]
        rendered = time.process_time()
        prepare.run(created, out)
        done = time.process_time()
        windows = data.open_split(out, ["made/000", "made/001"])
        figures = _in_turns({"window": lambda: windows[0]}, repeats)
    return figures | {
        "synthetic_frame": round(1e3 * (rendered - begin) / count, 2),
        "synthetic_frame_prepared": round(1e3 * (done - rendered) / count, 2),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print(json.dumps(run(quick=parser.parse_args().quick), indent=2))


if __name__ == "__main__":
    main()
