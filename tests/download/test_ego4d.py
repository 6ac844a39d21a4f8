"""Ego4D through a program that behaves as `ego4d` does, into what both systems prepare."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eyeline.download import datasets, ego4d, folders, item
from eyeline.download.item import Request
from eyeline.errors import DataError, UsageError
from eyeline.system import load_system
from eyeline.video.reader import probe
from tests.conftest import Command

from .conftest import Reply, Server
from .test_folders import entry, page

PROGRAM = """#!{python}
import json, pathlib, shutil, sys
arguments = sys.argv[1:]
bucket = pathlib.Path({bucket!r})
with (bucket.parent / "calls.txt").open("a") as file:
    file.write(json.dumps(arguments) + "\\n")
out = pathlib.Path(arguments[arguments.index("--output_directory") + 1]) / "v2"
uids = None
if "--video_uid_file" in arguments:
    uids = pathlib.Path(arguments[arguments.index("--video_uid_file") + 1]).read_text().split()
for dataset in arguments[arguments.index("--datasets") + 1:]:
    (out / dataset).mkdir(parents=True, exist_ok=True)
    for path in (bucket / dataset).iterdir():
        if dataset != "full_scale" or uids is None or path.stem in uids:
            shutil.copy(path, out / dataset)
lacking = [uid for uid in uids or () if not (bucket / "full_scale" / (uid + ".mp4")).exists()]
if lacking:
    sys.exit("RuntimeError: could not be found in the manifest: " + lacking[0])
"""
Program = Callable[[Path], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts `ego4d`, which copies from a folder, on the path; its calls come to `calls.txt`."""

    def install(bucket: Path) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        path = folder / "ego4d"
        path.write_text(PROGRAM.format(python=sys.executable, bucket=str(bucket)))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        return bucket.parent / "calls.txt"

    return install


def calls(path: Path) -> list[list[str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def social(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bucket of full-length videos with two clips each, as Ego4D keeps them."""
    made = tmp_path_factory.mktemp("social") / "made"
    load_system("ego_social").synthesize(  # type: ignore[misc]
        made, clips=2, val_clips=1, seconds=4, width_px=160, full_length=True
    )
    bucket = made.with_name("bucket")
    shutil.copytree(made / "full_scale", bucket / "full_scale")
    shutil.copytree(made / "json", bucket / "annotations")
    shutil.copytree(made / "split", made.with_name("split"))
    return bucket


@pytest.fixture
def splits(social: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The lists of the small set in place of the published ones."""
    folder = social.with_name("split")
    monkeypatch.setattr(ego4d, "SPLITS", folder)
    return tuple(
        uid for n in ("train", "val") for uid in (folder / f"{n}.list").read_text().split()
    )


@pytest.mark.slow
def test_clips_of_the_social_benchmark(
    social: Path, splits: tuple[str, ...], program: Program, tmp_path: Path
) -> None:
    log = program(social)
    log.unlink(missing_ok=True)
    request = Request("ego4d/social", tmp_path / "ego4d")
    assert datasets.check(request).gb == pytest.approx(3 * 2 / 12)
    lines: list[str] = []
    received = datasets.get(request, log=lines.append)
    assert not received.failed and received.folder == tmp_path / "ego4d/v2"
    clips = sorted((received.folder / "videos").iterdir())
    assert [p.stem for p in clips] == sorted(splits)
    assert all(abs(probe(path).duration_s - 4) < 0.1 for path in clips)
    assert any("copied without encoding" in line for line in lines), "those that begin a video"
    assert not [*(received.folder / "full_scale").iterdir()], "videos are removed"
    each = calls(log)
    datasets_asked = [one[-1] for one in each]
    assert datasets_asked == ["annotations", "full_scale", "full_scale"]
    assert all("--yes" in one and one[one.index("--version") + 1] == "v2_1" for one in each)
    assert datasets.check(request).gb == 0 and not datasets.get(request).failed
    assert len(calls(log)) == len(each), "what is there is not asked for again"
    prepare = load_system("ego_social").prepare["ego4d"]
    summary = prepare(received.folder, tmp_path / "prepared")
    assert not summary.failed
    assert summary.as_dict()["clips"] == {"done": 3}


@pytest.mark.slow
def test_a_video_that_the_command_does_not_bring_costs_its_clips(
    social: Path, splits: tuple[str, ...], program: Program, tmp_path: Path
) -> None:
    bucket = tmp_path / "bucket"
    shutil.copytree(social, bucket)
    document = json.loads((bucket / "annotations/av_val.json").read_text())
    (bucket / "full_scale" / f"{document['videos'][0]['video_uid']}.mp4").unlink()
    program(bucket)
    request = Request("ego4d/social", tmp_path / "ego4d", only=(splits[-1],))
    received = datasets.get(request)
    assert [*received.failed] == [splits[-1]]
    assert "could not be found in the manifest" in received.failed[splits[-1]]
    with pytest.raises(UsageError, match="ego4d/social has no another"):
        datasets.get(Request("ego4d/social", tmp_path / "ego4d", only=("another",)))


def test_without_annotations_it_stops(program: Program, tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    (bucket / "annotations").mkdir(parents=True)
    program(bucket)
    with pytest.raises(DataError, match=r"ego4d did not bring .*av_train.json"):
        datasets.get(Request("ego4d/social", tmp_path / "ego4d"))


@pytest.mark.slow
def test_the_gaze_videos(
    server: Server, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, bucket = tmp_path / "made", tmp_path / "bucket"
    system = load_system("gaze_anticipation")
    system.synthesize(made, videos=2, test_videos=1, seconds=12, width_px=96)  # type: ignore[misc, call-arg]
    shutil.copytree(made / "full_scale.gaze", bucket / "full_scale")
    shutil.copytree(made / "gaze", bucket / "gaze")
    log = program(bucket)
    monkeypatch.setattr(item, "url_of", lambda one: f"{server.address}/{one.path}")
    names = ("train_ego4d_gaze.csv", "test_ego4d_gaze.csv", "ego4d_gaze_untracked.csv")
    for name in names:
        server.set(
            f"/data/{name}",
            Reply(next(made.rglob(name)).read_bytes() or b"a,00:00:01,00:00:02,1\n"),
        )
    monkeypatch.setattr(folders, "drive_url", lambda key: f"{server.address}/{key}")
    monkeypatch.setattr(folders, "LISTING", f"{server.address}/list/")
    audio = next((made / "missing_audio").iterdir())
    key = "1iZuuRiflog9AazCtLXa9PbIYg-S3vENs"
    server.set(f"/list/{key}", page(entry("a" * 30, audio.name)))
    server.set(f"/{'a' * 30}", Reply(audio.read_bytes()))
    request = Request("ego4d/gaze", tmp_path / "ego4d")
    assert datasets.check(request).gb == 58
    received = datasets.get(request)
    assert not received.failed
    (arguments,) = calls(log)
    assert arguments[arguments.index("--datasets") + 1 :] == ["full_scale", "gaze"]
    assert (received.folder / "missing_audio" / audio.name).is_file()
    summary = system.prepare["ego4d"](received.folder, tmp_path / "prepared")
    assert not summary.failed and datasets.check(request).gb == 0
    server.set(f"/list/{key}", Reply(b"", 404))
    for path in (*bucket.rglob("*.csv"), audio, received.folder / "missing_audio" / audio.name):
        path.unlink()
    shutil.rmtree(received.folder / "gaze")
    failed = datasets.get(request).failed
    assert "Open https://drive.google.com/drive/folders/" in failed["missing_audio"]
    assert len(failed) == 4 and all(n in ("missing_audio", n) for n in failed)


def test_without_the_program(
    tmp_path: Path, eyeline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    arguments = ("-o", tmp_path, "--accept-licence", "--yes")
    ended = eyeline("download", "ego4d/gaze", *arguments)
    assert ended.code == 2 and "pip install 'eyeline[ego4d]'" in ended.err
    given = eyeline("download", "ego4d/gaze", "--from", tmp_path, *arguments)
    assert given.code == 2 and "--from is not for ego4d/gaze" in given.err
