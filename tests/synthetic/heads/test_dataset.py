"""Shards of rendered heads: what is read is what was rendered, and a run is resumed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eyeline.datasets.prepare import LOCKS
from eyeline.errors import DataError, OutputError
from eyeline.files import locked
from eyeline.synthetic.heads import dataset, samples
from eyeline.synthetic.heads.dataset import open_heads
from tests.conftest import Command

COUNT = 5


@pytest.fixture(scope="module")
def folder(rendering: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "heads"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "SHARD", 3)
        dataset.run(out, seed=7, count=COUNT)
    return out


def test_what_is_read_is_what_was_rendered(folder: Path) -> None:
    heads = open_heads(folder)
    assert len(heads) == COUNT and heads.labels["index"].tolist() == list(range(COUNT))
    for sample in samples.samples(7, 0, COUNT):
        image = heads.image(sample.index).astype(float)
        assert np.abs(image - sample.image).mean() < 4
        truth = sample.labels
        for name in ("rotation", "landmarks_px", "gaze", "contour_px", "eye_matrix", "opening"):
            assert heads.labels[name][sample.index] == pytest.approx(getattr(truth, name), rel=1e-5)
        assert heads.labels["eye_centres"][sample.index] == pytest.approx(truth.eyes, rel=1e-5)
        assert heads.labels["has_eyes"][sample.index] == (sample.eyes is not None)
        if sample.eyes is not None:
            assert np.abs(heads.eyes(sample.index).astype(float) - sample.eyes).mean() < 4
    some = heads.subset(np.array([4, 1]))
    assert np.array_equal(some.image(1), heads.image(1))


def test_only_what_is_missing_is_rendered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "SHARD", 3)
    second = dataset.shard_path(folder, 1)
    whole, kept = second.read_bytes(), dataset.shard_path(folder, 0).stat().st_mtime_ns
    second.write_bytes(whole[: len(whole) // 2])
    log: list[str] = []
    dataset.run(folder, seed=7, count=COUNT, log=log.append)
    assert second.read_bytes() == whole, "the same seed and number, the same bytes"
    assert dataset.shard_path(folder, 0).stat().st_mtime_ns == kept
    assert log[0] == "1 of 2 shards are there" and len(log) == 2


def test_what_another_process_renders_or_has_rendered_is_left_to_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "SHARD", 3)
    with locked(tmp_path / LOCKS / "heads-00000.lock"):
        assert dataset._render(tmp_path, 7, 0, 3) == "heads-00000.arrow: in work elsewhere"
    assert dataset._render(folder, 7, 3, 2) == "heads-00001.arrow: is there"
    assert not list(tmp_path.glob("*.arrow")) and not (folder / LOCKS).exists()


def test_a_folder_of_another_seed_is_left(folder: Path) -> None:
    with pytest.raises(DataError, match="seed 7 and format 1, not 8"):
        dataset.run(folder, seed=8, count=COUNT)


def test_a_folder_of_something_else_is_left(rendering: None, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something else"):
        dataset.run(tmp_path, count=1)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format": 0, "seed": 1, "count": 4}, "format 0"),
        ({"format": 1, "seed": 1, "count": 4}, "no shards"),
        ([1, 2], "no file of"),
    ],
)
def test_what_is_not_rendered_heads(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / dataset.SETTINGS).write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        open_heads(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("heads", "--set", "jobs=0"), "jobs is 0; must be at least 1"),
        (("heads", "--count", "0"), "count is 0; must be at least 1"),
        (("gaze_3d", "--count", "4"), "--count is for `heads` alone"),
    ],
)
def test_wrong_options_are_named(
    rendering: None, eyeline: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = eyeline("synthesize", *arguments, "--out", tmp_path / "out")
    assert done.code == 2 and message in done.err
    assert not (tmp_path / "out").exists()


def test_without_the_extra_it_says_what_to_install(
    eyeline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "anny" else find(name)
    )
    done = eyeline("synthesize", "heads", "--out", tmp_path / "out", "--count", "1")
    assert done.code == 2 and "eyeline[render]" in done.err
