"""Ego4D by its own command, `ego4d`: the gaze videos, or the clips of the social benchmark.

The command keeps its own layout, `v2/full_scale/<video>.mp4`, `v2/gaze/<video>.csv` and
`v2/annotations/av_*.json`, which `prepare` reads. Its licence gives keys, which it takes from
`~/.aws/credentials`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from eyeline import files
from eyeline.download import programs
from eyeline.download.folders import DriveFolder
from eyeline.download.item import Item, Received, Request, Size, costs_itself
from eyeline.errors import DataError, EyelineError, first_names
from eyeline.log import Log
from eyeline.systems.ego_social.prepare_clips import VIDEOS, cut_clip
from eyeline.systems.ego_social.recordings.annotations import Clip, read_annotations, read_list
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.systems.ego_social.recordings.sources import SPLITS
from eyeline.systems.gaze_anticipation.recordings.clips import read_list as read_clips

VERSION = "v2_1"
FOLDER = "v2"
"""Which the command makes of its version."""
GB_AN_HOUR = 2.0
"""An estimate, of videos in full scale."""
CLIP_HOURS = 5 / 60
"""Of the social benchmark."""


class Ego4D(Item):
    """A part of Ego4D."""

    ego4d: Literal["gaze", "social"]
    extra: str
    """Of eyeline, which brings the command."""
    hours: float = 0.0
    """Of all videos together, about."""
    missing_audio: str | None = None
    """A folder on Google Drive with the audio of videos that have none of their own."""
    profile: str = "default"

    def size(self, request: Request) -> Size:
        """Estimated; the command itself knows only once it has asked for each file."""
        programs.find("ego4d", self.extra)
        if self.ego4d == "gaze":
            uids = self._gaze_uids(request)
            waiting = [uid for uid in uids if not _video(request.out, uid).is_file()]
            hours = self.hours * len(waiting) / max(len(uids), 1) if uids else self.hours
            how = f"an estimate of {GB_AN_HOUR:g} GB for each of {hours:.0f} hours"
            return Size(hours * GB_AN_HOUR, how, estimated=True)
        waiting = [uid for uid in self._uids(request) if not _clip(request.out, uid).is_file()]
        gb = len(waiting) * CLIP_HOURS * GB_AN_HOUR
        how = f"an estimate of {GB_AN_HOUR:g} GB an hour for {len(waiting)} clips of five minutes"
        how += "; each video is removed once its clips are cut out of it"
        return Size(gb, how, estimated=True)

    def bring(self, request: Request, log: Log) -> Received:
        """Download by the command; what it does not bring is reported by name."""
        received = Received(request.out / FOLDER)
        self.bring_extra_files(request, received, log)
        if self.ego4d == "gaze":
            self._bring_gaze(request, received, log)
        else:
            self._bring_social(request, received, log)
        return received

    def _bring_gaze(self, request: Request, received: Received, log: Log) -> None:
        """The videos that the authors' lists name, and their tables of gaze."""
        uids = self._gaze_uids(request)
        if not uids:
            raise DataError(f"{request.name}: the lists of clips are missing in {received.folder}")
        ended = self._run(request, ["full_scale", "gaze"], uids, log)
        for uid in uids:
            for path in (_video(request.out, uid), received.folder / "gaze" / f"{uid}.csv"):
                if not path.is_file():
                    received.failed[path.name] = f"ego4d did not bring it: {ended.words}"
        if self.missing_audio:
            self._bring_audio(request, received, log)

    def _gaze_uids(self, request: Request) -> tuple[str, ...]:
        """Videos that the authors' lists name; none where a list is not there yet."""
        lists = [
            request.out / one.to for one in self.extra_files if Path(one.to).stem.endswith("_gaze")
        ]
        if not all(path.is_file() for path in lists):
            return ()
        known = {clip.video for path in lists for clip in read_clips(path)}
        return request.chosen(tuple(sorted(known)))

    def _bring_audio(self, request: Request, received: Received, log: Log) -> None:
        into = f"{FOLDER}/missing_audio"
        item = DriveFolder(gfolder=self.missing_audio or "", into=into)
        try:
            one = Request(request.name, request.out)
            received.failed |= item.bring(one, log).failed
        except EyelineError as error:
            costs_itself("missing_audio", error, received, log)

    def _bring_social(self, request: Request, received: Received, log: Log) -> None:
        """The annotations, then video by video the clips of the published lists."""
        folder = received.folder / "annotations"
        if not (folder / "av_train.json").is_file():
            ended = self._run(request, ["annotations"], (), log)
            if not (folder / "av_train.json").is_file():
                raise DataError(
                    f"{request.name}: ego4d did not bring {folder}/av_train.json: {ended.words}"
                )
        clips = read_annotations(folder).clips
        by_video: dict[str, list[Clip]] = defaultdict(list)
        for uid in self._uids(request):
            if uid not in clips:
                received.failed[uid] = "not in av_train.json or av_val.json"
            elif not _clip(request.out, uid).is_file():
                by_video[clips[uid].video_uid].append(clips[uid])
        for number, (video, own) in enumerate(by_video.items(), start=1):
            log(f"[{number}/{len(by_video)}] video {video}: {len(own)} clips")
            self._cut_video(request, video, own, received, log)

    def _cut_video(
        self, request: Request, video: str, own: Sequence[Clip], received: Received, log: Log
    ) -> None:
        """Download a video, cut its clips, remove it unless it was there before."""
        path = _video(request.out, video)
        there = path.is_file()
        if not there:
            ended = self._run(request, ["full_scale"], (video,), log)
            if ended.code or not path.is_file():
                why = f"ego4d did not bring video {video}: {ended.words}"
                received.failed |= {clip.uid: why for clip in own}
                return
        for clip in own:
            if clip.span_s is None:
                received.failed[clip.uid] = "its annotation does not state where it lies"
                continue
            outcome = cut_clip(clip.uid, Footage(path, clip.span_s), received.folder, remux=True)
            log(f"clip {clip.uid}: {outcome.line}")
            if outcome.status == "failed":
                received.failed[clip.uid] = outcome.message
        if not there and not any(clip.uid in received.failed for clip in own):
            path.unlink()

    def _uids(self, request: Request) -> tuple[str, ...]:
        lists = [SPLITS / f"{name}.list" for name in ("train", "val")]
        return request.chosen(tuple(uid for path in lists for uid in read_list(path)))

    def _run(
        self, request: Request, datasets: Sequence[str], uids: Sequence[str], log: Log
    ) -> programs.Ended:
        """Run the command; names of videos go by a file, since there may be many."""
        command: list[str | Path] = [programs.find("ego4d", self.extra)]
        command += ["--output_directory", files.made(request.out), "--version", VERSION]
        command += ["--aws_profile_name", self.profile, "--no-metadata", "--yes"]
        if uids:
            listed = request.out / files.WORK / "video_uids.txt"
            files.write_bytes(listed, "\n".join(uids).encode())
            command += ["--video_uid_file", listed]
        log(f"ego4d: {', '.join(datasets)}{f' of {first_names(uids, 5)}' if uids else ''}")
        return programs.run([*command, "--datasets", *datasets], log)


def _video(out: Path, uid: str) -> Path:
    return out / FOLDER / "full_scale" / f"{uid}.mp4"


def _clip(out: Path, uid: str) -> Path:
    return out / FOLDER / VIDEOS / f"{uid}.mp4"
