"""Render the packaged sample: `python scripts/make_sample.py` (needs the `test` extra; minutes).

Two people at a table look at each other, into the camera and away, and speak in turns. Both are
drawn from the public-domain portrait of the astronaut Eileen Collins (NASA) that scikit-image
carries; the voices are synthesised. Beside the video goes `truth.json`: what the play says, which
tests hold an analysis to.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sample_parts import play, portrait, scene

AUDIO_RATE_HZ = 48000
CRF = 21
"""Quality of the image: keeps the file below 700 kB."""


def main() -> None:
    """Render and write both files."""
    parser = argparse.ArgumentParser(description="Render the packaged sample.")
    default = Path(__file__).resolve().parents[1] / "eyeline" / "sample"
    parser.add_argument(
        "--out", type=Path, default=default, help="folder of sample.mp4 and truth.json"
    )
    out = parser.parse_args().out
    cv2.setNumThreads(2)
    parts = tuple(play.part(role) for role in play.ROLES)
    people = scene.seats(photo())
    (out / "truth.json").write_text(_as_json(truth(parts, people)), encoding="utf-8")
    video = out / "sample.mp4"
    _write_video(video, parts, people)
    print(f"{video}: {video.stat().st_size / 1000:.0f} kB")


def frame(
    k: int, parts: tuple[play.Part, ...], people: tuple[scene.Seat, ...], wall: portrait.Array
) -> npt.NDArray[np.uint8]:
    """Frame `k` of the play: `(HEIGHT_PX, WIDTH_PX, 3)` RGB."""
    sway = np.array([part.sway_px[k] for part in parts])
    return scene.draw(wall, people, tuple(part.poses[k] for part in parts), sway)


def photo() -> npt.NDArray[np.uint8]:
    """The portrait `(512, 512, 3)` RGB."""
    import skimage.data

    astronaut: Any = skimage.data.astronaut
    return np.asarray(astronaut(), np.uint8)


def truth(parts: tuple[play.Part, ...], people: tuple[scene.Seat, ...]) -> dict[str, Any]:
    """What `truth.json` holds."""
    persons = play.truth(parts)
    for person, part, seat in zip(persons, parts, people, strict=True):
        eyes = [
            scene.eyes_px(seat, pose, sway)
            for pose, sway in zip(part.poses, part.sway_px, strict=True)
        ]
        person["eyes_px"] = [[round(x, 1), round(y, 1)] for x, y in eyes]
    return {
        "about": "What the play says: seconds on the video's clock, angles as a viewer sees them "
        "(0 faces the camera). Between two looks a person is turning. Lists have a value a frame.",
        "rate_hz": play.RATE,
        "frames": play.FRAMES,
        "width_px": scene.WIDTH_PX,
        "height_px": scene.HEIGHT_PX,
        "persons": persons,
    }


def _as_json(document: dict[str, Any]) -> str:
    """JSON with lists of numbers on one line."""
    text = json.dumps(document, indent=1)
    numbers = r"[-\d.,\s\[\]]+"
    return re.sub(rf"\[{numbers}\](?=,?\n)", lambda m: re.sub(r"\s+", " ", m[0]), text) + "\n"


def _write_video(path: Path, parts: tuple[play.Part, ...], people: tuple[scene.Seat, ...]) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        still = _video_stream(container)
        audio: Any = container.add_stream("aac", rate=AUDIO_RATE_HZ, layout="mono")
        audio.bit_rate = 56000
        audio.codec_context.flags |= av.codec.context.Flags.bitexact
        packets = [*_audio_packets(audio)]
        wall = scene.backdrop()
        for k in range(play.FRAMES):
            image = av.VideoFrame.from_ndarray(frame(k, parts, people, wall), format="rgb24")
            image.pts, image.time_base = k, Fraction(1, play.RATE)
            container.mux(still.encode(image))
            while packets and packets[0].pts * packets[0].time_base <= (k + 1) / play.RATE:
                container.mux(packets.pop(0))
            if k % 10 == 0:
                print(f"\rframe {k} of {play.FRAMES}", end="", flush=True)
        container.mux(still.encode())
        container.mux(packets)
    print()


def _video_stream(container: Any) -> Any:
    stream = container.add_stream("libx264", rate=play.RATE)
    stream.width, stream.height, stream.pix_fmt = scene.WIDTH_PX, scene.HEIGHT_PX, "yuv420p"
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    stream.codec_context.thread_count = 1
    stream.options = {"preset": "veryslow", "crf": str(CRF), "g": "125"}
    return stream


def _audio_packets(stream: Any) -> list[Any]:
    from scipy.signal import resample_poly

    samples = resample_poly(play.audio(), 2, 1)[None].astype(np.float32)
    block = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    block.sample_rate, block.pts, block.time_base = AUDIO_RATE_HZ, 0, Fraction(1, AUDIO_RATE_HZ)
    fifo = av.AudioFifo()
    fifo.write(block)
    packets: list[Any] = []
    while (part := fifo.read(1024, partial=True)) is not None:
        packets += stream.encode(part)
    return [*packets, *stream.encode(None)]


if __name__ == "__main__":
    main()
