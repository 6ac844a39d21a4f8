"""Where Ego4D's files lie: annotations, clips or full-length videos, and lists of clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from eyeline.errors import DataError, UsageError
from eyeline.systems.ego_social.recordings.annotations import (
    Annotations,
    Clip,
    read_annotations,
    read_list,
    read_manifest,
)
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.video.endings import ENDINGS

SPLITS = Path(__file__).parents[1] / "splits"
"""The lists that the authors published; that for training is the longer one, of talk."""
LISTS = ("train", "val", "test")

_ANNOTATIONS = ("json", "annotations", ".")
_CLIPS = ("videos", "clips", ".")
_VIDEOS = ("videos", "full_scale", "tmp", ".")
_MANIFESTS = ("csv/manifest.csv", "manifest.csv")
_KINDS = ("", *ENDINGS)


@dataclass(frozen=True)
class Source:
    """A data set as it was downloaded."""

    videos_root: Path
    """Where videos were looked for."""
    annotations: Annotations
    lists: Mapping[str, tuple[str, ...]]
    """Uids by the list's name."""
    own_lists: bool
    """Whether they are the data set's own, not those that ship."""
    clips: Mapping[str, Path]
    """Files by their names without ending, where clips may lie."""
    videos: Mapping[str, Path]
    """As above, where full-length videos may lie."""
    manifest: Mapping[str, str]
    """Video uid -> what its file is called, without ending."""

    def footage(self, clip: Clip) -> Footage:
        """The clip's own file, or its span of the full-length video."""
        return Footage(self.clips[clip.uid]) if clip.uid in self.clips else self.part(clip)

    def part(self, clip: Clip) -> Footage:
        """The clip's span of its full-length video; DataError as of `footage`."""
        name = self.manifest.get(clip.video_uid, clip.video_uid)
        path = self.videos.get(name) or self.videos.get(clip.video_uid)
        if path is None:
            raise DataError(
                f"no video: neither videos/{clip.uid}.mp4 nor videos/{name}.mp4 is in "
                f"{self.videos_root}"
            )
        if clip.span_s is None:
            raise DataError(f"its annotation does not tell where in {path.name} it lies")
        return Footage(path, clip.span_s)

    def chosen(self, names: tuple[str, ...] = ()) -> list[Clip]:
        """Annotated clips of some lists, of all files without any."""
        if unknown := [name for name in names if name not in self.lists]:
            raise UsageError(f"no list '{unknown[0]}'; there are: {', '.join(self.lists)}")
        clips = self.annotations.clips
        if not names:
            return list(clips.values())
        wanted = dict.fromkeys(uid for name in names for uid in self.lists[name])
        if not (result := [clips[uid] for uid in wanted if uid in clips]):
            raise DataError(f"no clip of the list {', '.join(names)} is annotated")
        return result


def find(root: Path | str, videos: Path | str | None = None) -> Source:
    """Look for all of it.

    Args:
        root: holds `json/av_train.json`, `json/av_val.json` and `json/av_test_unannotated.json` or
            some of them, `videos/` (or `clips/`) with `<clip_uid>.mp4`, or `videos/` (or
            `full_scale/` or `tmp/`) with `<video_uid>.mp4` or the same without ending, and where
            they are there, `csv/manifest.csv` and `split/*.list`; annotations and videos may lie
            beside these folders, too.
        videos: folder of clips or full-length videos that lie elsewhere.

    Raises:
        UsageError: `videos` is no folder.
        DataError: no annotations, or a file of them, the manifest or a list that is damaged.
    """
    root, elsewhere = Path(root), Path(videos).absolute() if videos is not None else None
    if elsewhere is not None and not elsewhere.is_dir():
        raise UsageError(f"{videos}: no such folder of videos")
    places = [root / name for name in _ANNOTATIONS]
    annotated = [p for p in places if any(p.glob("av_*.json"))]
    if not annotated:
        raise DataError(f"no json/av_train.json or json/av_val.json in {root}")
    own = {p.stem: read_list(p) for p in sorted((root / "split").glob("*.list"))}
    shipped = {name: read_list(SPLITS / f"{name}.list") for name in LISTS}
    manifests = [root / name for name in _MANIFESTS if (root / name).is_file()]
    places_of = read_manifest(manifests[0]) if manifests else {}
    top = elsewhere or root
    return Source(
        top,
        read_annotations(annotated[0]),
        own or shipped,
        bool(own),
        _by_stem(top, _CLIPS),
        _by_stem(top, _VIDEOS),
        {uid: PurePosixPath(place).stem for uid, place in places_of.items()},
    )


def _by_stem(root: Path, folders: tuple[str, ...]) -> dict[str, Path]:
    result: dict[str, Path] = {}
    for folder in folders:
        inside = (path for path in (root / folder).glob("[!.]*") if path.suffix.lower() in _KINDS)
        for path in sorted(inside, key=lambda path: (_KINDS.index(path.suffix.lower()), path.name)):
            if path.is_file():
                result.setdefault(path.stem, path)
    return result
