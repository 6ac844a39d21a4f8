"""What the matcher learns from: annotated looks with the candidates, speakers and directions.

A data folder has annotations in one of the formats of `datasets`, and besides
- `candidates.csv` (`frame_name,gaze_bbox,gaze_score`) or the published `x101_1x_test.txt`;
- optionally `speakers.csv` (`video,frame,head`) for VideoGazeSpeech;
- optionally `directions.csv` (`frame_name,person,x,y,z`), unit vectors in the camera frame;
- `sizes.csv` (`video,width,height`) where images are not at hand;
- lists of videos such as `train.txt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following import formats, measures, predictions, score
from eyeline.systems.gaze_following.datasets import texts, vgs
from eyeline.systems.gaze_following.datasets.annotations import GazeAnnotations
from eyeline.systems.gaze_following.matching import inputs
from eyeline.systems.gaze_following.matching.inputs import Moment, Options
from eyeline.systems.gaze_following.matching.labels import right_answers
from eyeline.systems.gaze_following.measures import Maps, Measures
from eyeline.systems.gaze_following.predictions import Predictions

if TYPE_CHECKING:
    from torch import Tensor

TRUTH = "GT_label_all_videoFormat.txt"
"""Annotations of VideoGazeSpeech in a data folder."""
FILES = ("candidates.csv", "x101_1x_test.txt")
SPEAKERS, DIRECTIONS, SIZES = "speakers.csv", "directions.csv", "sizes.csv"

Candidates = Mapping[str, tuple[Floats, Floats]]
"""By image, boxes `(n, 4)` and scores `(n,)` of the detector."""


@dataclass(frozen=True)
class Scenes:
    """Annotated looks and what stands around them."""

    looks: GazeAnnotations
    candidates: Candidates
    gaze: Floats
    """`(n, 3)` direction of each looker, NaN where not known."""

    def moments(self) -> tuple[list[Moment], Ints, Ints]:
        """Every image once; of each look its image and its looker's row in it.

        People without a head box are in no image and have row -1.
        """
        looks = self.looks
        at: dict[str, list[int]] = {}
        seen = ~np.isnan(looks.head_xyxy).any(axis=1)
        for row in np.flatnonzero(seen).tolist():
            at.setdefault(looks.image[row], []).append(row)
        moments, image, person = [], np.full(len(looks), -1), np.full(len(looks), -1)
        for number, (name, own) in enumerate(at.items()):
            box, sure = self.candidates.get(name, (np.zeros((0, 4)), np.zeros(0)))
            width, height = self.looks.size_px[own[0]].tolist()
            if not width > 0 or not height > 0:
                where = self.looks.source[own[0]]
                raise DataError(f"{where}: the size of the image is not known; give {SIZES}")
            people = self.looks.head_xyxy[own], self.looks.speaks[own], self.gaze[own]
            moments.append(Moment((width, height), *people, box, sure))
            image[own], person[own] = number, np.arange(len(own))
        return moments, image, person


def open_folder(folder: Path | str, *, split: str | None = None, part: str = "train") -> Scenes:
    """Looks of a data folder, all or those of a list of videos in it or at a path.

    `part` is of VideoAttentionTarget or GazeFollow, `train` or `test`. DataError without
    annotations or candidates, or as of their readers.
    """
    folder = Path(folder)
    looks = _looks(folder, part)
    if split is not None:
        own = folder / split
        looks = looks.of_videos(texts.read_list(own if own.is_file() else split))
    return Scenes(looks, read_candidates(folder, looks), _directions(folder / DIRECTIONS, looks))


def read_candidates(folder: Path, looks: GazeAnnotations) -> dict[str, tuple[Floats, Floats]]:
    """Candidates by the names of images that looks have.

    VideoGazeSpeech's are the same for all copies of a frame; the first copy's are taken.

    Raises:
        DataError: no such file, or candidates of no image of the looks.
    """
    there = [folder / name for name in FILES if (folder / name).is_file()]
    if not there:
        raise DataError(f"{folder} has no {' or '.join(FILES)}")
    is_table = there[0].suffix == ".csv"
    read = formats.read_candidates_csv if is_table else formats.read_candidates_text
    names, result = set(looks.image), dict[str, tuple[Floats, Floats]]()
    for one in read(there[0]):
        name = one.name if one.name in names else _frame(one.name)
        if name in names:
            result.setdefault(name, (one.box_xyxy.astype(np.float64), one.score.astype(np.float64)))
    if not result:
        raise DataError(f"{there[0]} has candidates of no annotated image")
    return result


Row = tuple[Floats, Floats, npt.NDArray[np.bool_]]
"""Features of a looker and of the options, and which answers are right."""


@dataclass(frozen=True)
class Examples:
    """GazeAnnotations of people whose head is known, as the matcher is trained on them."""

    scenes: Scenes
    row: Ints
    """`(n,)` among the looks of the scenes."""
    moment: tuple[Moment, ...]
    """The image of each look."""
    looker: Ints
    """`(n,)` row of the looker among the people in it."""
    among: tuple[Options, ...]
    person: Floats
    """`(n, person features)`."""
    option: tuple[Floats, ...]
    """Of each look `(options, option features)`."""
    right: tuple[npt.NDArray[np.bool_], ...]
    """Of each look `(options + 2,)`."""

    def __len__(self) -> int:
        """Number of looks."""
        return len(self.row)

    @property
    def videos(self) -> list[str]:
        """Names of all videos of the scenes."""
        return sorted(set(self.scenes.looks.video))

    @cached_property
    def rows(self) -> list[Row]:
        """GazeAnnotations that have a right answer."""
        each = zip(self.person, self.option, self.right, strict=True)
        return [row for row in each if row[2].any()]

    def predictions(
        self,
        point_px: Floats,
        in_frame: Floats | None = None,
        looked_at: Sequence[str] | None = None,
    ) -> Predictions:
        """Points `(n, 2)` and so on as predictions of these looks."""
        looks, rows = self.scenes.looks, self.row.tolist()
        return predictions.predictions_of(
            [looks.image[row] for row in rows],
            point_px,
            head_xyxy=looks.head_xyxy[self.row],
            in_frame=in_frame,
            looked_at=looked_at,
            person=[looks.person[row] for row in rows],
        )

    def measure(self, predicted: Predictions, heat: Maps | None = None) -> Measures:
        """Compare predictions of these looks with the truth."""
        return measures.measure(predicted, self.scenes.looks, rows=self.row, heat=heat)


def examples(scenes: Scenes) -> Examples:
    """Features and right answers of all looks of people whose head is known."""
    looks = scenes.looks
    moments, image, person = scenes.moments()
    mean, rows = looks.mean_point_px(), np.flatnonzero(person >= 0)
    each = []
    for row in rows.tolist():
        moment, looker = moments[image[row]], int(person[row])
        among = inputs.options(moment, looker)
        mine, theirs = inputs.features(moment, looker, among)
        right = np.zeros(len(theirs) + 2, bool)
        if looks.in_frame[row] >= 0:
            head, target = looks.head_xyxy[row], looks.target_xyxy[row]
            stays = bool(looks.in_frame[row])
            right = right_answers(among, head, mean[row], in_frame=stays, target_xyxy=target)
        each.append((moment, among, mine, theirs, right))
    moment_, among_, mine_, option, right_ = zip(*each, strict=True) if each else [()] * 5
    features = np.array(mine_, np.float32).reshape(-1, len(inputs.PERSON))
    return Examples(scenes, rows, moment_, person[rows], among_, features, option, right_)


def collate(looks: Sequence[Row]) -> dict[str, Tensor]:
    """GazeAnnotations padded to one number of options.

    `person` `(batch, person features)`, `option` `(batch, options, option features)`, and bool
    `there` `(batch, options)` and `right` `(batch, options + 2)`.
    """
    import torch

    size, most = len(looks), max(len(option) for _, option, _ in looks)
    option = np.zeros((size, most, len(inputs.OPTION)), np.float32)
    there, right = np.zeros((size, most), bool), np.zeros((size, most + 2), bool)
    for i, (_, own, answer) in enumerate(looks):
        option[i, : len(own)], there[i, : len(own)] = own, True
        right[i, : len(own)], right[i, most:] = answer[:-2], answer[-2:]
    person = np.stack([person for person, _, _ in looks])
    arrays: dict[str, Any] = {"person": person, "option": option, "there": there, "right": right}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _looks(folder: Path, part: str) -> GazeAnnotations:
    if not (folder / TRUTH).is_file():
        return score.read_truth(folder, part=part)
    speakers = folder / SPEAKERS
    who = vgs.read_speakers(speakers) if speakers.is_file() else None
    return vgs.read_text(folder / TRUTH, _sizes(folder), speakers=who)


def _sizes(folder: Path) -> texts.SizeOf:
    path = folder / SIZES
    if not path.is_file():
        return texts.sizes_in_folder(folder / "images")
    known: dict[str, texts.Size] = {}
    for where, cells in texts.read_rows(path, 3):
        width, height = texts.numbers(where, cells[1:], ("width", "height"))
        known[cells[0].strip()] = width, height

    def size(name: str) -> texts.Size:
        video = formats.parse_name(name).video
        if video not in known:
            raise DataError(f"{path} does not state the size of video {video}")
        return known[video]

    return size


def _directions(path: Path, looks: GazeAnnotations) -> Floats:
    gaze = np.full((len(looks), 3), np.nan)
    if not path.is_file():
        return gaze
    place = {pair: row for row, pair in enumerate(zip(looks.image, looks.person, strict=True))}
    for where, cells in texts.read_rows(path, 5):
        name, person = cells[0].strip(), cells[1].strip()
        vector = np.array(texts.numbers(where, cells[2:], ("x", "y", "z")))
        if abs(np.linalg.norm(vector) - 1) > 1e-2:
            raise DataError(f"{where}: {vector} is no unit vector")
        row = place.get((name, person), place.get((_frame(name), person)))
        if row is not None:
            gaze[row] = vector
    return gaze


def _frame(name: str) -> str:
    """An image of VideoGazeSpeech without its head; any other name as it is."""
    try:
        return vgs.image_of(formats.parse_name(name))
    except DataError:
        return name
