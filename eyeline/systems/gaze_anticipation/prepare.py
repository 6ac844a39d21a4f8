"""Preparing Ego4D's gaze videos: an index of frames, labels and sound over the original videos.

No clip is cut out unless it is asked for: a clip is a window of the whole video. A damaged video
costs itself; a run that was stopped goes on with the next one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline import processes
from eyeline.errors import DataError, UsageError
from eyeline.files import made, write_bytes
from eyeline.systems.gaze_anticipation import clips, store
from eyeline.systems.gaze_anticipation.clips import Clip
from eyeline.systems.gaze_anticipation.preparing import Outcome, Settings, attempt
from eyeline.systems.gaze_anticipation.raw import Lists, Raw, find_ego4d, find_lists

REPORT = "prepare_report.json"
OTHER = "other"
"""Name of the list of clips of videos that are in no list."""

Told = Callable[[str], None]


@dataclass(frozen=True)
class Summary:
    """What became of all videos."""

    outcomes: tuple[Outcome, ...]
    clips: Mapping[str, int]
    """Clips in each list."""
    notes: tuple[str, ...] = ()
    """Of the data set as a whole."""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The videos that could not be prepared."""
        return tuple(o for o in self.outcomes if o.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Counts and reasons, ready for JSON."""
        there = [o for o in self.outcomes if o.counts]
        done = [o.seconds / o.counts["seconds"] for o in there if o.status == "done"]
        gaze: Counter[str] = Counter()
        for outcome in there:
            gaze.update(outcome.counts["gaze"])
        return {
            "videos": dict(Counter(o.status for o in self.outcomes)),
            "clips": dict(self.clips),
            **{
                name: round(sum(o.counts[name] for o in there), 3)
                for name in ("frames", "seconds", "sound_s", "size_bytes")
            },
            "gaze": dict(gaze),
            "seconds_a_clip": round(clips.CLIP_S * sum(done) / len(done), 4) if done else None,
            "videos_without_sound": [o.video for o in there if not o.counts["sound_s"]],
            "notes_by_video": {o.video: list(o.notes) for o in there if o.notes},
            "failed": {o.video: o.message for o in self.failed},
            "notes": list(self.notes),
        }


def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    told: Told | None = None,
    jobs: int = 1,
    videos: tuple[str, ...] = (),
    fill_silence: bool = False,
    clip_files: bool = False,
) -> Summary:
    """Prepare all videos of a data set in Ego4D's layout, or some of them.

    Args:
        source: holds `full_scale.gaze/<uid>.mp4` or the original's `clips.gaze`, `gaze/<uid>.csv`
            or the original's `gaze_frame_label`, and `missing_audio/<uid>.wav` of videos without
            sound of their own. Lists that lie there go before the released ones.
        out: folder to make, as of `store`; pixels stay in the source.
        weights: none are needed.
        device: none is used.
        told: hears of every video.
        jobs: videos worked on at the same time, a process each.
        videos: uids; all by default.
        fill_silence: take videos without sound, or whose sound ends too early.
        clip_files: also write every listed clip as a file of its own, as the original has it.

    Raises:
        DataError: no video, one that is not there, or a damaged list.
        UsageError: numbers that cannot be.
        OutputError: the folder cannot be written.
    """
    del weights, device
    source = Path(source)
    found = chosen(find_ego4d(source), videos, source)
    settings = Settings(fill_silence)
    return prepare_all(
        found, find_lists(source, "ego4d"), Path(out), settings, jobs, told, clip_files
    )


def chosen(found: Sequence[Raw], videos: Sequence[str], source: Path) -> list[Raw]:
    """Some of the videos that are there, or all; DataError for one that is not."""
    names = {raw.video for raw in found}
    if lacking := [name for name in videos if name not in names]:
        raise DataError(f"{source} has no video {', '.join(lacking)}")
    return [raw for raw in found if not videos or raw.video in videos]


def prepare_all(
    found: Sequence[Raw], lists: Lists, out: Path, settings: Settings, jobs: int,
    told: Told | None, clip_files: bool,
) -> Summary:  # fmt: skip
    """Prepare videos, then write lists of the clips that are there, card and report.

    Raises:
        UsageError: no jobs.
        OutputError: the folder cannot be written.
    """
    if jobs < 1:
        raise UsageError(f"{jobs} jobs; 1 or more can be")
    out = made(out)
    outcomes: list[Outcome] = []
    for outcome in _all(found, out, settings, jobs):
        outcomes.append(outcome)
        if told:
            told(f"[{len(outcomes)}/{len(found)}] {outcome.video}: {_words(outcome)}")
    kept, notes = _fitting(out, lists, found[0].dataset)
    for split, those in kept.items():
        _write_list(out, split, those)
    store.write_card(out, found[0].dataset)
    if clip_files:
        _write_clips(out, [clip for those in kept.values() for clip in those], jobs, told)
    summary = Summary(
        tuple(sorted(outcomes, key=lambda o: o.video)),
        {split: len(those) for split, those in kept.items()}, tuple(notes),
    )  # fmt: skip
    report = summary.as_dict() | {"by_video": [asdict(o) for o in summary.outcomes]}
    write_bytes(out / REPORT, (json.dumps(report, indent=2) + "\n").encode())
    return summary


def _all(found: Sequence[Raw], out: Path, settings: Settings, jobs: int) -> Iterator[Outcome]:
    if jobs == 1 or len(found) < 2:
        yield from (attempt(raw, out, settings) for raw in found)
    else:
        work = [(raw, out, settings) for raw in found]
        yield from processes.side_by_side(attempt, work, jobs, one_thread)


def one_thread() -> None:
    """For torch and OpenCV, in each process."""
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _fitting(out: Path, lists: Lists, dataset: str) -> tuple[dict[str, list[Clip]], list[str]]:
    """The clips of each list that are there, and what is left out."""
    there = {name: store.open_video(out, name) for name in store.prepared_videos(out)}
    kept: dict[str, list[Clip]] = {}
    whose = "that lie with the data" if lists.own else "released, made again by rule"
    notes = [f"lists: those {whose}"]
    listed = {clip.video for those in lists.clips.values() for clip in those}
    found = {**lists.clips, OTHER: _others(there, listed, lists, dataset)}
    for split, those in found.items():
        ours = [clip for clip in those if clip.video in there]
        kept[split] = [clip for clip in ours if fits(there[clip.video], clip)]
        if lost := len(ours) - len(kept[split]):
            notes.append(f"{lost} clips of {split} are left out: their videos are too short")
    return {split: those for split, those in kept.items() if those}, notes


def _others(
    there: Mapping[str, store.PreparedVideo], listed: set[str], lists: Lists, dataset: str
) -> list[Clip]:
    """Clips of videos in no list, by the rule and the video's own length."""
    return [
        clip
        for name, video in there.items()
        if name not in listed and video.media[0].start_s is None
        for clip in clips.cut(
            dataset, name, video.media[0].frames.duration_s, lists.untracked.get(name, ())
        )
    ]


def fits(video: store.PreparedVideo, clip: Clip) -> bool:
    """Whether a clip's frames and labels are all there."""
    try:
        video.label_frames(clip, np.array([video.span(clip).frames - 1]))
    except DataError:
        return False
    return True


def _write_list(out: Path, split: str, those: Sequence[Clip]) -> None:
    lines = "".join(f"{clip.line}\n" for clip in those)
    write_bytes(out / store.SPLIT / f"{split}.list", lines.encode())


def _write_clips(out: Path, those: Sequence[Clip], jobs: int, told: Told | None) -> None:
    from eyeline.systems.gaze_anticipation.cutting import cut_video

    by_video: dict[str, list[Clip]] = {}
    for clip in those:
        by_video.setdefault(clip.video, []).append(clip)
    work = [(out, video, parts) for video, parts in by_video.items()]
    done = (
        (cut_video(*each) for each in work)
        if jobs == 1
        else processes.side_by_side(cut_video, work, jobs, one_thread)
    )
    for number, words in enumerate(done, start=1):
        if told:
            told(f"[{number}/{len(work)}] {words}")


def _words(outcome: Outcome) -> str:
    if not outcome.counts:
        return f"{outcome.status}: {outcome.message}"
    odd = "".join(f", {note}" for note in outcome.notes)
    return f"{outcome.status}, {outcome.counts['frames']} frames{odd}"
