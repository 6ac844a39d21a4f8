"""The trials of reliability: what they judge, their tables, and some files of the corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from torture import cases, corpus, kernels
from torture.__main__ import trials
from torture.command import Ended, eyeline
from torture.figures import Figure, show


def test_each_trial_is_listed() -> None:
    assert {"corpus", "determinism", "kernels"} <= set(trials())
    assert not {"figures", "command", "cases", "clips"} & set(trials())


def test_a_table_has_a_row_a_figure_and_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Figure("a|b\n.mp4", "ok", "ok", True, 1.25), Figure("c", "ok", "refused", False, 0)]
    assert show("corpus", rows[:1]) and not show("corpus", rows) and not show("corpus", [])
    printed = capsys.readouterr().out
    assert "| a\\|b\\n.mp4 | ok | ok | 1.2 |" in printed and "| **refused** |" in printed
    assert "corpus: 1 of 2 as expected" in printed


def test_numerical_tests_are_those_that_compare_what_networks_compute() -> None:
    names = {Path(name).name for name in kernels.numerical_tests(kernels.ROOT / "tests")}
    assert {"test_log_mel.py", "test_ttm_model.py", "test_legacy.py"} <= names
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
    ended = eyeline("analyze", tmp_path / name, "-o", tmp_path / "out")
    status, faults = corpus.judged(tmp_path / name, tmp_path / "out", ended)
    assert status in expected.split(" or ") and not faults, ended.err
