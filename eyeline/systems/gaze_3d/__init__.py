"""3D gaze of people in a video, also from afar and from behind.

Paper: Nonaka, Nobuhara, Nishino, "Dynamic 3D Gaze from Afar", CVPR 2022 (GAFA).
In: people.
Out: `Directions` called `gaze` and `head`, unit vectors in the camera frame with a concentration.
Licence: the authors' code MIT, their data CC BY 4.0. Here now: `head_pose`, geometry of our own.
"""

from __future__ import annotations

from eyeline.results import Method
from eyeline.system import Builder, Predictor, System


def _head_pose() -> Predictor:
    from eyeline.systems.gaze_3d.infer import HeadPose

    return HeadPose()


SYSTEM = System(
    name="gaze_3d",
    published=("gafa", "gaze_from_afar"),
    title="in which direction does each person look",
    paper="Nonaka et al., Dynamic 3D Gaze from Afar, CVPR 2022",
    builders={
        "head_pose": Builder(
            Method(
                "gaze_3d",
                "head_pose",
                "geometric default: head pose from five detector points and six landmarks on a "
                "metric face model, drawn towards the irises where they are seen and down with "
                "lowered lids",
                "no ground truth in degrees was at hand. Side of the look (left, right, camera, "
                "down) on one clip of four people, 27 frames labelled by eye: 105 of 105; the "
                "constants were set on the same clip",
                "own code, Apache-2.0; reads landmarks of dlib's 68-point file (research use, "
                "iBUG 300-W)",
            ),
            answers=("gaze", "head"),
            predictor=_head_pose,
        )
    },
    default="head_pose",
)
