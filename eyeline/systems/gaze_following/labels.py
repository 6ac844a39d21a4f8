"""`prepare gaze_following/voc`: `GT_label_all.zip` to the COCO form that training reads.

Below the output folder `annotations/instances_{train,val,test}2017.json`, `{train,val,test}2017/`
with the images, and the lists `{train,validation,test}.txt` of videos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eyeline.bounds import Whole
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Outcome, Summary, check_weights, prepare_all
from eyeline.errors import DataError
from eyeline.files import made, write_bytes, write_json
from eyeline.log import Log
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.datasets import splits, voc

SPLITS = {"train": "train2017", "validation": "val2017", "test": "test2017"}
"""Lists of videos, and what the COCO form calls the same; its `test2017` was not published."""
_FRACTIONS = (0.8, 0.1, 0.1)


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    images: str | None = None,
    lists: str | None = None,
    category: str | None = None,
    seed: Whole = 0,
) -> Summary:
    """Write the labels as COCO instances, with their images, divided by video.

    Args:
        source: `GT_label_all.zip`, or a folder of its XML files.
        out: folder to make.
        weights: none are needed.
        device: none is used.
        log: gets a line for every list.
        images: folder below which the images lie; without it only annotations are written.
        lists: folder with `train.txt`, `validation.txt` and `test.txt`, a video a line; by default
            8, 1 and 1 of ten videos, drawn.
        category: see `voc.instances`.
        seed: of the draw.

    Raises:
        DataError: no labels or damaged ones, an image that is missing, lists that name no video
            with labels.
        OutputError: the folder cannot be written.
    """
    del device
    check_weights(weights, ())
    content, out = voc.instances(source, category), Path(out)
    video_of = {i["id"]: formats.parse_name(i["file_name"]).video for i in content["images"]}
    divided = _lists(sorted({*video_of.values()}), lists, seed)
    there = {p.name: p for p in Path(images).rglob("*") if p.is_file()} if images else None
    parts = {s: _part(content, video_of, set(videos)) for s, videos in divided.items()}
    if there is not None:
        _check_images(parts, there, str(images))
    work = [(out, split, divided[split], part, there) for split, part in parts.items()]
    return Summary.of_counts("videos", prepare_all(_write, work, log))


def _lists(videos: Sequence[str], folder: str | None, seed: int) -> dict[str, tuple[str, ...]]:
    if folder is None:
        return dict(zip(SPLITS, splits.drawn(videos, _FRACTIONS, seed), strict=True))
    named = {split: splits.read(Path(folder) / f"{split}.txt") for split in SPLITS}
    known = {split: tuple(v for v in own if v in videos) for split, own in named.items()}
    if empty := [split for split, own in known.items() if not own]:
        raise DataError(f"{folder}: no video of {empty[0]}.txt has labels")
    return known


def _part(
    content: Mapping[str, Any], video_of: Mapping[int, str], videos: set[str]
) -> dict[str, Any]:
    return {
        "images": [i for i in content["images"] if video_of[i["id"]] in videos],
        "annotations": [a for a in content["annotations"] if video_of[a["image_id"]] in videos],
        "categories": content["categories"],
    }


def _check_images(parts: Mapping[str, Any], there: Mapping[str, Path], folder: str) -> None:
    names = [i["file_name"] for part in parts.values() for i in part["images"]]
    if lacking := [name for name in names if name not in there]:
        raise DataError(
            f"{folder} lacks {len(lacking)} of {len(names)} labelled images, such as {lacking[0]}"
        )


def _write(
    out: Path,
    split: str,
    videos: Sequence[str],
    part: Mapping[str, Any],
    there: Mapping[str, Path] | None,
) -> Outcome:
    for name in (image["file_name"] for image in part["images"]):
        if there is not None:
            write_bytes(out / SPLITS[split] / name, there[name].read_bytes())
    splits.write(out / f"{split}.txt", videos)
    made(out / "annotations")
    write_json(out / "annotations" / f"instances_{SPLITS[split]}.json", part)
    counts = {name: len(part[name]) for name in ("images", "annotations")}
    return Outcome(split, "done", counts={"videos": len(videos), **counts})
