"""For a head-worn camera: who looks at me, who talks to me.

Paper: Grauman et al., "Ego4D: Around the World in 3,000 Hours of Egocentric Video", CVPR 2022,
    social benchmark.
In: people, their gaze directions, who speaks.
Out: `Scores` and `Segments` called `looking_at_me` and `talking_to_me`.
Licence: the authors' code MIT. Here now: `contact_and_voice`, geometry of our own; own code of the
    authors' networks, which takes their weights; the benchmark's labels, scores and files.
"""

from __future__ import annotations

from eyeline.results import Method
from eyeline.system import Builder, Lazy, Needs, Predictor, System


def _contact_and_voice() -> Predictor:
    from eyeline.systems.ego_social.infer import ContactAndVoice

    return ContactAndVoice()


_HERE = "eyeline.systems.ego_social"

SYSTEM = System(
    name="ego_social",
    published=("ego4d", "lam", "ttm", "ego4d_social"),
    title="who looks at the camera wearer, who talks to the camera wearer",
    paper="Grauman et al., Ego4D, CVPR 2022, social benchmark",
    builders={
        "contact_and_voice": Builder(
            Method(
                "ego_social",
                "contact_and_voice",
                "geometric default: looking at me is a gaze direction that meets the camera; "
                "talking to me is that, within a second, while this face speaks",
                "not measured: no Ego4D video was at hand",
                "own code, Apache-2.0",
            ),
            answers=("looking_at_me", "talking_to_me"),
            predictor=_contact_and_voice,
            needs=Needs(gaze=True, ego=True),
        )
    },
    default="contact_and_voice",
    networks={
        "lam_lstm": Lazy(f"{_HERE}.model", "lam_lstm"),
        "gaze360_lstm": Lazy(f"{_HERE}.model", "gaze360_lstm"),
        "ttm": Lazy(f"{_HERE}.ttm_model", "ttm"),
    },
    score=Lazy(f"{_HERE}.score"),
    import_original=Lazy(f"{_HERE}.weights", "import_original"),
)
