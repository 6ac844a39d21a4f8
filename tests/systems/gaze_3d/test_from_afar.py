"""The predictor on scenes made by hand, against the network shown the same windows directly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError, UsageError
from eyeline.geometry.camera import Camera
from eyeline.people.tracks import Track
from eyeline.results import Directions
from eyeline.system import Scene
from eyeline.systems.gaze_3d import inputs
from eyeline.systems.gaze_3d.bodies import boxes_of
from eyeline.systems.gaze_3d.calibration import Rescaling, to_settings
from eyeline.systems.gaze_3d.from_afar import GazeFromAfarPredictor
from eyeline.systems.gaze_3d.model import GazeFromAfar
from eyeline.systems.gaze_3d.runs import UNKNOWN
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.closeness import assert_close_to_scale
from tests.people.build import track
from tests.systems.scenes import video

WIDTH, HEIGHT = 320, 240
IMAGE = (
    Path(__file__).parents[4]
    / "shared/reference/gafa/data/living_room_006_first_window_frame0_with_arrow_162x217.png"
)

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass(frozen=True)
class ImageItem:
    """A frame of smooth colours that tell which one it is."""

    index: int

    def rgb(self) -> np.ndarray:
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        waves = [np.sin(x / (9 + k) + self.index * 0.7 + k) + np.cos(y / 13 + k) for k in range(3)]
        return np.rint(127 + 60 * np.stack(waves, axis=-1)).astype(np.uint8)


@pytest.fixture(scope="module")
def weights(net: GazeFromAfar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "gaze_from_afar.safetensors"
    card = CheckpointCard("gaze_3d", "gaze_from_afar", {"frames": 7})
    checkpoint.save(path, net.state_dict(), card)
    return path


@pytest.fixture(scope="module")
def predictor(weights: Path) -> GazeFromAfarPredictor:
    return GazeFromAfarPredictor(weights, threads=1)


def walker(frames: range, track_id: int = 1, x: float = 150.0) -> Track:
    """Somebody far away who walks to the right."""
    n = len(frames)
    left = x + 3.0 * np.arange(n)
    head = np.stack([left - 9, np.full(n, 50.0), left + 9, np.full(n, 74.0)], axis=1)
    created = track(frames, track_id=track_id, person=track_id, head_xyxy=head)
    return replace(created, body_xyxy=head + np.array([-12, 0, 12, 140.0]))


def shown(*tracks: Track, missing: Sequence[int] = ()) -> Scene:
    last = max(int(t.frame[-1]) for t in tracks)
    info = replace(video(last + 1), width_px=WIDTH, height_px=HEIGHT)

    def frames() -> Iterator[Any]:
        return (ImageItem(i) for i in range(last + 5) if i not in missing)

    return Scene(info, Camera.from_fov(WIDTH, HEIGHT), tracks, frames=frames)


def directly(net: GazeFromAfar, person: Track, rows: Sequence[int], still: int = 0) -> Any:
    """What the network says of one window; the last `still` rows repeat the one before."""
    head, body = (part[list(rows)] for part in boxes_of(person, WIDTH, HEIGHT))
    crops = [
        inputs.crop_body(ImageItem(int(person.frame[r])).rgb(), b)
        for r, b in zip(rows, body, strict=True)
    ]
    motion = inputs.body_motion(body, circular=False)
    if still:
        motion[len(rows) - still :] = 0
    clip = inputs.normalise(np.stack(crops))
    mask = inputs.head_mask(inputs.relative_head_box(head, body))
    with torch.inference_mode():
        return net(clip[None], mask[None], torch.from_numpy(motion)[None])


def check(answers: Sequence[Any], known: Any, place: int, row: int) -> None:
    for answer, estimate in zip(answers, known, strict=True):
        assert isinstance(answer, Directions)
        direction = estimate.direction[0, place].numpy()
        np.testing.assert_allclose(answer.direction[row], direction, atol=2e-4)
        kappa = estimate.concentration[0, place]
        assert_close_to_scale(answer.concentration[row], kappa, 2e-4)


def test_every_row_is_answered_from_the_window_about_it(
    predictor: GazeFromAfarPredictor, net: GazeFromAfar
) -> None:
    person = walker(range(3, 12))
    answers = predictor.predict(shown(person))
    assert [a.name for a in answers] == ["gaze", "head", "body"]
    first = directly(net, person, range(7))
    for row in range(4):  # before the first middle the first window answers
        check(answers, first, row, row)
    # the motion of a window's first frame is that since the frame before, where there is one
    assert all(len(a) == 9 and (a.concentration > UNKNOWN).all() for a in answers)


def test_a_run_shorter_than_a_window_repeats_its_last_frame(
    predictor: GazeFromAfarPredictor, net: GazeFromAfar
) -> None:
    person = walker(range(4))
    answers = predictor.predict(shown(person))
    known = directly(net, person, [0, 1, 2, 3, 3, 3, 3], still=3)
    for row in range(4):
        check(answers, known, row, row)


def test_with_a_step_windows_take_every_other_row(weights: Path, net: GazeFromAfar) -> None:
    person = walker(range(14))
    answers = GazeFromAfarPredictor(weights, threads=1, step=2).predict(shown(person))
    for phase in (0, 1):
        known = directly(net, person, range(phase, 14, 2))
        for place in range(7):
            check(answers, known, place, 2 * place + phase)


def test_a_lost_frame_begins_a_new_run_and_claims_nothing(
    predictor: GazeFromAfarPredictor, net: GazeFromAfar
) -> None:
    person = walker(range(15))
    answers = predictor.predict(shown(person, missing=[7]))
    after = directly(net, person, range(8, 15))
    for place in range(7):
        check(answers, after, place, 8 + place)
    for answer in answers:
        assert answer.concentration[7] == UNKNOWN  # type: ignore[union-attr]
        held = answer.direction[7]  # type: ignore[union-attr]
        assert np.array_equal(held, answer.direction[6])  # type: ignore[union-attr]


def test_people_do_not_touch_each_other(predictor: GazeFromAfarPredictor) -> None:
    one, two = walker(range(9)), walker(range(2, 11), 2, x=60.0)
    together = predictor.predict(shown(one, two))
    for k, alone in enumerate((predictor.predict(shown(one)), predictor.predict(shown(two)))):
        for both, single in zip(together, alone, strict=True):
            rows = slice(9 * k, 9 * k + 9)
            assert np.array_equal(both.person[rows], single.person)
            np.testing.assert_allclose(both.direction[rows], single.direction, atol=1e-4)  # type: ignore[union-attr]


def test_no_more_crops_wait_than_fit_in_a_batch(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eyeline.systems.gaze_3d.streaming import Stream

    pushed: list[int] = []
    really = Stream.push
    monkeypatch.setattr(
        Stream, "push", lambda self, views: pushed.append(len(views)) or really(self, views)
    )
    people = [walker(range(12), k + 1, x=40.0 + 50 * k) for k in range(3)]
    GazeFromAfarPredictor(weights, threads=1, at_once=4).predict(shown(*people))
    assert sum(pushed) == 36 and max(pushed) <= 4


def test_calibrated_weights_rescale_concentrations(
    net: GazeFromAfar, predictor: GazeFromAfarPredictor, tmp_path: Path
) -> None:
    rescaling = Rescaling(offset=1.5, gain=0.5)
    card = CheckpointCard(
        "gaze_3d", "gaze_from_afar", {"frames": 7},
        settings={"concentration": to_settings({"gaze": rescaling}, 100)},
    )  # fmt: skip
    checkpoint.save(tmp_path / "w.safetensors", net.state_dict(), card)
    scene = shown(walker(range(8)))
    plain = predictor.predict(scene)
    scaled = GazeFromAfarPredictor(tmp_path / "w.safetensors", threads=1).predict(scene)
    want = rescaling(plain[0].concentration)  # type: ignore[union-attr]
    np.testing.assert_allclose(scaled[0].concentration, want)  # type: ignore[union-attr]
    assert np.array_equal(scaled[1].concentration, plain[1].concentration)  # type: ignore[union-attr]


def test_nobody_gives_empty_answers(predictor: GazeFromAfarPredictor) -> None:
    scene = replace(shown(walker(range(2))), tracks=())
    assert [len(a) for a in predictor.predict(scene)] == [0, 0, 0]


def test_what_cannot_be_is_refused(
    predictor: GazeFromAfarPredictor, weights: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no frames"):
        predictor.predict(replace(shown(walker(range(2))), frames=None))
    with pytest.raises(UsageError, match="step of 0"):
        GazeFromAfarPredictor(weights, step=0)
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, {"a": torch.zeros(1)}, CheckpointCard("eye_contact", "ms_tcn2", {}))
    with pytest.raises(CheckpointError, match="expected gaze_3d/gaze_from_afar"):
        GazeFromAfarPredictor(other)


@pytest.mark.skipif(not IMAGE.is_file(), reason="the authors' image is not here")
def test_a_real_person_is_answered_for_and_drawn(predictor: GazeFromAfarPredictor) -> None:
    import cv2

    from eyeline.export.overlay import draw
    from eyeline.export.timeline import FrameView
    from eyeline.geometry.directions import cone

    rgb = np.ascontiguousarray(cv2.imread(str(IMAGE))[..., ::-1])
    height, width = rgb.shape[:2]
    head = np.array([[40.0, 12, 80, 58]])
    body = np.array([[15.0, 12, width - 15, height - 5]])
    person = replace(track(range(1), head_xyxy=head), body_xyxy=body)
    info = replace(video(1), width_px=width, height_px=height)

    @dataclass(frozen=True)
    class Real:
        index: int = 0

        def rgb(self) -> np.ndarray:
            return rgb

    scene = Scene(info, Camera.from_fov(width, height), [person], frames=lambda: iter([Real()]))  # type: ignore[list-item]
    gaze = predictor.predict(scene)[0]
    assert isinstance(gaze, Directions)
    assert gaze.concentration[0] > UNKNOWN
    drawn, none = rgb.copy(), np.array([False])
    nowhere = np.full((1, 2), np.nan)
    draw(drawn, FrameView(
        0.0, np.array([1]), head, np.array([True]), np.array([[60.0, 35.0]]), gaze.direction,
        gaze.direction, np.array([-9]), nowhere, none, none, none,
        cone_rad=cone(gaze.concentration),
    ))  # fmt: skip
    assert (drawn != rgb).any(axis=-1).mean() > 0.02
