"""The challenges' folders, as the original loader reads them; numbers of `golden/`."""

from __future__ import annotations

import json
import wave as wav
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.results import Image
from eyeline.systems.ego_social.recordings.challenge import (
    open_challenge_looks,
    open_challenge_talks,
    read_crop,
    seg_info_of,
)
from eyeline.systems.ego_social.scoring import postprocess, submissions
from tests.refusals import refuses
from tests.systems.ego_social.invented import golden
from tests.systems.ego_social.recorded import document

SEGMENTS = {"seg0": ([0, 1, 2, 5], 8000), "seg1": ([*range(3, 40)], 176_000),
            "seg2": ([0, 159], 48_000)}  # fmt: skip


def face(seed: int, number: int) -> Image:
    rng = np.random.default_rng(1000 * seed + number)
    coarse = rng.integers(0, 256, (8, 8, 3)).repeat(8, axis=0).repeat(8, axis=1)
    noisy = np.clip(coarse + rng.integers(-20, 21, (64, 64, 3)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(noisy, (224, 224)), np.uint8)


def write_face(path: Path, image: Image) -> None:
    """As PNG whatever its name, as the golden files have it: readers go by the content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image[..., ::-1])[1].tobytes())


def write_audio(path: Path, seed: int, samples: int, rate_hz: int = 16_000) -> None:
    rng = np.random.default_rng(5000 + seed)
    t = np.arange(samples) / 16_000
    heard = 0.2 * np.sin(2 * np.pi * (200 + 300 * t) * t) + 0.05 * rng.standard_normal(samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wav.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.round(heard * 32767).astype("<i2").tobytes())


@pytest.fixture(scope="module")
def looks_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("looks")
    for name in document(golden("challenge"), "lam.files"):
        write_face(root / "vid0" / "trackA" / name, face(4, int(name[:5])))
    return root


@pytest.fixture(scope="module")
def talks_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("talks")
    for j, (name, (frames, samples)) in enumerate(SEGMENTS.items()):
        for frame in frames:
            write_face(root / name / "face" / f"{frame}.jpg", face(51 + j, frame))
        write_audio(root / name / "audio" / "aud.wav", 21 + j, samples)
    return root


def test_looks_are_the_originals(looks_folder: Path) -> None:
    file = golden("challenge")
    looks = open_challenge_looks(looks_folder)
    columns = looks.columns
    result = [
        [video, track, unique, f"{frame:05d}"]
        for video, unique, track, frame in zip(*columns.values(), looks.frame, strict=True)
    ]
    assert result == document(file, "lam.targets")
    for number in range(len(looks)):
        look = looks[number]
        assert look["clip"].shape == (7, 3, 224, 224) and look["number"] == number
        mean = look["clip"].double().mean((2, 3))
        np.testing.assert_allclose(mean, file["lam.framemean"][number], rtol=0, atol=1e-6)
    text = submissions.text("lam_challenge", columns, [0.5] * len(looks))
    assert json.loads(text)["results"][0]["unique_id"] == result[0][2]


def test_frames_are_found_by_number_and_not_by_a_part_of_a_name(tmp_path: Path) -> None:
    """In the original the id `00012` of frame 20 stands for frame 12 as well."""
    gray = {"00010_a": 10, "00011_b": 11, "00013_c": 13, "00020_00012": 20, "00013_d": 14}
    for name, level in gray.items():
        write_face(tmp_path / "v" / "t" / f"{name}.jpg", np.full((224, 224, 3), level, np.uint8))
    looks = open_challenge_looks(tmp_path)
    assert looks.frame.tolist() == [10, 11, 13, 13, 20]
    assert looks.columns["unique_id"] == ["a", "b", "c", "d", "00012"]
    seen = [[int(f.max()) for f in looks.frames(i)] for i in range(5)]
    assert seen[0] == [10, 10, 10, 10, 11, 13, 13]
    assert seen[3] == [10, 10, 11, 14, 14, 14, 14], "its own file; the first one for neighbours"
    assert seen[4] == [20] * 7
    assert open_challenge_looks(tmp_path, stride=2).columns["unique_id"] == ["a", "c", "00012"]


def test_talks_are_the_originals(talks_folder: Path) -> None:
    file = golden("challenge")
    talks = open_challenge_talks(talks_folder)
    spans = [[name, *span] for name, span in zip(talks.pieces, talks.span.tolist(), strict=True)]
    assert spans == document(file, "ttm.segments")
    assert talks.length_frames.tolist() == [row[2] - row[1] for row in spans]
    for number, (name, first, shape, samples, mean, loud) in enumerate(document(file, "ttm.items")):
        result = talks[number]
        assert (talks.pieces[number], talks.span[number, 0]) == (name, first)
        assert [*result["clip"].shape] == shape and len(result["audio"]) == samples
        assert result["clip"].double().mean() == pytest.approx(mean, abs=1e-6)
        assert result["audio"].double().abs().sum() == pytest.approx(loud, rel=1e-6)


def test_seg_info_is_the_originals_and_is_read_back(talks_folder: Path, tmp_path: Path) -> None:
    expected = document(golden("challenge"), "ttm.seg_info")
    assert seg_info_of(talks_folder) == expected
    path = tmp_path / "seg_info.json"
    path.write_text(json.dumps(expected, indent=4), encoding="utf-8")
    known, result = open_challenge_talks(talks_folder, path), open_challenge_talks(talks_folder)
    np.testing.assert_array_equal(known.span, result.span)
    assert known.faces == {name: frames for name, (frames, _) in SEGMENTS.items()}
    table = postprocess.challenge_talks(known.pieces, np.zeros((4, 2)), known.faces)
    assert len(table) == sum(len(frames) for frames in known.faces.values())


def test_segments_without_audio_or_faces(tmp_path: Path) -> None:
    write_face(tmp_path / "a" / "face" / "33.jpg", face(1, 1))
    write_audio(tmp_path / "b" / "audio" / "aud.wav", 1, 16_000)
    write_face(tmp_path / "c" / "face" / "0.jpg", face(1, 1))
    talks = open_challenge_talks(tmp_path)
    assert talks.without_audio == ("a", "c")
    assert talks.span.tolist() == [[0, 33], [0, 30], [0, 0]]
    assert talks[0]["audio"].shape == (17_600,) and not talks[0]["audio"].any()
    assert not talks.frames(1).any() and talks[1]["audio"].shape == (16_000,)
    assert talks[2]["clip"].shape == (1, 3, 224, 224) and len(talks[2]["audio"]) == 257
    (tmp_path / "d").mkdir()
    refuses(DataError, r"segment d of .* has neither face", lambda: open_challenge_talks(tmp_path))


def test_audio_of_another_rate_is_resampled(tmp_path: Path) -> None:
    """The original takes its samples for those of 16 kHz: chunks then hear other seconds."""
    write_audio(tmp_path / "s" / "audio" / "aud.wav", 1, 8000, rate_hz=8000)
    talks = open_challenge_talks(tmp_path)
    assert talks.span.tolist() == [[0, 30]] and len(talks[0]["audio"]) == 16_000


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("v/t/12.jpg", "not called <frame>_<unique"),
        ("v/t/x_1.jpg", "not called"),
        ("v.jpg", "no <"),
    ],
)
def test_folders_of_looks_that_are_none(tmp_path: Path, name: str, said: str) -> None:
    write_face(tmp_path / name, face(1, 1))
    refuses(DataError, said, lambda: open_challenge_looks(tmp_path))


def test_crops_that_are_none(tmp_path: Path) -> None:
    small = tmp_path / "v" / "t" / "00001_u.jpg"
    write_face(small, np.zeros((100, 224, 3), np.uint8))
    with pytest.raises(DataError, match=r"00001_u.jpg has shape \(100, 224, 3\)"):
        open_challenge_looks(tmp_path).frames(0)
    small.write_bytes(b"")
    refuses(DataError, "missing or no image", lambda: read_crop(small))
    refuses(UsageError, "stride of 0 crops", lambda: open_challenge_looks(tmp_path, stride=0))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "tells of no segment"),
        ({"seg0": {"frame_list": [1], "frame_num": 0}}, "segment seg0: expected"),
        ({"seg0": {"frame_list": ["1"], "frame_num": 3}}, "segment seg0: expected"),
        ({"seg0": {"frame_list": [], "frame_num": 3}}, "segment seg1 of .*the folder alone"),
        ("[", "line 1: not JSON"),
    ],
)
def test_seg_info_that_is_none(talks_folder: Path, tmp_path: Path, content: Any, said: str) -> None:
    path = tmp_path / "seg_info.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    refuses(DataError, said, lambda: open_challenge_talks(talks_folder, path))
    refuses(DataError, "no segment in", lambda: open_challenge_talks(tmp_path))
    (talks_folder / "seg0" / "face" / "x.jpg").write_bytes(b"")
    try:
        refuses(DataError, r"x.jpg is not called", lambda: open_challenge_talks(talks_folder))
    finally:
        (talks_folder / "seg0" / "face" / "x.jpg").unlink()
