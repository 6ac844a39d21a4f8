"""`contact_and_voice`: a look into the camera is a look at me, and with voice it is talk to me."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.geometry import directions
from eyeline.systems.ego_social.infer import ContactAndVoice
from tests.people.build import track
from tests.systems.scenes import looking, scene

ME = track(range(50), person=1)
INTO_CAMERA = np.array([0.0, 0.0, -1.0])
AWAY = directions.from_yaw_pitch(np.array(0.9), np.array(0.0))


def values(aim: np.ndarray, speaking: float | None) -> dict[str, float]:
    voice = None if speaking is None else {1: speaking}
    answers = ContactAndVoice().predict(
        scene(ME, gaze=looking((ME,), {1: aim}, 80.0), speaking=voice, ego=True)
    )
    return {a.name: float(a.value[25]) for a in answers if hasattr(a, "value")}


def test_looking_and_talking() -> None:
    both = values(INTO_CAMERA, 1.0)
    assert both["looking_at_me"] > 0.5
    assert both["talking_to_me"] > 0.5


def test_looking_without_a_word() -> None:
    silent = values(INTO_CAMERA, 0.0)
    assert silent["looking_at_me"] > 0.5
    assert silent["talking_to_me"] == pytest.approx(0)


def test_talking_to_somebody_else() -> None:
    other = values(AWAY, 1.0)
    assert max(other.values()) < 0.1


def test_without_audio_nothing_is_said_of_talk() -> None:
    assert set(values(INTO_CAMERA, None)) == {"looking_at_me"}


def test_a_short_look_away_while_talking_is_still_talk_to_me() -> None:
    aim = np.tile(INTO_CAMERA, (50, 1))
    aim[24:30] = AWAY
    gaze = looking((ME,), {1: INTO_CAMERA}, 80.0)
    gaze = type(gaze)(**(vars(gaze) | {"direction": aim}))
    answers = ContactAndVoice().predict(scene(ME, gaze=gaze, speaking={1: 1.0}, ego=True))
    talk = next(a for a in answers if a.name == "talking_to_me" and hasattr(a, "value"))
    assert talk.value.min() > 0.5


def test_directions_are_needed() -> None:
    with pytest.raises(UsageError, match="gaze_3d"):
        ContactAndVoice().predict(scene(ME))
