"""The packaged sample: two people at a table look at each other, at the camera and away, and talk.

Rendered by `scripts/make_sample.py` from one photograph. What the play says is kept beside the
video, so that tests can hold an analysis to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LICENCE = (
    "Both people are drawn from the portrait of the astronaut Eileen Collins, courtesy of NASA: "
    "public domain, no known copyright restrictions; NASA endorses nothing here. The voices are "
    "synthesised and nobody's. The rendering is ours, CC0-1.0."
)
"""Why the sample may be passed on."""


def path() -> Path:
    """The video: 854x480, 25 frames a second, 10.4 s, with audio."""
    return Path(__file__).with_name("sample.mp4")


def truth() -> dict[str, Any]:
    """What the play says.

    Returns:
        `rate_hz`, `frames`, `width_px`, `height_px`, and `persons`: for each its number, `looks`
            and `speaks` as spans in seconds, and lists with a value a frame: `yaw_deg`,
            `pitch_deg`, `roll_deg` of the head as seen (0 faces the camera, signs as in
            `results.People`), `eye_yaw_deg` of the eyes within the head, `mouth` and `blink` in
            [0, 1], `eyes_px`. Between two looks a person is turning.
    """
    document: dict[str, Any] = json.loads(
        Path(__file__).with_name("truth.json").read_text(encoding="utf-8")
    )
    return document
