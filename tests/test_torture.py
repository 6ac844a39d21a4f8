"""The trials of reliability: what they judge, their tables, and some files of the corpus."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from eyeline.video.reader import VideoReader
from tests.export.conftest import build
from torture import (
    attacks,
    cases,
    clock,
    corpus,
    disk,
    exports,
    hostile,
    judged,
    kernels,
    kill,
    rotation,
    static,
)
from torture.__main__ import trials
from torture.command import Ended, forked
from torture.figures import Figure, show, skipped
from torture.judged import unfinished


def test_each_trial_is_listed() -> None:
    page = (kernels.ROOT / "docs/reliability.md").read_text("utf-8")
    assert {"corpus", "determinism", "kernels", "hostile", "kill"} <= set(trials())
    assert not {"figures", "command", "cases", "clips", "attacks"} & set(trials())
    assert all(f"| `{name}` |" in page for name in trials())


def test_a_table_has_a_row_a_figure_and_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Figure("a|b\n.mp4", "ok", "ok", True, 1.25), Figure("c", "ok", "refused", False, 0)]
    assert show("corpus", rows[:1]) and not show("corpus", rows) and not show("corpus", [])
    printed = capsys.readouterr().out
    assert "| a\\|b\\n.mp4 | ok | ok | 1.2 |" in printed and "| **refused** |" in printed
    assert "corpus: 1 of 2 as expected" in printed


def test_numerical_tests_are_those_that_compare_what_networks_compute() -> None:
    names = {Path(name).name for name in kernels.numerical_tests(kernels.ROOT / "tests")}
    assert {"test_log_mel.py", "test_ttm_model.py"} <= names
    assert len(names) > 50 and "test_imports.py" not in names


@pytest.mark.parametrize(
    ("code", "err", "status", "faults"),
    [
        (1, "eyeline: no video\n", "refused", []),
        (1, "one\ntwo\n", "refused", ["2 lines"]),
        (1, "Traceback (most recent call last)", "refused", ["traceback"]),
        (2, "usage: what\n", "usage", []),
        (-11, "", "CRASH -11", ["0 lines"]),
        (None, "", "HANGS", ["0 lines"]),
        (0, "", "no single result", []),
    ],
)
def test_what_a_process_ended_with(
    tmp_path: Path, code: int | None, err: str, status: str, faults: list[str]
) -> None:
    ended = Ended(code, "", err, 0.1)
    assert corpus.judged(tmp_path / "a.mp4", tmp_path / "out", ended) == (status, faults)
    (tmp_path / "out/.eyeline").mkdir(parents=True)
    assert "leaves .eyeline" in corpus.judged(tmp_path / "a.mp4", tmp_path / "out", ended)[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["end lost.mp4", "noise.mp4", "turned 90.mp4", "new\nline.mp4"])
def test_files_of_the_corpus(name: str, tmp_path: Path) -> None:
    expected, writer = cases.CASES[name]
    writer(tmp_path / name, cases.Sources(tmp_path / "sources"))
    ended = forked("analyze", tmp_path / name, "-o", tmp_path / "out")
    status, faults = corpus.judged(tmp_path / name, tmp_path / "out", ended)
    assert status in expected.split(" or ") and not faults, ended.err


def test_what_cannot_be_tried_is_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Figure("a", "ok", "ok", True, 0), skipped("b", "no such program")]
    assert show("exports", rows) and show("on_ray", rows[1:])
    printed = capsys.readouterr().out
    assert "exports: 1 of 1 as expected, 1 not run" in printed and "not run: no such" in printed


@pytest.mark.parametrize(
    ("ended", "faults"),
    [
        (Ended(1, "", "eyeline: no\n", 0), []),
        (Ended(0, "done", "", 0), ["exit 0: done"]),
        (Ended(1, "", "", 0), ["0 lines"]),
        (Ended(1, "", "a\nb\n", 0), ["2 lines"]),
        (Ended(1, "", "Traceback", 0), ["traceback"]),
        (Ended(1, "", "no", 0, more_mb=900), ["900 MB more"]),
        (Ended(None, "", "no", 0), ["exit None: no"]),
    ],
)
def test_what_is_wrong_with_a_refusal(ended: Ended, faults: list[str]) -> None:
    row = judged.judged("x", ended)
    assert row.outcome == ("; ".join(faults) or "exit 1") and row.holds is not bool(faults)
    assert judged.judged("x", ended, words="elsewhere").holds is False


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("eval(text)", "eval"),
        ("subprocess.run(x, shell=True)", "subprocess.run(shell=True)"),
        ("torch.load(x)", "torch.load"),
        ("torch.load(x, weights_only=False)", "torch.load(weights_only=False)"),
        ("np.load(x)", "np.load without allow_pickle=False"),
        ("archive.extractall(x)", "archive.extractall"),
        ("yaml.load(x)", "yaml.load"),
        ("class A(pickle.Unpickler): pass", "class A"),
        ("torch.load(x, weights_only=True); yaml.safe_load(x); net.eval()", ""),
    ],
)
def test_calls_that_can_run_a_file(line: str, name: str) -> None:
    assert static.dangers(line) == ([f"1 {name}"] if name else [])


def test_no_module_calls_what_can_run_a_file(tmp_path: Path) -> None:
    (row,) = static.trial(tmp_path)
    assert row.holds, row.outcome


def test_half_written_results_are_seen(tmp_path: Path) -> None:
    (tmp_path / "video").mkdir()
    assert kill.half_written(tmp_path) and unfinished(tmp_path) == ["leaves video"]
    assert not kill.half_written(tmp_path / "nothing")


def test_stored_orientations_are_shown_upright(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    images = []
    for stored, matrix in rotation.STORED.values():
        rotation.write(path, stored, matrix, range(1))
        images.append(next(iter(VideoReader(path))).rgb())
    assert len(images) == 8 and all(np.array_equal(image, images[0]) for image in images)


@pytest.mark.parametrize("late_ms", [-40, 0, 12.5])
def test_how_late_audio_is(late_ms: float) -> None:
    rng, samples = np.random.default_rng(0), round(late_ms * clock.RATE_HZ / 1000)
    source = np.zeros(clock.RATE_HZ, np.float32)
    source[2000:9000] = rng.standard_normal(7000)
    assert clock.offset(source, np.roll(source, samples)) == pytest.approx((late_ms, 1), abs=1e-3)


@pytest.mark.slow
def test_hostile_weights_in_a_fork(tmp_path: Path) -> None:
    marks = attacks.Marks(tmp_path / "marks")
    (marks.folder / "x").touch()
    assert marks.taken() == ["EXECUTED"] and not marks.taken()
    evil = pickle.dumps({"state_dict": marks.evil}, 2)
    row = hostile.imported("x", "gaze_3d", evil, tmp_path, marks)
    assert row.holds, row.outcome


@pytest.mark.slow
def test_a_killed_batch_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = kill.copies(tmp_path, 2)
    assert forked("analyze", videos, "-o", tmp_path / "first", "--no-video").code == 0
    monkeypatch.setattr(kill, "KILLS", 2)
    row = kill.killed(videos, tmp_path / "killed", kill.hashes(tmp_path / "first"))
    assert row.holds, row.outcome


@pytest.mark.slow
def test_a_disk_that_takes_no_large_files(tmp_path: Path) -> None:
    row = disk.largest(20, tmp_path / "out", cases.Sources(tmp_path).whole)
    assert row.holds, row.outcome


def test_other_programs_read_odd_labels(tmp_path: Path) -> None:
    rows = list(exports.labels(build(persons=2), tmp_path))
    assert len(rows) == 5 and all(row.holds for row in rows), rows
