"""What each person looks at, given who speaks.

Paper: Hou et al., "Multi-Modal Gaze Following in Conversational Scenarios", WACV 2024
    (VGS / MMGaze).
In: people, their gaze directions, who speaks.
Out: `Points` called `gaze_target` with heatmaps, and `Segments`.
Licence: the original code states none; nothing of it is here. Here now: `ray`, geometry of our own.
"""

from __future__ import annotations

from eyeline.results import Method
from eyeline.system import Builder, Lazy, Needs, Predictor, System


def _ray() -> Predictor:
    from eyeline.systems.gaze_following.infer import Ray

    return Ray()


_HERE = "eyeline.systems.gaze_following"

SYSTEM = System(
    name="gaze_following",
    published=("vgs", "mmgaze", "videogazespeech"),
    title="what or whom does each person look at, given who speaks",
    paper="Hou et al., Multi-Modal Gaze Following in Conversational Scenarios, WACV 2024",
    builders={
        "ray": Builder(
            Method(
                "gaze_following",
                "ray",
                "geometric default: the cone of the gaze direction against the other faces, the "
                "camera, the scene and what is off screen; a speaking face counts more",
                "no held-out ground truth was at hand; looked at on three clips, on which its "
                "constants were set",
                "own code, Apache-2.0",
            ),
            answers=("gaze_target",),
            predictor=_ray,
            needs=Needs(gaze=True),
        )
    },
    default="ray",
    networks={
        "syncnet": Lazy("eyeline.speech.syncnet.model", "syncnet"),
        "mask_rcnn": Lazy(f"{_HERE}.detector.model", "mask_rcnn"),
        "slope_mlp": Lazy(f"{_HERE}.matching.slope", "slope_mlp"),
        "matcher": Lazy(f"{_HERE}.matching.model", "matcher"),
    },
    score=Lazy(f"{_HERE}.score"),
    import_original=Lazy(f"{_HERE}.weights", "import_original"),
)
