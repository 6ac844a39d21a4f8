"""When a face is embedded again, and how long its likeness counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.discovery.identity import Person
from eyeline.systems.eye_contact.discovery.recognise import Recogniser
from tests.systems.eye_contact.discovery.stand_ins import landmarked

PERSON = Person(np.array([[1.0, 0.0]]), "images", 0.5)


@dataclass
class Scripted:
    """Gives one likeness after the other."""

    script: list[float]
    calls: int = field(default=0)

    def __call__(self, chip: Image) -> Floats:
        cosine = self.script[self.calls]
        self.calls += 1
        return np.array([cosine, np.sqrt(1 - cosine**2)])


def image(level: int) -> Image:
    return np.full((180, 320, 3), level, np.uint8)


def run(script: list[float], levels: list[int], **options: int) -> tuple[list[float], int]:
    embedder = Scripted(script)
    recogniser = Recogniser(PERSON, embedder, **options)  # type: ignore[arg-type]
    result = [recogniser.similarities(image(level), [landmarked()])[0] for level in levels]
    assert recogniser.embedded == embedder.calls
    return [round(value, 6) for value in result], embedder.calls


def test_a_face_that_does_not_change_is_embedded_now_and_then() -> None:
    result, calls = run([0.9, 0.6, 0.7], [100] * 9, refresh_frames=3, memory_frames=6)
    assert calls == 3
    assert result == [0.9] * 6 + [0.7] * 3


def test_a_face_that_changes_is_embedded_at_once_and_keeps_its_best_likeness() -> None:
    result, calls = run([0.9, 0.2], [100, 113], refresh_frames=12, memory_frames=50)
    assert (result, calls) == ([0.9, 0.9], 2)


def test_another_face_in_the_same_place_stands_for_itself() -> None:
    result, calls = run([0.9, 0.2], [100, 140])
    assert (result, calls) == ([0.9, 0.2], 2)


def test_with_one_frame_each_face_stands_for_itself_as_published() -> None:
    script = [0.9, 0.2, 0.8]
    result, calls = run(script, [100] * 3, refresh_frames=1, memory_frames=1)
    assert (result, calls) == (script, 3)


def test_a_face_elsewhere_is_another() -> None:
    recogniser = Recogniser(PERSON, Scripted([0.9, 0.2, 0.3]))  # type: ignore[arg-type]
    recogniser.similarities(image(100), [landmarked()])
    result = recogniser.similarities(image(100), [landmarked(120), landmarked()])
    np.testing.assert_allclose(result, [0.2, 0.9])
    assert recogniser.similarities(image(100), []) == []
    np.testing.assert_allclose(recogniser.similarities(image(100), [landmarked()]), [0.3])


def test_counts_that_cannot_be_are_refused() -> None:
    for refresh, memory in ((0, 5), (6, 5)):
        with pytest.raises(UsageError, match="frames"):
            Recogniser(PERSON, Scripted([]), refresh_frames=refresh, memory_frames=memory)  # type: ignore[arg-type]
