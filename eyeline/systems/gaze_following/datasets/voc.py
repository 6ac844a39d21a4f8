"""VideoGazeSpeech's labels as Pascal VOC writes them, `GT_label_all.zip`: one XML file an image."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np

from eyeline.documents import MIB, XmlNode, parse_xml
from eyeline.errors import DataError
from eyeline.files import write_bytes
from eyeline.results import Floats
from eyeline.systems.gaze_following.detector.coco import CATEGORY, instance

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
    path, images, result = Path(path), list[dict[str, Any]](), list[tuple[str, int, Floats]]()
    names = set[str]()
    for stem, where, data in sorted(_documents(path)):
        image, objects = _image(parse_xml(data, where), stem, where)
        if image["file_name"] in names:
            raise DataError(f"{where}: {image['file_name']} is labelled twice")
        names.add(image["file_name"])
        images.append({"id": len(images) + 1, **image})
        result += [(name, len(images), box) for name, box in objects]
    if not images:
        raise DataError(f"{path} holds no XML file of labels")
    wanted = _wanted(path, category, {name for name, _, _ in result})
    mine = [(image, box) for name, image, box in result if name == wanted]
    return {
        "images": images,
        "annotations": [instance(i, image, box) for i, (image, box) in enumerate(mine, start=1)],
        "categories": [{"id": 1, "name": CATEGORY, "supercategory": "none"}],
    }


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


def _image(root: XmlNode, stem: str, where: str) -> tuple[dict[str, Any], list[tuple[str, Floats]]]:
    """Name and size of an image, and name and box `(4,)` of each object."""
    if root.tag != "annotation":
        raise DataError(f"{where} is no annotation of VOC: it begins with {root.tag}")
    stated = next((n.text.strip() for n in root.all("filename")), "")
    name = stem + (PurePosixPath(stated).suffix or ".jpg")
    size = [int(_number(root, where, "size", side)) for side in ("width", "height")]
    if min(size) < 1:
        raise DataError(f"{where}: the image's size is {size[0]} x {size[1]}; must be at least 1")
    objects = [_object(node, where) for node in root.all("object")]
    return {"file_name": name, "width": size[0], "height": size[1]}, objects


def _object(node: XmlNode, where: str) -> tuple[str, Floats]:
    name = next((n.text.strip() for n in node.all("name")), "")
    return name, np.array([_number(node, where, "bndbox", side) for side in _SIDES])


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


def _wanted(path: Path, category: str | None, names: set[str]) -> str:
    chosen = category or (CATEGORY if CATEGORY in names or len(names) != 1 else min(names))
    if names and chosen not in names:
        raise DataError(
            f"{path} has no object '{chosen}'; it has {', '.join(sorted(names))}: choose one by "
            "category=NAME"
        )
    return chosen


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
