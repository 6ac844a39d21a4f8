"""The predictor on scenes made by hand, against the network shown each window from its images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError, UsageError
from eyeline.people.tracks import Track
from eyeline.results import Scores, Segments
from eyeline.systems.ego_social import weights as room_weights
from eyeline.systems.ego_social.from_video.looking import LookingAtMePredictor
from eyeline.systems.ego_social.inputs import crop_face, normalise, window
from eyeline.systems.ego_social.model import LookingAtMe, gaze360_lstm
from eyeline.systems.ego_social.scoring.postprocess import scores
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.ego_social.invented import GAZE360, their_tensors
from tests.systems.ego_social.raw_video import (
    SMALL,
    ImageItem,
    filmed,
    gone,
    saved,
    small_lam,
    walker,
)

CLOSE = 2e-5


@pytest.fixture(scope="module")
def net() -> LookingAtMe:
    return small_lam()


@pytest.fixture(scope="module")
def weights(net: LookingAtMe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("weights"), "lam_lstm", net, SMALL)


@pytest.fixture(scope="module")
def predictor(weights: Path) -> LookingAtMePredictor:
    return LookingAtMePredictor(weights, threads=1)


def naive(
    net: LookingAtMe, person: Track, rows: Sequence[int], lost: Sequence[int] = (),
    outside: Sequence[int] = (), box: str = "head",
) -> np.ndarray:  # fmt: skip
    """Of each row the network's answer about moments of a 30 Hz clock, here told by their rows.

    Args:
        rows: the row that each moment shows, from the track's first on.
    """
    boxes = person.head_xyxy if box == "head" else person.box_xyxy
    crops = [
        None
        if person.frame[r] in lost or r in outside
        else crop_face(ImageItem(int(person.frame[r]), 0).rgb(), boxes[r])
        for r in rows
    ]
    padded = [None] * 3 + crops + [None] * 3
    seen = [i for i, crop in enumerate(crops) if crop is not None]
    with torch.no_grad():
        logits = net(normalise(np.stack([window(padded[i : i + 7]) for i in seen])))
    result = np.full(len(rows), np.nan)
    result[seen] = scores(logits.numpy())
    return result


def values(answers: Sequence[Any]) -> np.ndarray:
    known, spans = answers
    assert isinstance(known, Scores) and isinstance(spans, Segments)
    assert known.name == spans.name == "looking_at_me"
    return np.asarray(known.value)


def test_at_30_hz_every_row_has_its_window(
    net: LookingAtMe, predictor: LookingAtMePredictor
) -> None:
    person = walker(range(3, 23))
    answers = predictor.predict(filmed(person))
    result = values(answers)
    np.testing.assert_allclose(result, naive(net, person, range(20)), rtol=0, atol=CLOSE)
    assert np.ptp(result) > 0.01
    assert answers[0].builder == "lam_lstm"  # type: ignore[union-attr]


def test_a_slower_video_shows_rows_twice(net: LookingAtMe, predictor: LookingAtMePredictor) -> None:
    person = walker(range(6), rate_hz=25)
    known = naive(net, person, [0, 1, 2, 2, 3, 4, 5])
    result = values(predictor.predict(filmed(person, rate_hz=25)))
    np.testing.assert_allclose(result, known[[0, 1, 2, 4, 5, 6]], rtol=0, atol=CLOSE)


def test_a_faster_video_is_thinned(net: LookingAtMe, predictor: LookingAtMePredictor) -> None:
    person = walker(range(18), rate_hz=60)
    known = naive(net, person, range(0, 18, 2))
    result = values(predictor.predict(filmed(person, rate_hz=60)))
    np.testing.assert_allclose(result, np.repeat(known, 2), rtol=0, atol=CLOSE)


def test_lost_frames_and_boxes_outside_of_the_image(
    net: LookingAtMe, predictor: LookingAtMePredictor
) -> None:
    person = gone(walker(range(20)), [11, 12])
    result = values(predictor.predict(filmed(person, lost=[5])))
    known = naive(net, person, range(20), lost=[5], outside=[11, 12])
    assert np.isnan(result[[5, 11, 12]]).all() and np.isfinite(result).sum() == 17
    np.testing.assert_allclose(result, known, rtol=0, atol=CLOSE)


def test_the_box_may_be_the_face(net: LookingAtMe, weights: Path) -> None:
    person = walker(range(8))
    result = values(LookingAtMePredictor(weights, box="face", threads=1).predict(filmed(person)))
    known = naive(net, person, range(8), box="face")
    np.testing.assert_allclose(result, known, rtol=0, atol=CLOSE)
    assert not np.allclose(result, naive(net, person, range(8)), atol=1e-3)


def test_people_come_and_go(net: LookingAtMe, weights: Path) -> None:
    people = [walker(range(k, 9 + 3 * k), person=k + 1) for k in range(3)]
    result = values(LookingAtMePredictor(weights, batch_size=4, threads=1).predict(filmed(*people)))
    known = np.concatenate([naive(net, p, range(len(p))) for p in people])
    np.testing.assert_allclose(result, known, rtol=0, atol=CLOSE)


def test_frames_are_read_once_and_crops_seen_once(
    predictor: LookingAtMePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    read: list[int] = []
    handle = predictor.network.network.encoder.register_forward_pre_hook(
        lambda _, given: seen.append(len(given[0]))
    )
    scene = filmed(walker(range(20)), walker(range(5, 25), person=2), rate_hz=30)
    given = scene.frames
    assert given is not None

    def once() -> Iterator[Any]:
        read.append(1)
        return given()

    predictor.predict(replace(scene, frames=once))
    handle.remove()
    assert read == [1]
    assert sum(seen) == 40 and max(seen) <= 9  # the queue of 8 and a second face of its frame


def test_segments_are_runs_of_yes(predictor: LookingAtMePredictor) -> None:
    person = walker(range(90))
    known, spans = predictor.predict(filmed(person))
    assert isinstance(known, Scores) and isinstance(spans, Segments)
    for start, end in zip(spans.start_s, spans.end_s, strict=True):
        inside = (known.time_s >= start - 1e-9) & (known.time_s < end - 1e-9)
        assert (known.value[inside] >= 0.5).all() and end - start >= 0.2 - 1e-9
    assert set(spans.label) <= {"looking_at_me"}


def test_nobody_gives_empty_answers(predictor: LookingAtMePredictor) -> None:
    assert [len(a) for a in predictor.predict(filmed())] == [0, 0]


def test_what_cannot_be_is_refused(
    predictor: LookingAtMePredictor, weights: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="lam_lstm looks at images"):
        predictor.predict(replace(filmed(walker(range(2))), frames=None))
    with pytest.raises(UsageError, match="no box 'hat'; there are head, face"):
        LookingAtMePredictor(weights, box="hat")  # type: ignore[arg-type]
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, {"a": torch.zeros(1)}, CheckpointCard("ego_social", "ttm", {}))
    with pytest.raises(CheckpointError, match="lam_lstm"):
        LookingAtMePredictor(other)


def test_gaze360_itself_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": their_tensors(GAZE360)}, tmp_path / "gaze360_model.pth.tar")
    imported = room_weights.import_original(tmp_path / "gaze360_model.pth.tar")
    checkpoint.save(tmp_path / "g.safetensors", imported.state, imported.card)
    with pytest.raises(CheckpointError, match="tells where a person looks, as Gaze360 does"):
        LookingAtMePredictor(tmp_path / "g.safetensors")


def test_a_network_that_began_at_gaze360_names_its_builder(tmp_path: Path) -> None:
    arguments = {**SMALL, "head": "single"}
    torch.manual_seed(0)
    path = saved(tmp_path, "gaze360_lstm", gaze360_lstm(**arguments), arguments)
    answers = LookingAtMePredictor(path, threads=1).predict(filmed(walker(range(4))))
    assert {a.builder for a in answers} == {"gaze360_lstm"}
