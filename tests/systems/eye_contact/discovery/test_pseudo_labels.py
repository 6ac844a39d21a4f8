"""From a prepared root to labels and the training list: what is used, kept and left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.eye_contact.discovery import pseudo_labels
from eyeline.systems.eye_contact.discovery.gaze_points import read_training
from eyeline.systems.eye_contact.discovery.pseudo_labels import Limits, run
from eyeline.systems.eye_contact.discovery.sources import VideoName
from eyeline.systems.eye_contact.recipe import read_recipe
from eyeline.systems.eye_contact.self_training import open_split
from eyeline.systems.eye_contact.tracklets import read_list
from tests.systems.eye_contact.discovery.roots import add_video

ONE, TWO = VideoName("id1", "aaa"), VideoName("id2", "bbb")


def label(folder: Path, number: int) -> list[int]:
    with np.load(folder / "processed" / f"pl_{number:03d}.npz") as file:
        return [int(value) for value in file["label"]]


def test_frames_that_look_at_one_place_are_contact(tmp_path: Path) -> None:
    folder = add_video(tmp_path, ONE)
    summary = run(tmp_path)
    first = np.array(label(folder, 0))
    assert (first[::2] == 1).mean() > 0.8
    assert (first[1::2] == 1).mean() < 0.1
    assert label(folder, 2)[99:] == [-1] * 101  # no gaze point is left from frame 1599 on
    frame, optics = read_training(folder / "training.csv")
    assert len(frame) == 1600 and set(optics) == {0, 1}
    (video,) = summary.labelled
    assert video.contact + video.no_contact + video.unknown == 550
    assert (video.fits, video.points, video.unknown) == (1, 1600, 101)


def test_the_list_names_labelled_tracklets_with_features_in_order(tmp_path: Path) -> None:
    add_video(tmp_path, TWO)
    add_video(tmp_path, ONE)
    add_video(tmp_path, VideoName("id3", "ccc"), feature=False)
    summary = run(tmp_path, min_length=151)
    rows = read_list(tmp_path / "voxdataset_train.csv")
    assert [(*row.key, row.start, row.end) for row in rows] == [
        ("id1", "aaa", "000", 0, 200), ("id1", "aaa", "002", 1500, 1700),
        ("id2", "bbb", "000", 0, 200), ("id2", "bbb", "002", 1500, 1700),
    ]  # fmt: skip
    assert summary.tracklets == 4 and len(summary.labelled) == 3


def test_what_is_done_is_kept_and_made_anew_for_other_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_video(tmp_path, ONE)
    run(tmp_path)
    before = {p.name: p.read_bytes() for p in (folder / "processed").iterdir()}
    with monkeypatch.context() as patched:
        patched.setattr(pseudo_labels, "cluster", lambda *_: pytest.fail("clustered again"))
        assert run(tmp_path).labelled[0].kept
    assert {p.name: p.read_bytes() for p in (folder / "processed").iterdir()} == before
    (folder / "processed" / "pl_001.npz").unlink()
    assert not run(tmp_path).labelled[0].kept
    assert {p.name: p.read_bytes() for p in (folder / "processed").iterdir()} == before
    assert run(tmp_path, m_eps=12).labelled[0].eps_mm == 12


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"frames": 2900}, "116 seconds; 120 to 720 are used"),
        ({"frames": 19000}, "760 seconds"),
        ({"points": 1499}, "1499 gaze points; 1500 to 30000"),
        ({"spans": ((0, 200),)}, "1 tracklets; at least 2"),
    ],
)
def test_videos_that_do_not_fit_are_named_with_the_reason(
    tmp_path: Path, how: dict[str, object], reason: str
) -> None:
    add_video(tmp_path, ONE, **how)  # type: ignore[arg-type]
    add_video(tmp_path, TWO)
    summary = run(tmp_path)
    assert list(summary.skipped) == ["id1/aaa"]
    assert reason in summary.skipped["id1/aaa"]
    report = json.loads((tmp_path / "labels_report.json").read_text())
    assert report["skipped"] == dict(summary.skipped)
    assert {row.celebrity for row in read_list(tmp_path / "voxdataset_train.csv")} == {"id2"}


def test_the_bounds_are_inside(tmp_path: Path) -> None:
    add_video(tmp_path, ONE, frames=3000, points=1500)
    assert not run(tmp_path).skipped


def test_points_that_miss_the_cylinder_count_before_but_not_after(tmp_path: Path) -> None:
    folder = add_video(tmp_path, ONE, points=1500)
    table = folder / "fixations.csv"
    lines = table.read_text().splitlines()
    lines[1] = "0,0.0,0.0,0.0,0.0,0.0"
    table.write_text("\n".join(lines) + "\n")
    assert "1499 gaze points on the cylinder" in run(tmp_path).skipped["id1/aaa"]


def test_a_video_without_clusters_is_left_out(tmp_path: Path) -> None:
    folder = add_video(tmp_path, ONE)
    lines = ["frame,x,y,z,camera_x,camera_y"]
    lines += [
        f"{n},{-np.sin(n) * 1000},{n * 97 % 4000},{np.cos(n) * 1000},0,0" for n in range(3050)
    ]
    (folder / "fixations.csv").write_text("\n".join(lines) + "\n")
    assert "no cluster" in run(tmp_path, most_fits=2).skipped["id1/aaa"]


def test_limits_of_the_run_before_are_kept(tmp_path: Path) -> None:
    add_video(tmp_path, ONE, frames=1000, points=900, spans=((0, 200), (300, 400)))
    run(tmp_path, limits=Limits(seconds=(10, 60), points=(100, 1000)))
    again = run(tmp_path)
    assert again.labelled[0].kept


def test_a_root_without_videos_and_settings_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no prepared video"):
        run(tmp_path)
    add_video(tmp_path, ONE)
    with pytest.raises(UsageError, match="m_eps"):
        run(tmp_path, m_eps=0)
    with pytest.raises(UsageError, match="no range"):
        Limits(points=(10, 5))


def test_a_damaged_table_is_named_with_its_line(tmp_path: Path) -> None:
    folder = add_video(tmp_path, ONE)
    lines = (folder / "fixations.csv").read_text().splitlines()
    lines[7] = "6,1.0,oops,2.0,0.0,0.0"
    (folder / "fixations.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        DataError, match=r"fixations\.csv, line 8: y is 'oops', expected a finite number"
    ):
        run(tmp_path)


def test_progress_names_each_video(tmp_path: Path) -> None:
    add_video(tmp_path, ONE)
    add_video(tmp_path, TWO, spans=((0, 200),))
    known: list[str] = []
    run(tmp_path, progress=known.append)
    assert known[0].startswith("labels [1/2] id1/aaa: ") and "frames of contact" in known[0]
    assert "left out" in known[1]


def tracklets_listed(root: Path) -> set[str]:
    return {row.video for row in read_list(root / "voxdataset_train.csv")}


def test_prepared_videos_of_the_test_are_not_trained_on(tmp_path: Path) -> None:
    """As where tracklets were made of all videos before the list of the test was there."""
    add_video(tmp_path, ONE)
    add_video(tmp_path, TWO)
    run(tmp_path)
    assert tracklets_listed(tmp_path) == {"aaa", "bbb"}
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "meta_list.csv").write_text("celebrity_id,video_name\nid1,aaa\n")
    assert "of the test" in run(tmp_path).skipped["id1/aaa"]
    assert tracklets_listed(tmp_path) == {"bbb"}


def test_what_was_left_out_once_stays_so_when_training_labels_anew(tmp_path: Path) -> None:
    add_video(tmp_path, ONE)
    add_video(tmp_path, TWO)
    run(tmp_path, leave_out=["bbb"])
    run(tmp_path, m_eps=12)
    assert tracklets_listed(tmp_path) == {"aaa"}
    run(tmp_path, leave_out=[])
    assert tracklets_listed(tmp_path) == {"aaa", "bbb"}


def test_folders_as_the_readme_calls_them_are_found_in_the_root_of_the_authors(
    tmp_path: Path,
) -> None:
    folder = add_video(tmp_path / "randomVox", ONE)
    folder.rename(folder.with_name("aaa_25fps"))
    run(tmp_path)
    assert tracklets_listed(tmp_path / "randomVox") == {"aaa"}
    recipe = read_recipe(
        {"data": {"labels": "clusters"}, "model": {"builder": "ms_tcn2"}, "training": {"rounds": 1}}
    )
    split = open_split(tmp_path, recipe)
    assert len(split.everything) == 3 and split.everything[0].features.shape == (200, 4)
