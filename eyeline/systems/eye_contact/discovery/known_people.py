"""Where images of the people of the videos lie: a folder a celebrity, or VGGFace2's folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from eyeline.errors import DataError, UsageError
from eyeline.systems.eye_contact.discovery.sources import Source, some, tops
from eyeline.systems.eye_contact.tracklets import read_csv

CONVERSION = "vox_face_conversion.csv"
"""The table of VGGFace2's authors that says which of its people is which of VoxCeleb2's."""
_COLUMNS = ("VoxCeleb2 ID", "VGGFace2 ID")
_VGG_FACES = ("VGG-Face2", "VGGFace2")
_PARTS = ("data/train", "data/test", "train", "test", ".")


@dataclass(frozen=True)
class KnownPeople:
    """Images of people, by the names of a data set of videos."""

    images: Path | None = None
    """Holds a folder a person; None where no images were given or found."""
    vgg_id: dict[str, str] | None = None
    """VoxCeleb2's name to VGGFace2's; None without a table."""

    def folder(self, celebrity: str) -> Path | None:
        """The folder of a person's images, under either name; None where there is none."""
        if self.images is None:
            return None
        other = (self.vgg_id or {}).get(celebrity, celebrity)
        places = [self.images / celebrity, *(self.images / p / other for p in _PARTS)]
        return next((place for place in places if place.is_dir()), None)

    def attached(self, videos: Iterable[Source]) -> tuple[tuple[Source, ...], tuple[str, ...]]:
        """The videos with their people's images, and who has none, in words."""
        result = tuple(replace(v, images=self.folder(v.name.celebrity)) for v in videos)
        lacking = sorted({v.name.celebrity for v in result if v.images is None})
        if self.images is None or not lacking:
            return result, ()
        note = (
            f"no images of {len(lacking)} people in {self.images}: {some(lacking)}; "
            "the face most seen in each of their videos is taken"
        )
        return result, (note,)


def find_known_people(
    source: Path, images: Path | None = None, conversion: Path | None = None
) -> KnownPeople:
    """The images of people that belong to a data set.

    Args:
        source: the data set, as of `sources.find_sources`; where it holds `VGG-Face2` and
            `vox_face_conversion.csv`, as the authors ask for, these are taken by default.
        images: a folder a person, under VoxCeleb2's name, or VGGFace2.
        conversion: the table, for VGGFace2.

    Raises:
        UsageError: a folder or table that was given is not there.
        DataError: a table that cannot be read.
    """
    if images is not None and not images.is_dir():
        raise UsageError(f"{images}: no such folder of images")
    if conversion is not None and not conversion.is_file():
        raise UsageError(f"{conversion}: no such table of people")
    places = tops(source)
    tables = [conversion] if conversion else [top / CONVERSION for top in places]
    table = next((path for path in tables if path.is_file()), None)
    if images is None and table is not None:
        folders = (top / name for top in places for name in _VGG_FACES)
        images = next((folder for folder in folders if folder.is_dir()), None)
        if images is None:
            raise DataError(
                f"{table} is there, but no folder {_VGG_FACES[0]} with VGGFace2's images: put it "
                "beside the table, give images=FOLDER, or take the table away"
            )
    return KnownPeople(images, _read_conversion(table) if table else None)


def _read_conversion(path: Path) -> dict[str, str]:
    """VoxCeleb2's name to VGGFace2's; where one comes twice its first row counts, as published."""
    result: dict[str, str] = {}
    for line, cells in read_csv(path, _COLUMNS):
        vox, vgg = (cells[column].strip() for column in _COLUMNS)
        if not vox or not vgg or Path(vgg).name != vgg:
            raise DataError(f"{path}, line {line}: '{vox}' and '{vgg}' are no names of a person")
        result.setdefault(vox, vgg)
    return result
