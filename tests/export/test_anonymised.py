"""No pixel of a face is left in what an anonymised analysis writes, nor its voice."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from eyeline import corrections, load_analysis, sample
from eyeline.analysis import analyze_video
from eyeline.errors import UsageError
from eyeline.export import covers, to_rerun
from eyeline.export.catalogue import Catalogue
from eyeline.export.covers import Covers, Places, cover, hidden
from eyeline.jobs import write
from eyeline.people.detect import Faces
from eyeline.results import Analysis, Floats, Image, Part
from eyeline.settings import Settings
from eyeline.video.reader import VideoReader
from eyeline.viewer.recordings import recordings
from eyeline.viewer.results import details
from tests.conftest import Command

MakeAnalysis = Callable[..., Analysis]
PARTS = (Part(4.4, 5.0),)
"""Both look at each other, then one turns."""
ALIKE = 0.5
"""Correlation with a face from which on an image is one of it; the face itself has over 0.9, and
what is drawn over a covered one up to 0.36 by chance."""


@pytest.mark.parametrize(
    ("time_s", "left", "margin"),
    [
        (0.4, None, 0.0),
        (0.7, 0.0, covers.LOST_MARGIN),  # before the first place
        (1.0, 0.0, covers.MARGIN),
        (1.05, 5.0, covers.MARGIN),
        (2.1, 60.0, covers.LOST_MARGIN),  # lost for two seconds: on the way
        (3.5, 110.0, covers.LOST_MARGIN),  # gone for six
        (5.0, None, 0.0),
        (8.7, 500.0, covers.LOST_MARGIN),
        (9.1, 500.0, covers.MARGIN),
    ],
)
def test_a_lost_person_is_covered_on_the_way(
    time_s: float, left: float | None, margin: float
) -> None:
    x = np.array([0.0, 10.0, 110.0, 500.0])
    heads = np.stack([x, x, x + 40, x + 50], -1)
    near = Places(np.array([1.0, 1.1, 3.1, 9.0]), heads, heads[:, :2] + 20).near(time_s)
    if left is None:
        assert near is None
    else:
        assert near is not None
        assert (near[0][0], near[2]) == (pytest.approx(left), margin)


@dataclass
class FakeFrame:
    time_s: float
    index: int = 0


class Blind:
    """A detector that sees nobody."""

    def detect(self, frame: Any) -> Faces:
        return Faces.none()


class Once:
    """A detector that sees one face, in one image."""

    def detect(self, frame: Any) -> Faces:
        if frame.time_s != 1.0:
            return Faces.none()
        return Faces(np.array([[10.0, 10, 30, 40]]), np.ones(1), np.full((1, 5, 2), 20.0))


def test_a_face_that_nobody_follows_is_covered_for_a_while(make_analysis: MakeAnalysis) -> None:
    nobody = make_analysis(persons=0, frames=3)
    frames: list[Any] = [FakeFrame(k / 10) for k in range(25)]
    detector: Any = Once()
    covered = list(Covers(nobody, "faces", detector).of(frames))
    assert [frame for frame, _ in covered] == frames
    assert [frame.time_s for frame, boxes in covered if len(boxes)] == [0.8, 0.9, 1.0, 1.1, 1.2]


def test_what_is_hidden_contains_the_head() -> None:
    head, eyes = np.array([100.0, 100, 140, 150]), np.array([120.0, 118])
    face, bar, body = (hidden(what, head, eyes, 0.1) for what in ("faces", "eyes", "people"))
    assert face.tolist() == [96, 95, 144, 155]
    assert bar[0] < 100 and bar[2] > 140 and bar[1] < 118 < bar[3] < 140
    assert (body[:2] <= face[:2]).all() and body[3] > 150 + 6 * 50
    unknown = hidden("eyes", head, np.full(2, np.nan), 0.1)
    assert unknown.tolist() == face.tolist(), "without eyes the whole face"


@pytest.mark.parametrize(("kind", "left"), [("solid", 1), ("pixels", 16), ("blur", None)])
def test_what_covers_a_face_leaves_little_of_it(kind: Any, left: int | None) -> None:
    image = np.random.default_rng(3).integers(0, 255, (80, 120, 3)).astype(np.uint8)
    before = image.copy()
    cover(image, np.array([[-20.0, 10, 60, 70], [200.0, 0, 210, 9]]), kind)
    inside = image[10:70, :60]
    assert (image[:, 60:] == before[:, 60:]).all() and (image[70:] == before[70:]).all()
    if left is not None:
        assert len(np.unique(inside.reshape(-1, 3), axis=0)) == left
    assert alike(inside[..., 0], before[10:70, :60, 0]) < ALIKE


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"anonymise": "ears"}, "--anonymise ears; must be one of faces, eyes, people"),
        ({"anonymise": "faces", "cover": "fog"}, "must be one of solid, pixels, blur"),
        ({"cover": "blur"}, "--cover belongs to --anonymise"),
        ({"plain": True}, "--plain belongs to --anonymise"),
        ({"voice": "none"}, "--voice belongs to --anonymise"),
    ],
)
def test_choices_that_cannot_be_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Settings(**options)


def test_a_wrong_choice_ends_the_command_at_once(eyeline: Command, tmp_path: Path) -> None:
    ended = eyeline("analyze", sample.path(), "-o", tmp_path / "out", "--anonymise", "ears")
    assert ended.code == 2 and len(ended.err.splitlines()) == 1 and not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def shown() -> dict[int, Image]:
    """The original images of the parts by millisecond."""
    reader = VideoReader(sample.path(), parts=PARTS)
    return {round(f.time_s * 1000): f.rgb() for f in reader}


@dataclass(frozen=True)
class Written:
    folder: Path
    what: str
    sent: list[Image]
    """Images that the Rerun scene was given."""


@pytest.fixture(scope="module", params=["faces", pytest.param("eyes", marks=pytest.mark.slow)])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    pytest.importorskip("rerun")
    what, folder = request.param, tmp_path_factory.mktemp("anonymised")
    settings = Settings(
        systems=("eye_contact",), parts=PARTS, anonymise=what, plain=True, rerun=True
    )
    done = analyze_video(sample.path(), settings)
    assert all(p.thumbnail is None for p in done.persons) and len(done.persons) == 2
    sent: list[Image] = []
    jpeg = to_rerun._jpeg
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(to_rerun, "_jpeg", lambda rgb: sent.append(rgb) or jpeg(rgb))
        write(done, sample.path(), folder, "mark", settings)
    return Written(folder, what, sent)


def test_no_pixel_of_a_face_is_in_the_copies(written: Written, shown: dict[int, Image]) -> None:
    for name, limit in (("anonymised.mp4", 0.2), ("annotated.mp4", ALIKE)):
        check_covered(written, shown, written.folder / name, limit)


def check_covered(written: Written, shown: dict[int, Image], copy_path: Path, limit: float) -> None:
    people, compared = load_analysis(written.folder).people, 0
    for time_s, image in frames_of(copy_path):
        original = shown.get(round(time_s * 1000))
        if original is None:
            continue
        for row in np.flatnonzero(np.abs(people.time_s - time_s) < 1e-3):
            box = people.box_xyxy[row]
            if written.what == "eyes":
                x, y = people.eyes_px[row]
                half = 0.35 * (box[2] - box[0])
                box = np.array([x - half, y - half / 2, x + half, y + half / 2])
            face, copy = (cut(one, box) for one in (original, image))
            assert alike(face, face) > 0.9, "the face itself would be noticed"
            assert alike(copy, face) < limit, (copy_path, time_s)
            compared += 1
    assert compared >= 2 * len(shown) - 2, copy_path


CORRECTIONS = (
    {"kind": "name_person", "person": 1, "name": "mother"},
    {"kind": "split_person", "person": 1, "at_s": 4.7},
    {"kind": "delete_face", "person": 2, "from_s": 0.0},
)


def test_corrections_bring_no_face_back(
    written: Written, shown: dict[int, Image], tmp_path: Path
) -> None:
    folder = tmp_path / "talk"
    shutil.copytree(written.folder, folder)
    for one in CORRECTIONS:
        corrections.append(folder, one)
    with pytest.MonkeyPatch.context() as patch:  # what a detector sees is covered anyhow
        patch.setattr(covers, "CenterFace", lambda *_: Blind())
        corrections.rewrite(folder, sample.path(), annotated=True)
    check_covered(written, shown, folder / "corrected/annotated.mp4", ALIKE)
    for path in (folder / "corrected").rglob("*"):
        assert not [*images_in(path)], path
    assert not (folder / "corrected/thumbnails").exists()
    assert "data:image" not in (folder / "corrected/report.html").read_text()
    page = details(recordings(Catalogue(folder))[0])
    assert [person["thumbnail"] for person in page["persons"]] == [None, None]


def test_no_image_in_any_output_shows_a_face(written: Written, shown: dict[int, Image]) -> None:
    for path in written.folder.rglob("*"):
        assert not [*images_in(path)], path
    assert not (written.folder / "thumbnails").exists()
    assert "data:image" not in (written.folder / "report.html").read_text()
    people = load_analysis(written.folder).people
    original = next(iter(shown.values()))
    face = cut(original, people.box_xyxy[0])
    scale = written.sent[0].shape[1] / original.shape[1]
    face = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)

    def best_match(image: Image) -> float:
        match = cv2.matchTemplate(gray(image), face, cv2.TM_CCOEFF_NORMED)
        return float(match[np.isfinite(match)].max())

    before = cv2.resize(original, written.sent[0].shape[1::-1], interpolation=cv2.INTER_AREA)
    assert best_match(before) > 0.95, "the search knows a face where there is one"
    assert max(map(best_match, written.sent)) < 0.75


def test_the_search_for_images_finds_those_of_a_usual_analysis(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    usual = make_analysis(persons=1, frames=5)
    write(usual, sample.path(), tmp_path, "mark", Settings(video=False))
    assert [path.name for path in tmp_path.rglob("*") if [*images_in(path)]] == ["person_1.png"]
    assert "data:image" in (tmp_path / "report.html").read_text()


def test_voices_are_lower_and_in_their_place(written: Written) -> None:
    original, copy = (
        audio_of(p, PARTS[0]) for p in (sample.path(), written.folder / "anonymised.mp4")
    )
    n = min(len(original), len(copy))
    level = [np.convolve(np.abs(x[:n]), np.ones(4800) / 4800, "same") for x in (original, copy)]
    assert alike(*level) > 0.8, "the same pace"
    spectra = [np.abs(np.fft.rfft(x[:n])) ** 2 for x in (original, copy)]
    centre = [float((s * np.arange(len(s))).sum() / s.sum()) for s in spectra]
    assert centre[1] < 0.9 * centre[0]


def test_the_page_plays_a_copy_and_nothing_links_the_original(written: Written) -> None:
    assert "annotated.mp4" in (written.folder / "report.html").read_text()
    eaf = (written.folder / "timeline.eaf").read_text()
    assert re.findall(r'RELATIVE_MEDIA_URL="([^"]*)"', eaf) == ["./annotated.mp4"]


def cut(image: Image, box: Floats) -> Image:
    left, top, right, bottom = np.clip(np.round(box), 0, None).astype(int)
    return gray(image)[top:bottom, left:right]


def gray(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def alike(a: Any, b: Any) -> float:
    """Size of the correlation of two arrays; 0 where one is flat, up to the noise of a codec."""
    a, b = (np.asarray(one, np.float64) - np.mean(one) for one in (a, b))
    floor = 1e-9 if a.ndim == 1 else 4.0
    return float(abs((a * b).mean()) / (max(a.std(), floor) * max(b.std(), floor)))


def frames_of(path: Path) -> Iterator[tuple[float, Image]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield float(frame.time), frame.to_ndarray(format="rgb24")


def audio_of(path: Path, part: Part) -> Floats:
    from eyeline.video.audio import read_audio

    blocks = read_audio(path, 48000, start_s=0.0)
    samples = np.concatenate([block.samples for block in blocks])
    return samples[round(part.start_s * 48000) : round(part.end_s * 48000)]


def images_in(path: Path) -> Iterator[Image]:
    """Whatever JPEG or PNG images lie in a file, however they are packed."""
    data = path.read_bytes() if path.is_file() else b""
    for mark in (b"\xff\xd8\xff", b"\x89PNG\r\n"):
        for match in re.finditer(re.escape(mark), data):
            image = cv2.imdecode(np.frombuffer(data[match.start() :], np.uint8), cv2.IMREAD_COLOR)
            if image is not None:
                yield np.asarray(image[..., ::-1], np.uint8)
