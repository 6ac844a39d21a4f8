"""Who is who on real clips: a track that slides to another person, and few frames a second."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from eyeline.geometry import boxes
from eyeline.people.find import Found, find_people
from eyeline.settings import Settings
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots

pytestmark = pytest.mark.slow


def people(path: Path, rate_hz: float | None = None) -> Found:
    reader = VideoReader(path, rate_hz=Fraction(rate_hz) if rate_hz else None)
    return find_people(mark_shots(reader), Settings().camera(reader.info))


@pytest.mark.parametrize("rate_hz", [1.0, 2.0, 5.0])
def test_at_low_rates_four_people_stay_four(interview: Path, rate_hz: float) -> None:
    assert len(people(interview, rate_hz).persons) == 4


def test_a_track_that_slides_from_a_child_to_the_teacher_is_cut(shared: Path) -> None:
    """The teacher's profile passes before the child from 9.2 to 9.5 s."""
    result = people(shared / "media/v01.mp4")

    def who(time_s: float) -> set[int]:
        """Persons whose face stands in the right part of the frame, where the child sits."""
        right = 0.75 * VideoReader(shared / "media/v01.mp4").info.width_px
        return {
            t.person
            for t in result.tracks
            for k in [abs(t.time_s - time_s).argmin()]
            if abs(t.time_s[k] - time_s) < 0.05 and boxes.centre(t.box_xyxy[k])[0] > right
        }

    before, during, after = who(8.5), who(9.35), who(10.2)
    assert before == after
    assert not (during & before)
