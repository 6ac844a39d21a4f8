"""A small folder of annotations in the published layout, written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from eyeline.systems.eye_contact.tracklets import ListRow, TrackletFile, write_list, write_tracklet

SIZE = (641, 360)
TEXT = "host\t\t0.2\t0.6\t\ncamera\t\t4.0\t4.2\t\nuncertain\t\t1.0\t1.2\t\n"


def tracklet(start: int, length: int, *, seed: int = 0, feature: int = 0) -> TrackletFile:
    """Whole pixels of a 641 x 360 image, every one of which is needed to tell its size."""
    rng = np.random.default_rng([seed, start])
    six = rng.integers(20, 340, (length, 6, 2)).astype(np.float64)
    box = np.concatenate([rng.integers(1, 20, (length, 2)), rng.integers(340, 359, (length, 2))], 1)
    features = rng.random((length, feature)).astype(np.float32) if feature else None
    return TrackletFile(start, box / (*SIZE, *SIZE), six / SIZE, features)


def write_folder(
    root: Path,
    texts: Mapping[tuple[str, str], str],
    tracklets: Mapping[tuple[str, str], Sequence[TrackletFile]],
    *,
    listed: bool = True,
) -> Path:
    """`Annotations` with these texts and tracklets, all of them listed."""
    folder = root / "Annotations"
    names = "".join(f"{c},{v}\n" for c, v in texts)
    (folder / "tracklets").mkdir(parents=True)
    (folder / "meta_list.csv").write_text(f"celebrity_id,video_name\n{names}", encoding="utf-8")
    for (celebrity, video), text in texts.items():
        (folder / celebrity).mkdir(exist_ok=True)
        (folder / celebrity / f"{video}.txt").write_text(text, encoding="utf-8")
    rows = []
    for (celebrity, video), own in tracklets.items():
        for number, one in enumerate(own):
            place = folder / "tracklets" / celebrity / video / f"{number:03d}.npz"
            write_tracklet(place, one)
            rows.append(ListRow(celebrity, video, f"{number:03d}", one.start_frame, one.end_frame))
    if listed:
        write_list(folder / "tracklets" / "test_tracklet_list.csv", rows)
    return folder


def two_videos(root: Path, *, listed: bool = True) -> Path:
    """id1/alpha with two tracklets, the first with features, id2/beta with one, id3/gamma none."""
    return write_folder(
        root,
        {("id1", "alpha"): TEXT, ("id2", "beta"): TEXT, ("id3", "gamma"): TEXT},
        {
            ("id1", "alpha"): [tracklet(0, 40, feature=8), tracklet(90, 30)],
            ("id2", "beta"): [tracklet(3, 50, seed=1)],
        },
        listed=listed,
    )
