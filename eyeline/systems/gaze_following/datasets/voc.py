"""VideoGazeSpeech's labels as Pascal VOC writes them, `GT_label_all.zip`: one XML file an image.

`run` is `prepare gaze_following/voc`: below the output folder it writes the COCO form that training
reads, `annotations/instances_{train,val,test}2017.json`, `{train,val,test}2017/` with the images,
and the lists `{train,validation,test}.txt` of videos.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np

from eyeline.bounds import Whole
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Outcome, Summary, check_weights, prepare_all
from eyeline.documents import MIB, XmlNode, parse_xml
from eyeline.errors import DataError
from eyeline.files import made, write_bytes, write_json
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.datasets import texts
from eyeline.systems.gaze_following.detector import coco
from eyeline.systems.gaze_following.detector.coco import CATEGORY

_MOST_BYTES = MIB
"""Of an XML file; those of an image have a kilobyte."""
_SIDES = ("xmin", "ymin", "xmax", "ymax")


def is_voc(path: Path) -> bool:
    """Whether that is a `.zip`, or a folder with XML files in it or below."""
    return path.suffix.lower() == ".zip" or (path.is_dir() and any(path.rglob("*.xml")))


def instances(path: Path | str, category: str | None = None) -> dict[str, Any]:
    """The labels as a file of COCO instances; images in the order of their names.

    Boxes are taken as they are written, and stand for the masks. An image is called as its XML
    file, with the extension of the file name that it states.

    Args:
        path: a folder of XML files, or a `.zip` of them.
        category: name of the objects that are wanted; by default `target`, or the only name that
            there is.

    Raises:
        DataError: no XML files, or one that is no annotation of VOC; names it.
    """
    path, labels = Path(path), dict[str, tuple[tuple[int, int], list[tuple[str, Floats]]]]()
    for stem, where, data in sorted(_documents(path)):
        name, size, objects = _image(parse_xml(data, where), stem, where)
        if name in labels:
            raise DataError(f"{where}: {name} is labelled twice")
        labels[name] = size, objects
    if not labels:
        raise DataError(f"{path} holds no XML file of labels")
    kinds = {kind for _, objects in labels.values() for kind, _ in objects}
    wanted = category or (CATEGORY if CATEGORY in kinds or len(kinds) != 1 else min(kinds))
    if kinds and wanted not in kinds:
        raise DataError(
            f"{path} has no object '{wanted}'; it has {', '.join(sorted(kinds))}: choose one by "
            "category=NAME"
        )
    return coco.instances(
        (name, size, [box for kind, box in objects if kind == wanted])
        for name, (size, objects) in labels.items()
    )


def _documents(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """Stem, place and bytes of each XML file; nothing is unpacked to a disk."""
    if path.is_dir():
        for file in path.rglob("*.xml"):
            if not file.name.startswith("._"):
                yield file.stem, str(file), _bounded(file.read_bytes(), str(file))
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = PurePosixPath(member.filename)
                if name.suffix.lower() == ".xml" and not name.name.startswith("._"):
                    with archive.open(member) as opened:
                        where = f"{path}: {member.filename}"
                        yield name.stem, where, _bounded(opened.read(_MOST_BYTES + 1), where)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{path} is not a readable .zip file: {error}") from None


def _bounded(data: bytes, where: str) -> bytes:
    if len(data) > _MOST_BYTES:
        raise DataError(f"{where} is larger than {_MOST_BYTES / MIB:g} MiB: no labels of an image")
    return data


def _image(
    root: XmlNode, stem: str, where: str
) -> tuple[str, tuple[int, int], list[tuple[str, Floats]]]:
    """Name of an image, its width and height, and name and box `(4,)` of each object."""
    if root.tag != "annotation":
        raise DataError(f"{where} is no annotation of VOC: it begins with {root.tag}")
    stated = next((n.text.strip() for n in root.all("filename")), "")
    width, height = (int(_number(root, where, "size", side)) for side in ("width", "height"))
    if min(width, height) < 1:
        raise DataError(f"{where}: the image's size is {width} x {height}; must be at least 1")
    objects = [
        (
            next((n.text.strip() for n in node.all("name")), ""),
            np.array([_number(node, where, "bndbox", side) for side in _SIDES]),
        )
        for node in root.all("object")
    ]
    return stem + (PurePosixPath(stated).suffix or ".jpg"), (width, height), objects


def _number(node: XmlNode, where: str, *tags: str) -> float:
    text = next((n.text.strip() for n in node.all(*tags)), None)
    if text is None:
        raise DataError(f"{where}, line {node.line}: {node.tag} has no {'/'.join(tags)}")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value) or abs(value) > 1e9:
        raise DataError(f"{where}, line {node.line}: {'/'.join(tags)} is '{text}', not a number")
    return value


def write(path: Path, content: Mapping[str, Any]) -> None:
    """COCO instances of targets as a `.zip` of such files; the same bytes for the same content."""
    boxes: dict[int, list[Any]] = {}
    for entry in content["annotations"]:
        boxes.setdefault(entry["image_id"], []).append(entry["bbox"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for image in content["images"]:
            member = zipfile.ZipInfo(f"{PurePosixPath(image['file_name']).stem}.xml")
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, _written(image, boxes.get(image["id"], [])))
    write_bytes(path, packed.getvalue())


def _written(image: Mapping[str, Any], boxes: Sequence[Sequence[float]]) -> bytes:
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = image["file_name"]
    size = ElementTree.SubElement(root, "size")
    for name, value in (("width", image["width"]), ("height", image["height"]), ("depth", 3)):
        ElementTree.SubElement(size, name).text = str(value)
    for x, y, width, height in boxes:
        target = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(target, "name").text = CATEGORY
        box = ElementTree.SubElement(target, "bndbox")
        for side, value in zip(_SIDES, (x, y, x + width, y + height), strict=True):
            ElementTree.SubElement(box, side).text = f"{round(value, 2):.10g}"
    return bytes(ElementTree.tostring(root, encoding="utf-8"))


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
        category: see `instances`.
        seed: of the draw.

    Raises:
        DataError: no labels or damaged ones, an image that is missing, lists that name no video
            with labels.
        OutputError: the folder cannot be written.
    """
    del device
    check_weights(weights, ())
    content, out = instances(source, category), Path(out)
    video_of = {i["id"]: formats.parse_name(i["file_name"]).video for i in content["images"]}
    divided = _lists(sorted({*video_of.values()}), lists, seed)
    there = {p.name: p for p in Path(images).rglob("*") if p.is_file()} if images else None
    parts = {s: _part(content, video_of, set(videos)) for s, videos in divided.items()}
    names = [i["file_name"] for part in parts.values() for i in part["images"]]
    if there is not None and (lacking := [name for name in names if name not in there]):
        raise DataError(
            f"{images} lacks {len(lacking)} of {len(names)} labelled images, such as {lacking[0]}"
        )
    work = [(out, split, divided[split], part, there) for split, part in parts.items()]
    return Summary.of_counts("videos", prepare_all(_write_part, work, log))


def _lists(videos: Sequence[str], folder: str | None, seed: int) -> dict[str, tuple[str, ...]]:
    if folder is None:
        return dict(zip(SPLITS, texts.drawn_lists(videos, _FRACTIONS, seed), strict=True))
    named = {split: texts.read_list(Path(folder) / f"{split}.txt") for split in SPLITS}
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


def _write_part(
    out: Path,
    split: str,
    videos: Sequence[str],
    part: Mapping[str, Any],
    there: Mapping[str, Path] | None,
) -> Outcome:
    for name in (image["file_name"] for image in part["images"]):
        if there is not None:
            write_bytes(out / SPLITS[split] / name, there[name].read_bytes())
    texts.write_lines(out / f"{split}.txt", videos)
    made(out / "annotations")
    write_json(out / "annotations" / f"instances_{SPLITS[split]}.json", part)
    counts = {name: len(part[name]) for name in ("images", "annotations")}
    return Outcome(split, "done", counts={"videos": len(videos), **counts})
