"""Preparing Ego4D's gaze videos: an index of frames, labels and audio over the original videos.

No clip is cut out unless wanted: a clip is a window of the whole video. A damaged video
costs itself; a run that was stopped goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eyeline import pool, processes
from eyeline.bounds import FractionWithin, Jobs, Whole
from eyeline.datasets import listed
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Outcome, Summary, prepare_all, total
from eyeline.errors import DataError
from eyeline.files import made, replacing, write_bytes
from eyeline.log import Log
from eyeline.systems.gaze_anticipation.recordings import clips, cutting, store
from eyeline.systems.gaze_anticipation.recordings.clips import Clip
from eyeline.systems.gaze_anticipation.recordings.preparing import Settings, attempt
from eyeline.systems.gaze_anticipation.recordings.raw import Raw, find_ego4d, passed_over
from eyeline.systems.gaze_anticipation.recordings.splits import (
    GROUP,
    OTHER,
    Lists,
    Wanted,
    draw_lists,
    read_lists,
    video_of,
)


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    jobs: Jobs = 1,
    videos: tuple[str, ...] = (),
    fill_silence: bool = False,
    clip_files: bool = False,
    original_layout: bool = False,
    lists: Path | str | None = None,
    test_fraction: FractionWithin | None = None,
    seed: Whole = 0,
    group: str = GROUP,
) -> Summary:
    """Prepare all videos of a data set in Ego4D's layout, or some of them.

    Args:
        source: holds `full_scale.gaze/<uid>.mp4` or the original's `clips.gaze`, `gaze/<uid>.csv`
            or the original's `gaze_frame_label`, and `missing_audio/<uid>.wav` of videos without
            audio of their own. Own recordings may be named as one likes.
        out: folder to create, as of `store`; pixels stay in the source.
        weights: none are needed.
        device: none is used.
        log: receives every video.
        jobs: videos worked on at the same time, a process each.
        videos: uids; all by default.
        fill_silence: take videos without audio, or whose audio ends too early.
        clip_files: also write every listed clip as a file of its own, as the original has it.
        original_layout: write all that the original's code reads: clips, `gaze_frame_label`,
            `clips.audio_24kHz`, `clips.audio_24kHz_stft` and the lists.
        lists: folder of the lists, as of `splits.read_lists`; by default they lie in the source or
            its `data`. Where there are none, videos are drawn.
        test_fraction: of the videos, drawn to measure on even where lists lie; 0.2 without lists.
        seed: of the draw.
        group: a regular expression; videos in whose names it finds the same are not torn apart.
    """
    del weights, device
    source, out = Path(source), Path(out)
    wanted = Wanted(Path(lists) if lists else None, test_fraction, seed, group)
    every = find_ego4d(source)
    result = [raw for raw in every if raw.video not in clips.SKIPPED]
    split = read_lists(source, "ego4d", wanted) or draw_lists(
        source, "ego4d", known(result, out), wanted
    )
    if skipped := sorted({raw.video for raw in every} & clips.SKIPPED):
        note = f"left out, as by the published code: {', '.join(skipped)}"
        split = replace(split, notes=(*split.notes, note))
    if others := passed_over(source):
        note = f"passed over, not taken for videos: {', '.join(others)}"
        split = replace(split, notes=(*split.notes, note))
    options = Options(jobs, log, videos, fill_silence, clip_files, original_layout)
    return prepare_videos(source, result, split, out, options)


def known(raws: Iterable[Raw], out: Path) -> set[str]:
    """Names of all videos that are there or were prepared before, so that a draw is the same."""
    return {raw.video for raw in raws} | {*store.prepared_videos(out)}


@dataclass(frozen=True)
class Options:
    """What both data sets are prepared by; see `run`."""

    jobs: int = 1
    log: Log | None = None
    videos: tuple[str, ...] = ()
    fill_silence: bool = False
    clip_files: bool = False
    original_layout: bool = False


def prepare_videos(
    source: Path, raws: Sequence[Raw], lists: Lists, out: Path, options: Options
) -> Summary:
    """Prepare videos, then write lists of the clips that are there, card and report."""
    names, jobs = {raw.video for raw in raws}, options.jobs
    if lacking := [name for name in options.videos if name not in names]:
        raise DataError(f"{source} has no video {', '.join(lacking)} to prepare")
    if not raws:
        raise DataError(f"{source} has no video to prepare but those that are always left out")
    out, log = made(out), options.log or (lambda line: None)
    for note in lists.notes:
        log(note)
    chosen = [raw for raw in raws if not options.videos or raw.video in options.videos]
    work = [(raw, out, Settings(options.fill_silence)) for raw in chosen]
    outcomes = prepare_all(attempt, work, log, jobs=jobs, begin=one_thread)
    kept, notes, missing = _fitting(out, lists, raws[0].dataset)
    _write_lists(out, kept)
    listed.write(out, missing)
    for note in missing.values():
        log(note)
    store.write_card(out, raws[0].dataset)
    if options.clip_files or options.original_layout:
        failed = _write_clips(out, kept, options.original_layout, jobs, log)
        each = {o.name: o for o in outcomes} | failed
        outcomes = tuple(each[name] for name in sorted(each))
    if options.original_layout:
        _write_original_lists(out, kept, raws[0].dataset)
    counts = {split: len(those) for split, those in kept.items()}
    summary = Summary("videos", outcomes, notes, _details(outcomes, counts))
    summary.write(out, {"by_video": [o.row("video") for o in outcomes]})
    return summary


def _details(outcomes: Sequence[Outcome], clips_by_list: Mapping[str, int]) -> dict[str, Any]:
    there = [o for o in outcomes if o.counts]
    done = [o.seconds / o.counts["seconds"] for o in there if o.status == "done"]
    totals = ("frames", "seconds", "sound_s", "size_bytes")
    return {
        "clips": clips_by_list,
        **{name: round(sum(o.counts[name] for o in there), 3) for name in totals},
        "gaze": total(o.counts["gaze"] for o in there),
        "seconds_a_clip": round(clips.CLIP_S * sum(done) / len(done), 4) if done else None,
        "videos_without_sound": [o.name for o in there if not o.counts["sound_s"]],
        "notes_by_video": {o.name: list(o.notes) for o in there if o.notes},
    }


def one_thread() -> None:
    """For torch and OpenCV, in each process."""
    import torch

    torch.set_num_threads(1)
    processes.one_thread()


def _fitting(
    out: Path, lists: Lists, dataset: str
) -> tuple[dict[str, list[Clip]], list[str], dict[str, str]]:
    """The clips of each list that are there, notes, and what lists lack."""
    there = {name: store.open_video(out, name) for name in store.prepared_videos(out)}
    kept: dict[str, list[Clip]] = {}
    missing: dict[str, str] = {}
    notes = [*lists.notes]
    if there and not lists.videos & {*there}:
        notes.append(f"none of the {len(lists.videos)} videos of the lists is here")
    rest = sorted({*there} - lists.videos)
    for split, entries in {**lists.parts, OTHER: rest}.items():
        ours = [*_clips(entries, there, lists, dataset)]
        kept[split] = [clip for clip in ours if fits(there[clip.video], clip)]
        if lost := len(ours) - len(kept[split]):
            notes.append(f"{lost} clips of {split} are left out: their videos are too short")
        if lacks := listed.lacking("videos", {video_of(entry) for entry in entries}, there):
            missing[split] = f"{lacks}; {split} has {_of_listed(kept[split], entries)}"
    if bare := sorted({*there} - {clip.video for those in kept.values() for clip in those}):
        notes.append(f"no clip fits into {', '.join(bare)}, or is listed of it")
    return {n: those for n, those in kept.items() if those}, [*notes, *missing.values()], missing


def _of_listed(kept: Sequence[Clip], entries: Sequence[Clip | str]) -> str:
    """How many clips of how many; of a video that is listed whole it is not known how many."""
    whole = all(isinstance(entry, Clip) for entry in entries)
    return f"{len(kept)} of {len(entries)} clips" if whole else f"{len(kept)} clips"


def _clips(
    entries: Sequence[Clip | str],
    there: Mapping[str, store.PreparedVideo],
    lists: Lists,
    dataset: str,
) -> Iterator[Clip]:
    """Of videos that are there: those listed, and by the rule those of videos listed whole."""
    for entry in entries:
        if isinstance(entry, Clip):
            yield from [entry] if entry.video in there else []
        elif entry in there:
            yield from _cut(there[entry], lists, dataset)


def _cut(video: store.PreparedVideo, lists: Lists, dataset: str) -> list[Clip]:
    """The clips of a video by the rule, or those that it was found as."""
    if video.media[0].start_s is not None:
        return [Clip(video.video, media.start_s or 0, dataset) for media in video.media]
    gaps = [(int(first), int(last)) for first, last in video.card.get("gaps", [])]
    untracked = gaps if lists.untracked is None else lists.untracked.get(video.video, ())
    return clips.cut(dataset, video.video, video.media[0].frames.duration_s, untracked)


def fits(video: store.PreparedVideo, clip: Clip) -> bool:
    """Whether a clip's frames and labels are all there."""
    try:
        video.label_frames(clip, np.array([video.span(clip).frames - 1]))
    except DataError:
        return False
    return True


def _write_lists(out: Path, kept: Mapping[str, Sequence[Clip]]) -> None:
    """Write lists, and take away those of an earlier run that nothing is on any more."""
    for split in {*clips.SPLITS, OTHER} - {*kept}:
        (out / store.SPLIT / f"{split}.list").unlink(missing_ok=True)
    for split, those in kept.items():
        lines = "".join(f"{clip.line}\n" for clip in those)
        write_bytes(out / store.SPLIT / f"{split}.list", lines.encode())


def _write_clips(
    out: Path, kept: Mapping[str, Sequence[Clip]], layout: bool, jobs: int, log: Log
) -> dict[str, Outcome]:
    """Write the files of all videos; outcomes of those that fail, by name."""
    by_video: dict[str, list[Clip]] = {name: [] for name in store.prepared_videos(out) if layout}
    for clip in (clip for those in kept.values() for clip in those):
        by_video.setdefault(clip.video, []).append(clip)
    work = [(out, video, parts, layout) for video, parts in by_video.items()]
    failed: dict[str, Outcome] = {}
    done = pool.parallel_map(cutting.write_clips, work, jobs, one_thread)
    for number, written in enumerate(done, start=1):
        if written.failed:
            failed[written.video] = Outcome(written.video, "failed", f"clips: {written.words}")
        what = f"{'failed: ' if written.failed else ''}{written.words}"
        log(f"[{number}/{len(work)}] {written.video}: {what}")
    return failed


def _write_original_lists(out: Path, kept: Mapping[str, Sequence[Clip]], dataset: str) -> None:
    """Under the names of the released ones, and the spectrograms under a second name."""
    for split in {*clips.SPLITS} & {*kept}:
        write_bytes(out / f"{split}_{dataset}_gaze.csv", clips.as_released(kept[split]))
    second = out / cutting.LOADED.get(dataset, cutting.SPECTROGRAMS)
    if not (second.exists() or second.is_symlink()):
        with replacing(second) as path:
            path.symlink_to(cutting.SPECTROGRAMS, target_is_directory=True)
