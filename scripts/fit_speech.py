"""Fit what lips are worth as evidence of who speaks.

    python scripts/fit_speech.py CLIPS LABELS.csv --keep FOLDER [-o FOLDER]

CLIPS is a folder of videos. LABELS.csv has a row for each labelled span: clip (the file's stem),
start_s, end_s, person (or off_screen) and the middle of the person's face in pixels, empty where a
clip shows one face only. Clips without a label lend faces that say nothing of what is heard.

Every face with its own audio in its own spans is a speaker. The other faces in these spans, and
every face under the audio of other clips, are not: these talk, laugh and chew to something else.
Each clip is scored with weights that were fitted on all others, alone and side by side with another
clip's faces (a split screen), and under another clip's audio (nobody visible speaks).
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eyeline.people.tracks import Track
from eyeline.results import UNSEEN, Floats
from eyeline.speech.agreement import (
    WEIGHTS,
    Worth,
    common_lag,
    features,
    names,
    nearby_trust,
    resting,
)
from eyeline.speech.lips import Lips
from eyeline.speech.mouths import TICK_S, by_person, read_mouth, tick_count
from eyeline.speech.turns import Evidence, Turns, named, take_turns
from eyeline.speech.voice import Speech

SCALES = (0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0)
"""Nats a second for each nat of a single tick: neighbouring ticks say the same."""
THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
ALIKE = 1.05
"""Of scales whose probabilities are about as good as the best, the one with the surest is taken."""
FOREIGN = 4
"""Foreign audios under which each clip's faces are shown."""

_NO_TRUST = 0.1


@dataclass(frozen=True)
class Clip:
    """A video as far as speech is concerned."""

    name: str
    tracks: tuple[Track, ...]
    lips: tuple[Lips, ...]
    speech: Speech | None
    spans: tuple[tuple[float, float, int], ...]
    """Start, end and person; UNSEEN for off screen."""


@dataclass(frozen=True)
class Rows:
    """Features of one face, or of several, under one audio."""

    clip: str
    audio: str
    person: int
    tick: Floats
    value: Floats
    trust: Floats
    speaks: Floats
    """1, 0, or NaN where no label says."""


def main() -> None:
    """Read, fit, score, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--keep", type=Path, required=True, help="what was measured is kept here")
    parser.add_argument("-o", "--out", type=Path, default=WEIGHTS.parent)
    chosen = parser.parse_args()
    clips = [measured(path, chosen.keep) for path in sorted(chosen.clips.glob("*.mp4"))]
    clips = [with_labels(clip, chosen.labels) for clip in clips]
    fitted = {}
    for kind, pixels in (("pixels", True), ("landmarks", False)):
        shown = clips if pixels else [without_pixels(clip) for clip in clips]
        fitted[kind] = fit_kind(shown, pixels)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "agreement.json").write_text(json.dumps(fitted, indent=1) + "\n")


def fit_kind(clips: Sequence[Clip], pixels: bool) -> dict[str, object]:
    """Fit with, or without, what is read off pixels; print the scores."""
    rows = [r for clip in clips for r in rows_of(clip, clips)]
    scenes = [s for clip in clips if clip.spans for s in scenes_of(clip, clips)]
    labelled = [clip.name for clip in clips if clip.spans]
    worths = {name: fit([r for r in rows if name not in (r.clip, r.audio)]) for name in labelled}
    by_scale = {
        scale: [(s, turns_of(s, scaled(worths[s.left_out], scale))) for s in scenes]
        for scale in SCALES
    }
    losses = {scale: surprise(turned) for scale, turned in by_scale.items()}
    print("surprise in nats a tick:", {k: round(v, 4) for k, v in losses.items()})
    scale = max(k for k, loss in losses.items() if loss <= ALIKE * min(losses.values()))
    best = (-np.inf, 0.0, 0.0)
    for threshold, unseen in itertools.product(THRESHOLDS, THRESHOLDS):
        total = pooled(seconds(s, t, threshold, unseen) for s, t in by_scale[scale])
        best = max(best, (score(total), threshold, unseen))
    _, threshold, unseen = best
    kind = "with" if pixels else "without"
    print(f"{kind} pixels: scale {scale}, thresholds {threshold} and {unseen} (nobody visible)")
    report(scenes, {n: scaled(w, scale) for n, w in worths.items()}, threshold, unseen)
    final = scaled(fit(rows), scale)
    for name, mean, weight in zip(names(pixels), final.mean, final.weight, strict=True):
        print(f"  {name:40s} mean {mean:7.3f} weight {weight:7.3f}")
    return {
        "features": names(pixels), "mean": final.mean.round(5).tolist(),
        "weight": final.weight.round(5).tolist(), "bias": round(final.bias, 5),
        "scale": scale, "threshold": threshold, "unseen_threshold": unseen, "clips": labelled,
    }  # fmt: skip


def rows_of(clip: Clip, clips: Sequence[Clip]) -> list[Rows]:
    """The clip's faces under its own audio, and under that of others."""
    rows = []
    if clip.spans:
        rows += faces_under(clip, clip)
    others = [c for c in clips if c.speech is not None and c.spans and c.name != clip.name]
    start = sum(map(ord, clip.name)) % max(len(others), 1)
    for other in (others[start:] + others[:start])[:FOREIGN]:
        rows += faces_under(clip, other)
    return rows


def faces_under(clip: Clip, heard: Clip) -> list[Rows]:
    """Features of all faces of a clip under an audio, in its voiced ticks."""
    assert heard.speech is not None
    mouths = [read_mouth(t, lips) for t, lips in zip(clip.tracks, clip.lips, strict=True)]
    lag_s = common_lag(heard.speech, mouths)
    out = []
    for track, mouth in zip(clip.tracks, mouths, strict=True):
        rest = resting(
            [m for m, t in zip(mouths, clip.tracks, strict=True) if t.person == track.person]
        )
        if not len(mouth.motion):
            continue
        trust = nearby_trust(mouth) * mouth.trust
        speaks = np.full(len(mouth.motion), np.nan)
        if clip.name == heard.name:
            for start, end, person in clip.spans:
                inside = (mouth.time_s >= start) & (mouth.time_s < end)
                speaks[inside] = float(person == track.person)
        else:
            speaks[:] = 0.0
        use = (trust > _NO_TRUST) & (heard.speech.voice_at(mouth.time_s) > 0.5)
        speaks[~use] = np.nan
        value = features(heard.speech, mouth, lag_s, rest)
        keep = np.isfinite(speaks)
        out.append(
            Rows(
                clip.name,
                heard.name,
                track.person,
                mouth.time_s[keep],
                value[keep],
                trust[keep],
                speaks[keep],
            )
        )
    return [r for r in out if len(r.value)]


def fit(rows: Sequence[Rows]) -> Worth:
    """A logistic model in which every clip counts alike, speakers as much as the others."""
    from sklearn.linear_model import LogisticRegression

    value = np.concatenate([r.value for r in rows])
    speaks = np.concatenate([r.speaks for r in rows])
    clip = np.concatenate([np.full(len(r.value), r.clip) for r in rows])
    weight = np.concatenate([r.trust for r in rows])
    for label in (0.0, 1.0):
        for name in np.unique(clip):
            mine = (clip == name) & (speaks == label)
            weight[mine] /= max(np.sqrt(weight[mine].sum()), 1e-9)
        weight[speaks == label] *= 1000 / weight[speaks == label].sum()
    mean, spread = value.mean(axis=0), value.std(axis=0) + 1e-6
    model = LogisticRegression(C=0.1, max_iter=1000)
    model.fit((value - mean) / spread, speaks, weight)
    return Worth(mean, model.coef_[0] / spread, float(model.intercept_[0]))


def surprise(turned: Sequence[tuple[Scene, Turns]]) -> float:
    """Mean negative logarithm of the probabilities that were given to what is true."""
    pairs = [pair for scene, turns in turned for pair in reliability(scene, turns)]
    said, true = (np.concatenate(columns) for columns in zip(*pairs, strict=True))
    given = np.clip(np.where(true > 0.5, said, 1 - said), 1e-4, 1)
    return float(-np.log(given).mean())


def score(total: dict[str, float]) -> float:
    """Seconds that are right less those that mislead; "not sure who" counts nothing."""
    wrong = total["wrong"] + total["unseen wrong"] + total["others too"] + total["called unseen"]
    return total["right"] + total["unseen right"] / 2 - wrong


def scaled(worth: Worth, scale: float) -> Worth:
    """The same, in nats a second."""
    return Worth(worth.mean, worth.weight * scale, worth.bias * scale)


@dataclass(frozen=True)
class Scene:
    """Faces under an audio, measured as far as the worth of features does not matter."""

    left_out: str
    """The clip that must not have been fitted on."""
    kind: str
    evidence: Evidence
    """With rates that are still 0."""
    mouths: tuple[tuple[slice, int, Floats, Floats], ...]
    """Ticks, column, trust and features of each mouth."""
    speech: Speech
    truth: tuple[tuple[float, float, int], ...]


def scenes_of(clip: Clip, clips: Sequence[Clip]) -> list[Scene]:
    """A clip alone, beside another clip's faces, and under another clip's audio."""
    assert clip.speech is not None
    others = [c for c in clips if c.name != clip.name and c.tracks]
    start = (7 * sum(map(ord, clip.name))) % len(others)
    turned = others[start:] + others[:start]
    moved = [replace(t, person=t.person + 100) for t in turned[0].tracks]
    tracks, lips = (*clip.tracks, *moved), (*clip.lips, *turned[0].lips)
    foreign = next(c for c in turned[1:] if c.spans and c.speech is not None)
    assert foreign.speech is not None
    nobody = tuple((a, b, UNSEEN) for a, b, _ in foreign.spans)
    return [
        scene(clip.name, "alone", clip.tracks, clip.lips, clip.speech, clip.spans),
        scene(clip.name, "split screen", tracks, lips, clip.speech, clip.spans),
        scene(clip.name, "foreign audio", clip.tracks, clip.lips, foreign.speech, nobody),
    ]


def scene(
    name: str,
    kind: str,
    tracks: Sequence[Track],
    lips: Sequence[Lips],
    speech: Speech,
    truth: tuple[tuple[float, float, int], ...],
) -> Scene:
    """Measure a scene."""
    persons, owner = by_person(tracks)
    ticks = max(tick_count(speech.duration_s), *(tick_count(float(t.end_s[-1])) for t in tracks), 0)
    evidence = Evidence.empty(persons, ticks)
    mouths = [read_mouth(t, one) for t, one in zip(tracks, lips, strict=True)]
    lag_s = common_lag(speech, mouths)
    rows = []
    for mouth, column in zip(mouths, owner, strict=True):
        rest = resting([m for m, k in zip(mouths, owner, strict=True) if k == column])
        trust = nearby_trust(mouth)
        evidence.visible[mouth.ticks, column] = True
        evidence.known[mouth.ticks, column] = trust > _NO_TRUST
        if len(mouth.motion):
            value = features(speech, mouth, lag_s, rest)
            rows.append((mouth.ticks, column, trust * mouth.trust, value))
    return Scene(name, kind, evidence, tuple(rows), speech, truth)


def turns_of(scene: Scene, worth: Worth) -> Turns:
    """Probabilities of a scene."""
    evidence = replace(scene.evidence, rate=np.zeros(scene.evidence.rate.shape))
    for ticks, column, trust, value in scene.mouths:
        evidence.rate[ticks, column] = worth.rate(value) * trust
    return take_turns(evidence, scene.speech)


def seconds(scene: Scene, turns: Turns, threshold: float, unseen: float) -> dict[str, float]:
    """Seconds of labelled speech: right, wrong, unattributed; of nobody visible: right, wrong."""
    total: dict[str, float] = defaultdict(float)
    labels = named(turns, threshold, unseen)
    persons = turns.persons.tolist()
    time_s = (np.arange(len(labels.person)) + 0.5) * TICK_S
    for start, end, person in scene.truth:
        inside = (time_s >= start) & (time_s < end) & labels.voiced
        speaking = labels.person[inside]
        others = np.array([p != person for p in persons], bool)
        if person == UNSEEN or person not in persons:
            some = speaking.any(axis=1)
            total["unseen wrong"] += TICK_S * some.sum()
            total["unseen right"] += TICK_S * (~some & labels.unseen[inside]).sum()
            total["unseen unsure"] += TICK_S * (~some & ~labels.unseen[inside]).sum()
            continue
        own = speaking[:, persons.index(person)]
        false = speaking[:, others].any(axis=1)
        total["right"] += TICK_S * own.sum()
        total["others too"] += TICK_S * (own & false).sum()
        total["wrong"] += TICK_S * (~own & false).sum()
        total["called unseen"] += TICK_S * (~own & ~false & labels.unseen[inside]).sum()
        total["unsure"] += TICK_S * (~own & ~false & ~labels.unseen[inside]).sum()
    return total


def pooled(totals: Iterable[dict[str, float]]) -> dict[str, float]:
    """The sum."""
    out: dict[str, float] = defaultdict(float)
    for total in totals:
        for key, value in total.items():
            out[key] += value
    return out


def words(total: dict[str, float]) -> str:
    """Seconds in a line."""
    return ", ".join(f"{key} {value:.1f}" for key, value in total.items())


def report(
    scenes: Sequence[Scene], worths: dict[str, Worth], threshold: float, unseen: float
) -> None:
    """Print the seconds of each clip, and how far the probabilities can be believed."""
    by_kind: dict[str, list[dict[str, float]]] = defaultdict(list)
    said: list[Floats] = []
    true: list[Floats] = []
    for scene in scenes:
        turns = turns_of(scene, worths[scene.left_out])
        total = seconds(scene, turns, threshold, unseen)
        by_kind[scene.kind].append(total)
        print(f"  {scene.left_out:16s} {scene.kind:14s} {words(total)}")
        for probability, truth in reliability(scene, turns):
            said.append(probability)
            true.append(truth)
    for kind, totals in by_kind.items():
        print(f"  all, {kind}: {words(pooled(totals))}")
    value, truth = np.concatenate(said), np.concatenate(true)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        mine = (value >= low) & (value < low + 0.2 + 1e-9)
        if mine.any():
            means = value[mine].mean(), truth[mine].mean()
            print("  said {:.2f}: true {:.2f} ({} ticks)".format(*means, mine.sum()))


def reliability(scene: Scene, turns: Turns) -> Iterable[tuple[Floats, Floats]]:
    """Probabilities and truth of each person in the labelled voiced ticks."""
    evidence = scene.evidence
    time_s = (np.arange(len(evidence.visible)) + 0.5) * TICK_S
    for start, end, person in scene.truth:
        inside = (time_s >= start) & (time_s < end)
        for k, own in enumerate(evidence.persons.tolist()):
            value = turns.speaking[inside, k]
            use = evidence.visible[inside, k] & np.isfinite(value)
            yield value[use], np.full(use.sum(), float(own == person))


def with_labels(clip: Clip, labels: Path) -> Clip:
    """The clip with the spans of its labels; a person is the track nearest to the given place."""
    spans = []
    with labels.open(newline="") as handle:
        for row in csv.DictReader(handle):
            if row["clip"] == clip.name:
                start, end = float(row["start_s"]), float(row["end_s"])
                spans.append((start, end, person_at(clip, row, (start + end) / 2)))
    return replace(clip, spans=tuple(spans) if clip.speech is not None else ())


def person_at(clip: Clip, row: dict[str, str], time_s: float) -> int:
    """Whose face lies at the place that a label names."""
    if row["person"] == "off_screen":
        return UNSEEN
    there = [t for t in clip.tracks if t.time_s[0] <= time_s < t.end_s[-1]] or list(clip.tracks)
    if not row["center_x"]:
        return max(there, key=len).person
    place = np.array([float(row["center_x"]), float(row["center_y"])])

    def away(track: Track) -> float:
        box = track.box_xyxy[np.abs(track.time_s - time_s).argmin()]
        return float(np.linalg.norm((box[:2] + box[2:]) / 2 - place))

    return min(there, key=away).person


def without_pixels(clip: Clip) -> Clip:
    """The clip as if only landmarks had been read."""
    nothing = [np.full(len(one.time_s), np.nan) for one in clip.lips]
    lips = [
        replace(one, stir_mm_s=n, dark=n, covered=n)
        for one, n in zip(clip.lips, nothing, strict=True)
    ]
    return replace(clip, lips=tuple(lips))


def measured(path: Path, keep: Path) -> Clip:
    """Faces, lips and audio of a video, measured once and kept."""
    stored = keep / f"{path.stem}.npz"
    if not stored.exists():
        keep.mkdir(parents=True, exist_ok=True)
        np.savez(stored, **measure(path))  # type: ignore[arg-type]
    with np.load(stored, allow_pickle=False) as arrays:
        return unpacked(path.stem, dict(arrays))


def measure(path: Path) -> dict[str, Floats]:
    """All arrays of a clip."""
    from eyeline.analysis import _listen, _shots, limit_threads
    from eyeline.people.find import find_people
    from eyeline.settings import Settings
    from eyeline.speech.lips import read_lips
    from eyeline.video.gaps import Shortened
    from eyeline.video.reader import VideoReader

    limit_threads()
    reader = VideoReader(path)
    result = find_people(_shots(reader), Settings().camera(reader.info))
    speech = _listen(path, reader.info, Shortened()).speech
    everywhere = np.array([[0.0, reader.info.duration_s]])
    return packed(result.tracks, read_lips(result.tracks, VideoReader(path), everywhere), speech)


def packed(
    tracks: Sequence[Track], lips: Sequence[Lips], speech: Speech | None
) -> dict[str, Floats]:
    """Tracks, lips and audio as named arrays."""
    arrays: dict[str, Floats] = {"count": np.array(len(tracks))}
    for i, (track, one) in enumerate(zip(tracks, lips, strict=True)):
        arrays |= {f"track {i} {k}": np.asarray(v) for k, v in vars(track).items() if v is not None}
        arrays |= {f"lips {i} {k}": v for k, v in vars(one).items()}
    if speech is not None:
        arrays |= {f"speech {k}": v for k, v in vars(speech).items()}
    return arrays


def unpacked(name: str, arrays: dict[str, Floats]) -> Clip:
    """The inverse of `packed`, without labels."""

    def part(prefix: str) -> dict[str, Floats]:
        return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}

    def plain(values: dict[str, Floats]) -> dict[str, object]:
        return {k: v if v.ndim else v.item() for k, v in values.items()}

    count = int(arrays["count"])
    tracks = [Track(**plain(part(f"track {i} "))) for i in range(count)]  # type: ignore[arg-type]
    lips = [Lips(**part(f"lips {i} ")) for i in range(count)]
    speech = Speech(**part("speech ")) if part("speech ") else None
    return Clip(name, tuple(tracks), tuple(lips), speech, ())


if __name__ == "__main__":
    main()
