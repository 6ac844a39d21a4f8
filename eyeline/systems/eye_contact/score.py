"""Scoring a file of predictions against annotations, without any network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyeline.bounds import Whole
from eyeline.errors import DataError
from eyeline.evaluation import tables
from eyeline.evaluation.report import Report
from eyeline.evaluation.tables import Side
from eyeline.log import Log
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact import predictions as files
from eyeline.systems.eye_contact.annotations import (
    RATE_HZ,
    Annotation,
    frame_labels,
    read_annotation,
)
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet, read_folder
from eyeline.systems.eye_contact.discovery.sources import some
from eyeline.systems.eye_contact.landmarks.inputs import nearest
from eyeline.systems.eye_contact.predictions import TimeSeries
from eyeline.systems.eye_contact.report import Labels, Predicted, score
from eyeline.systems.eye_contact.tracklets import video_name


@dataclass
class _Pairs:
    """Labels and predictions side by side, frame by frame."""

    labels: list[Labels]
    states: list[Ints]
    probability: list[Floats]
    notes: list[str]

    def add(self, labels: Labels, state: Ints, probability: Floats) -> None:
        self.labels.append(labels)
        self.states.append(state)
        self.probability.append(probability)


def run(
    predictions: Path | str,
    truth: Path | str,
    *,
    tier: str | None = None,
    person: Whole | None = None,
    answer: str = files.ANSWER,
    subset: bool = False,
    log: Log | None = None,
) -> Report:
    """Scores of predictions by the published rules.

    Args:
        predictions: a table of tracklet frames as `evaluate` writes it; or, for one video, an ELAN
            file or what `analyze` left, see `predictions.read_series`. Frames outside of segments
            are no contact.
        truth: a folder of annotations in either layout, see `data.read_folder`; or an ELAN file of
            one video, whose frames are then those that the predictions span: from the first to the
            last score, else the analysed video, else from its beginning to the last span of both.
        tier: of an ELAN file of predictions.
        person: of an analysis; by default whose face lies on the annotated one, or its only one.
        answer: name of the answer in an analysis.
        subset: whether a table of frames may leave out whole videos of the folder.
        log: receives notes.

    Returns:
        `report.score`'s report; AUC, average precision and calibration are None without
        probabilities. `notes` lists what was left out.

    Raises:
        DataError: naming file and line: predictions that lack frames, repeat them, or are of
            tracklets that the truth does not have.
    """
    predictions, truth = Path(predictions), Path(truth)
    if not predictions.exists():
        raise DataError(f"no predictions at {predictions}")
    pairs = _Pairs([], [], [], [])
    table = predictions.is_file() and files.is_frame_table(predictions)
    if table and truth.is_dir():
        _match_frames(predictions, truth, subset, pairs)
    elif table:
        _match_frames_of_one(predictions, truth, pairs)
    else:
        series = files.read_series(predictions, tier=tier, answer=answer)
        if truth.is_dir():
            _match_folder(series, predictions, truth, person, pairs)
        else:
            _match_file(series, truth, person, pairs)
    chance = tuple(pairs.probability)
    figures = score(pairs.labels, Predicted(chance, chance, tuple(pairs.states)))
    where = {"predictions": str(predictions), "truth": str(truth)}
    created = Report({**where, **figures, "notes": pairs.notes})
    created.log(log)
    return created


def _match_frames(predictions: Path, truth: Path, subset: bool, pairs: _Pairs) -> None:
    rows = files.read_predictions(predictions)
    folder = read_folder(truth)
    pairs.notes += folder.notes
    videos, named = [], {key[:2] for key in rows.key}
    for video in folder.videos:
        name = video.celebrity, video.video
        if subset and name not in named:
            pairs.notes.append(f"{predictions} has nothing of {'/'.join(name)}: left out")
        else:
            videos.append(video)
    tracklets = [(video, tracklet) for video in videos for tracklet in video.tracklets]
    keys = [
        ((video.celebrity, video.video, tracklet.name), tracklet.start_frame + k)
        for video, tracklet in tracklets
        for k in range(len(tracklet))
    ]
    known = Side(str(truth), keys, lambda row: files.frame_name(*keys[row]))
    hint = "With subset=true whole videos may lack"
    at = tables.join(rows.side(predictions), known, what="frames", hint=hint)
    order = np.argsort(at)
    cuts = np.cumsum([len(tracklet) for _, tracklet in tracklets])[:-1]
    columns = (np.split(values[order], cuts) for values in (rows.state, rows.probability))
    for (video, tracklet), state, probability in zip(tracklets, *columns, strict=True):
        pairs.add(Labels.of(video, tracklet), state, probability)


def _match_frames_of_one(predictions: Path, truth: Path, pairs: _Pairs) -> None:
    """A table of frames of one video against one ELAN file."""
    table = files.read_predictions(predictions).tracklets()
    named = {key[:2] for key in table}
    own = {name for name in named if name[1] == truth.stem} or named
    if len(own) > 1:
        raise DataError(
            f"{predictions} is about {len(own)} videos, none of them called {truth.stem}; "
            "give the folder of annotations"
        )
    annotation = read_annotation(truth)
    pairs.notes += annotation.notes
    for key, rows in table.items():
        if key[:2] in own:
            label, _, uncertain = frame_labels(annotation.rows, rows.frame)
            name = "_".join(key[:2])
            pairs.add(Labels(name, 0, label, uncertain), rows.state, rows.probability)
    pairs.notes += [f"{predictions}: {'/'.join(n)} left out" for n in sorted(named - own)]


def _match_folder(
    series: TimeSeries, predictions: Path, truth: Path, person: int | None, pairs: _Pairs
) -> None:
    """Predictions of one video against the annotated video of its name."""
    folder = read_folder(truth)
    video = _video_called(predictions, folder.videos, truth)
    pairs.notes.append(f"{predictions} is scored on {video.name} alone")
    for tracklet in video.tracklets:
        frames = tracklet.start_frame + np.arange(len(tracklet))
        who = _person(series, person, video, tracklet)
        if who is not None:
            states, probability = series.at(frames, who)
        else:
            place = f"tracklet {tracklet.name} of {video.name}"
            pairs.notes.append(f"{place}: nobody was seen there; counted as no contact")
            states, probability = np.zeros(len(frames), np.int64), np.full(len(frames), np.nan)
        pairs.add(Labels.of(video, tracklet), states, probability)
    _note_unscored(series, pairs)


def _match_file(series: TimeSeries, truth: Path, person: int | None, pairs: _Pairs) -> None:
    annotation = read_annotation(truth, end_s=series.end_s)
    pairs.notes += annotation.notes
    who = _person(series, person, None, None)
    assert who is not None, "without boxes somebody is chosen or an error is raised"
    frames = _span(series, who, annotation)
    label, _, uncertain = frame_labels(annotation.rows, frames)
    pairs.add(Labels(truth.stem, 0, label, uncertain), *series.at(frames, who))
    _note_unscored(series, pairs)


def _span(series: TimeSeries, person: int, annotation: Annotation) -> Ints:
    """The video frames that are scored against a single file."""
    if person in series.scores and len(series.scores[person][0]):
        time_s = series.scores[person][0] * RATE_HZ
        return np.arange(int(np.ceil(time_s[0] - 1e-6)), int(np.floor(time_s[-1] + 1e-6)) + 1)
    if series.end_s is not None:
        return np.arange(int(np.ceil(series.end_s * RATE_HZ - 1e-6)))
    ends = [int(last) + 1 for _, last in series.spans[person].tolist()]
    ends += [int(np.floor(row.end_s * RATE_HZ)) + 1 for row in annotation.rows]
    if not ends:
        raise DataError(f"{series.source}: neither predictions nor truth hold a span")
    return np.arange(max(ends))


def _video_called(path: Path, videos: Sequence[AnnotatedVideo], truth: Path) -> AnnotatedVideo:
    """The annotated video that a file, or the folder it lies in, is called after."""
    names = [path.stem if path.is_file() else path.name, path.resolve().parent.name]
    for name in map(video_name, names):
        for video in videos:
            if name in (video.name, video.video):
                return video
    raise DataError(
        f"{path} is called after none of the {len(videos)} videos in {truth}: "
        f"{some([v.name for v in videos])}. Name it so, or give the ELAN file of its video"
    )


def _person(
    series: TimeSeries, person: int | None, video: AnnotatedVideo | None, tracklet: Tracklet | None
) -> int | None:
    """Whose predictions to take; None where nobody was seen on a tracklet's face."""
    known = series.persons
    if person is not None:
        if person not in known:
            raise DataError(f"{series.source}: no person {person}; it has: {some(known)}")
        return person
    if video is not None and tracklet is not None and series.faces is not None:
        return _who_is_there(series, video, tracklet)
    if len(known) == 1:
        return known[0]
    raise DataError(f"{series.source} has the persons {some(known)}; name one with --person")


def _who_is_there(series: TimeSeries, video: AnnotatedVideo, tracklet: Tracklet) -> int | None:
    """The person whose head box holds the centre of the annotated face in the most frames."""
    faces = series.faces
    assert faces is not None
    scale = np.array([video.width_px, video.height_px]) if faces.sized else np.ones(2)
    centre = (tracklet.box_px[:, :2] + tracklet.box_px[:, 2:]) / 2 / scale
    inside: dict[int, int] = {}
    for person in np.unique(faces.person).tolist():
        rows = np.flatnonzero(faces.person == person)
        near = nearest(faces.time_s[rows], tracklet.time_s)
        there = np.abs(faces.time_s[rows][near] - tracklet.time_s) <= 1 / RATE_HZ
        box = faces.box_norm[rows][near]
        within = there & (centre >= box[:, :2]).all(axis=1) & (centre <= box[:, 2:]).all(axis=1)
        inside[person] = int(within.sum())
    best = max(inside, key=inside.__getitem__, default=None)
    return best if best is not None and inside[best] else None


def _note_unscored(series: TimeSeries, pairs: _Pairs) -> None:
    missing = int(sum(np.isnan(p).sum() for p in pairs.probability))
    if series.scores and missing:
        pairs.notes.append(f"{missing} frames have no score: left out of AUC and average precision")
