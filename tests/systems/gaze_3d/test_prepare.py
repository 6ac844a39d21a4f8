from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from eyeline.datasets import listed
from eyeline.datasets.prepare import REPORT
from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_3d import cropping, data, prepare, splits, synthesize
from eyeline.systems.gaze_3d.inputs import crop_body
from eyeline.systems.gaze_3d.raw import read_annotation
from eyeline.systems.gaze_3d.recordings import open_recording
from tests.systems.gaze_3d.conftest import Golden
from tests.systems.gaze_3d.test_raw import annotation

CAMERA = "made/000/Camera1_0"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "set"
    synthesize.run(root, sessions=2, test_sessions=1, cameras=2, frames=12, width_px=240, seed=4)
    return root


@pytest.fixture
def source(made: Path, tmp_path: Path) -> Path:
    """A copy of the synthetic set, to be damaged."""
    shutil.copytree(made, tmp_path / "source")
    return tmp_path / "source"


def test_a_raw_camera_becomes_the_crops_of_the_original_code(
    tmp_path: Path, golden: Golden
) -> None:
    known = golden("preprocess")
    folder = tmp_path / "raw" / "lab" / "s1" / "Camera1_0"
    folder.mkdir(parents=True)
    for i, coarse in enumerate(known["raw_coarse"]):
        large = coarse.repeat(26, axis=0).repeat(26, axis=1)
        cv2.imwrite(str(folder / f"{i:06d}.png"), large[..., ::-1])
    content = annotation(4) | {"keypoints2d": known["keypoints"]}
    folder.with_name("Camera1_0.pkl").write_bytes(pickle.dumps(content))

    summary = prepare.run(tmp_path / "raw", tmp_path / "out", quality=0)
    assert summary.as_dict()["skipped_frames"] == {"no joint of the head": 1}
    recording = open_recording(tmp_path / "out/lab/s1/Camera1_0", "c")
    np.testing.assert_array_equal(recording.rows.frame, known["valid_index"])
    np.testing.assert_array_equal(recording.rows.head_box, known["head_bb"])
    np.testing.assert_array_equal(recording.rows.body_box, known["body_bb"])
    difference = np.abs(recording.crop(0).astype(int) - known["crop_first_full"])
    assert difference.max() <= 1


def test_all_that_is_annotated_is_carried_over(made: Path, tmp_path: Path) -> None:
    known: list[str] = []
    summary = prepare.run(made, tmp_path / "out", log=known.append)
    assert not summary.failed
    assert summary.as_dict()["recordings"] == {"done": 6}
    assert len(known) == 6
    raw = read_annotation(made / "raw_data" / f"{CAMERA}.pkl")
    recording = open_recording(tmp_path / "out" / CAMERA, CAMERA)
    rows = recording.rows
    for ours, theirs in (
        (rows.gaze, raw.gaze),
        (rows.head, raw.head),
        (rows.body, raw.body),
        (rows.joints, raw.joints),
        (rows.head_position, raw.head_position),
    ):
        np.testing.assert_array_equal(ours, theirs[rows.frame].astype(np.float32))
    np.testing.assert_array_equal(rows.rotation, raw.rotation.astype(np.float32))
    image = cv2.imread(str(made / "raw_data" / CAMERA / "000003.jpg"))
    assert image is not None
    row = rows.frame.tolist().index(3)
    crop = crop_body(image[..., ::-1].copy(), rows.body_box[row])
    assert np.abs(recording.crop(row).astype(int) - crop).mean() < 2  # JPEG again


def test_lists_and_intrinsics_come_along_and_windows_open(made: Path, tmp_path: Path) -> None:
    prepare.run(made, tmp_path / "out")
    assert (tmp_path / "out/intrinsics.npz").is_file()
    assert not (tmp_path / "out" / cropping.WORK).exists()
    train = splits.read("gafa_train.txt", tmp_path / "out")
    assert train == ("made/000", "made/001")
    windows = data.open_split(tmp_path / "out", train)
    assert len(windows) > 5
    assert not windows.left_out
    assert np.isfinite(windows[0]["clip"].numpy()).all()


def test_a_damaged_image_costs_itself(source: Path, tmp_path: Path) -> None:
    folder = source / "raw_data" / CAMERA
    whole = (folder / "000003.jpg").read_bytes()
    (folder / "000003.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "000005.jpg").unlink()
    (folder / "cover.jpg").write_bytes(whole)
    (folder / "000012.jpg").write_bytes(whole)
    summary = prepare.run(source, tmp_path / "out")
    assert not summary.failed
    outcome = next(o for o in summary.outcomes if o.name == CAMERA)
    assert outcome.counts["skipped"] == {
        "file name is no frame number, or one that there is already": 1,
        "image beyond the annotation": 1,
        "damaged image": 1,
        "no image": 1,
    }
    assert outcome.counts["examples"]["damaged image"] == ["000003.jpg"]
    assert outcome.counts["examples"]["no image"] == ["000005"]
    rows = open_recording(tmp_path / "out" / CAMERA, CAMERA).rows
    assert sorted({*range(12)} - {*rows.frame.tolist()}) == [3, 5]
    report = json.loads((tmp_path / "out" / REPORT).read_text())
    assert report["skipped_by_recording"][CAMERA]["damaged image"] == 1


def test_frames_that_cannot_be_used_are_counted_by_reason(source: Path, tmp_path: Path) -> None:
    path = source / "raw_data" / f"{CAMERA}.pkl"
    content = pickle.loads(path.read_bytes())
    joints = content["keypoints2d"]
    joints[0, [0, 1, 15, 16, 17, 18]] = 0
    joints[1, [0, 1, 15, 16, 17, 18], :2] = [0, 50]
    joints[2] = np.tile([30, 40, 1], (25, 1))
    joints[3, :, :2] += 1000
    content["gaze"]["direction"][4] = 0
    content["head"]["direction"][5] = np.nan
    path.write_bytes(pickle.dumps(content))
    outcome = prepare.run(source, tmp_path / "out").outcomes[0]
    assert outcome.counts["skipped"] == {
        "no joint of the head": 1,
        "no whole joint of the head": 1,
        "body box without extent": 1,
        "body box outside the image": 1,
        "direction without length": 2,
    }
    assert outcome.counts["frames"] == 6


def test_a_head_seen_by_its_neck_alone_is_kept_with_an_empty_mask(
    source: Path, tmp_path: Path
) -> None:
    path = source / "raw_data" / f"{CAMERA}.pkl"
    content = pickle.loads(path.read_bytes())
    content["keypoints2d"][0, [0, 15, 16, 17, 18]] = 0
    path.write_bytes(pickle.dumps(content))
    prepare.run(source, tmp_path / "out")
    windows = data.open_split(tmp_path / "out", ["made/000"])
    masks = windows[0]["head_mask"].sum(dim=(1, 2, 3))
    assert masks[0] == 0
    assert (masks[1:] > 0).all()


def test_a_damaged_camera_costs_itself_and_is_named(source: Path, tmp_path: Path) -> None:
    session = source / "raw_data" / "made" / "000"
    (session / "Camera1_0.pkl").write_bytes(b"nothing")
    shutil.rmtree(session / "Camera2_0")
    summary = prepare.run(source, tmp_path / "out")
    failed = {o.name: o.message for o in summary.failed}
    assert "damaged" in failed[CAMERA]
    assert failed["made/000/Camera2_0"] == "no folder of images"
    assert summary.as_dict()["recordings"] == {"failed": 2, "done": 4}
    lacks = f"2 of 4 listed cameras are not here: {CAMERA}, made/000/Camera2_0"
    assert listed.notes(tmp_path / "out", "gafa_train.txt") == (lacks,)
    assert listed.notes(tmp_path / "out", "gafa_test.txt") == ()


def test_a_damaged_list_is_refused_before_any_work(source: Path, tmp_path: Path) -> None:
    path = next(source.rglob("gafa_train.txt"))
    path.write_bytes(b"\xd6\xff")
    with pytest.raises(DataError, match=r"no list of sessions 'gafa_train\.txt'"):
        prepare.run(source, tmp_path / "out")
    assert not (tmp_path / "out" / "made").exists()


def test_a_run_that_was_stopped_goes_on(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, cut = tmp_path / "out", cropping.crop_body
    calls = []

    def counting(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return cut(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(cropping, "crop_body", counting)
    stop = 5
    with pytest.raises(KeyboardInterrupt):
        prepare.run(made, out, sessions=("made/000",))
    assert not (out / CAMERA).exists()
    stop = 0
    calls.clear()
    summary = prepare.run(made, out, sessions=("made/000",))
    assert len(calls) == sum(o.counts["frames"] for o in summary.outcomes) - 4
    calls.clear()
    again = prepare.run(made, out, sessions=("made/000",))
    assert not calls
    assert again.as_dict() == summary.as_dict() | {"recordings": {"kept": 2}}


def test_another_way_of_preparing_is_not_mixed_in(made: Path, tmp_path: Path) -> None:
    prepare.run(made, tmp_path / "out", sessions=("made/000",))
    summary = prepare.run(made, tmp_path / "out", sessions=("made/000",), degrade=False)
    assert len(summary.failed) == 2
    assert "'degrade': True" in summary.failed[0].message


def test_processes_side_by_side_make_the_same(made: Path, tmp_path: Path) -> None:
    names = ("made/000",)
    one = prepare.run(made, tmp_path / "one", sessions=names)
    two = prepare.run(made, tmp_path / "two", sessions=names, jobs=2)
    assert one == two
    for path in sorted((tmp_path / "one" / "made").rglob("*.jpg")):
        twin = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == twin.read_bytes()


def test_what_cannot_be_prepared_is_reported(made: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="session made/009"):
        prepare.run(made, tmp_path / "out", sessions=("made/009",))
    with pytest.raises(UsageError, match="jobs is 0; must be at least 1"):
        prepare.run(made, tmp_path / "out", jobs=0)


def test_damaged_intrinsics_are_named(source: Path, tmp_path: Path) -> None:
    (source / "raw_data" / "intrinsics.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"intrinsics\.npz"):
        prepare.run(source, tmp_path / "out")
