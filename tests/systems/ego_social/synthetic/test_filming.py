from __future__ import annotations

from dataclasses import replace

import numpy as np

from eyeline.results import Floats, Image
from eyeline.synthetic.head import FACE_MM, Head
from eyeline.systems.ego_social.synthetic.filming import images
from eyeline.systems.ego_social.synthetic.scenes import Scene, draw_scene


def filmed(seed: int, *, empty: bool = False, **changes: Floats) -> tuple[Scene, list[Image]]:
    """A small scene with its frames, or those of its room without anybody."""
    scene = replace(draw_scene(np.random.default_rng(seed), 40, 320, 180), **changes)
    looks = [Head.drawn(np.random.default_rng(seed + k)) for k in range(len(scene.heads))]
    shut: list[Floats] = [np.zeros(40) for _ in scene.heads]
    shown = replace(scene, heads=()) if empty else scene
    return scene, list(images(np.random.default_rng(seed), shown, looks, shut))


def test_frames_have_faces_where_the_scene_says() -> None:
    scene, frames = filmed(5)
    systems = filmed(5, empty=True)[1]
    assert len(frames) == 40
    assert {(frame.shape, frame.dtype) for frame in frames} == {((180, 320, 3), np.dtype("uint8"))}
    for t in (0, 20, 39):
        changed = (frames[t] != systems[t]).any(axis=-1)
        for head in scene.heads:
            sides = np.array(FACE_MM) * head.px_per_mm[t] + np.tile(head.centre_px[t], 2)
            x0, y0, x1, y1 = np.clip(sides, 0, [320, 180, 320, 180]).astype(int)
            assert changed[y0:y1, x0:x1].mean() > 0.7
        top = min(float(h.centre_px[t, 1] - 125 * h.px_per_mm[t]) for h in scene.heads)
        assert not changed[: max(int(top), 0)].any()


def test_the_camera_moves_room_and_people_together() -> None:
    still = np.zeros((40, 2))
    moved = np.tile([24.0, -6.0], (40, 1))
    one = filmed(5, empty=True, camera_px=still)[1][30].astype(int)
    other = filmed(5, empty=True, camera_px=moved)[1][30].astype(int)
    off = np.abs(other[:-6, 24:] - one[6:, :-24]).mean()
    assert off < 0.5 * np.abs(other - one).mean()


def test_light_brightens_the_image() -> None:
    dark, bright = (filmed(5, light=np.full(40, v))[1][9].mean() for v in (0.6, 1.1))
    assert bright > 1.4 * dark


def test_fast_movement_blurs() -> None:
    def sharpness(step: float) -> float:
        path = np.column_stack([step * np.arange(40.0), np.zeros(40)])
        frame = filmed(5, camera_px=path)[1][5].astype(float).mean(axis=-1)
        return float(np.abs(np.diff(frame[:, 100:], axis=1)).mean())

    assert sharpness(30.0) < 0.87 * sharpness(0.0), "the rest is noise"


def test_the_same_state_draws_the_same_images() -> None:
    once, again, other = (filmed(seed)[1][39] for seed in (5, 5, 6))
    np.testing.assert_array_equal(once, again)
    assert (once != other).mean() > 0.5
