"""Tables and submissions: written as the originals are, read with every fault named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.ego_social.predictions import (
    codes,
    first_of_each,
    read_predictions,
    read_truth,
    rows,
    write,
)
from tests.refusals import refuses
from tests.systems.ego_social.invented import golden

TEXTS = [
    ("postprocess", "lam"), ("postprocess", "ttm"), ("e2e", "lam"), ("e2e", "ttm"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "task"), TEXTS)
def test_tables_come_back_letter_by_letter(tmp_path: Path, file: str, task: str) -> None:
    numbers = golden(file)
    path = tmp_path / "table.csv"
    for side, read in (("gt", read_truth), ("pred", read_predictions)):
        text = str(numbers[f"{task}.{side}_csv"])
        path.write_text(text, encoding="utf-8")
        table = read(path)
        assert table.kind.task == task and len(table) == text.count("\n")
        write(path, table)
        assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("task", ["lam", "ttm"])
def test_challenge_tables_and_submissions(tmp_path: Path, task: str) -> None:
    text = str(golden("postprocess")[f"{task}test.pred_csv"])
    (tmp_path / "pred.csv").write_text(text, encoding="utf-8")
    table = read_predictions(tmp_path / "pred.csv")
    assert table.kind.name == f"{task}_challenge"
    write(tmp_path / "sent.json", table)
    sent = json.loads((tmp_path / "sent.json").read_text(encoding="utf-8"))
    lines = [line.split(",") for line in text.splitlines()]
    ids = ("video_id", "unique_id", "track_id") if task == "lam" else ("video_id", "frame_id")
    name = "looking_at_me" if task == "lam" else "talking_to_me"
    assert sent == {
        "version": "1.0",
        "challenge": f"ego4d_{name}",
        "results": [
            {**dict(zip(ids, cells, strict=False)), "label": 1, "score": float(cells[-1])}
            for cells in lines
        ],
    }
    again = read_predictions(tmp_path / "sent.json")
    write(tmp_path / "again.csv", again)
    assert (tmp_path / "again.csv").read_text(encoding="utf-8") == text
    assert again.place(1).startswith(f"{tmp_path / 'sent.json'}, results[1]: video_id ")


def test_what_is_no_submission(tmp_path: Path) -> None:
    path = tmp_path / "sent.json"
    columns = {"video_id": ["s", "s"], "frame_id": ["1", "1"]}
    half = np.array([0.5, 0.5])
    with pytest.raises(DataError, match=r"line 2: video_id s, frame_id 1 comes twice"):
        write(path, rows("ttm_challenge", columns, score=half))
    with pytest.raises(DataError, match="holds truth rows"):
        write(path, rows("ttm_challenge", columns, label=np.array([0, 1])))
    spans = {"clip": ["a"], "segment": [0], "start_frame": [0], "end_frame": [9]}
    with pytest.raises(DataError, match="holds ttm rows"):
        write(path, rows("ttm", spans, score=np.array([0.5])))
    assert not path.exists()


def test_files_of_another_layout(tmp_path: Path) -> None:
    path = tmp_path / "pred.csv"
    path.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 1: 2 columns are no table of predictions; there are"):
        read_predictions(path)
    path.write_text("", encoding="utf-8")
    refuses(DataError, "line 1: 0 columns are no table of truth", lambda: read_truth(path))


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("version"), "no version; expected version, challenge, results"),
        (lambda c: c.update(team="x"), "unknown: team"),
        (lambda c: c.update(version=1), "version 1, expected '1.0'"),
        (lambda c: c.update(challenge="lam"), "challenge 'lam', expected ego4d_looking_at_me or"),
        (lambda c: c.update(results=[]), "results is no list of one or more"),
        (lambda c: c["results"][1].pop("score"), r"line 6, results\[1\]: no score; expected"),
        (lambda c: c["results"][1].update(frame=3), r"line 6, results\[1\]: unknown: frame;"),
        (lambda c: c["results"][1].update(label=0), r"results\[1\]: label 0, expected 1"),
        (lambda c: c["results"][1].update(score="1"), r"results\[1\]: score '1', expected"),
        (lambda c: c["results"][1].update(score=-0.1), r"results\[1\]: score -0.1, expected"),
        (lambda c: c["results"][1].update(track_id=None), r"results\[1\]: track_id is None"),
        (lambda c: c.update(results=[5]), r"results\[0\]: 5 is no object"),
    ],
)
def test_wrong_submissions_are_named(tmp_path: Path, change: Change, message: str) -> None:
    ids = {"video_id": "v", "track_id": "t"}
    content: dict[str, Any] = {
        "version": "1.0",
        "challenge": "ego4d_looking_at_me",
        "results": [{**ids, "unique_id": str(k), "label": 1, "score": k / 2} for k in range(3)],
    }
    change(content)
    results = content.pop("results")
    head = json.dumps(content)[:-1] + "," if content else "{"
    body = ",\n".join(json.dumps(row) for row in results)
    path = tmp_path / "sent.json"
    path.write_text(f'{head}\n\n"results":\n[\n{body}\n]}}', encoding="utf-8")
    refuses(DataError, rf"sent\.json.*{message}", lambda: read_predictions(path))


def test_what_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "sent.json"
    path.write_text('{"version": "1.0",\n', encoding="utf-8")
    refuses(DataError, r"sent\.json, line \d: ", lambda: read_predictions(path))
    path.write_text("[1]", encoding="utf-8")
    refuses(DataError, "no object with version, challenge, results", lambda: read_predictions(path))


def test_repeats_and_codes() -> None:
    columns = {"video_id": ["a", "a", "b", "a"], "frame_id": ["1", "2", "1", "1"]}
    table = rows("ttm_challenge", columns, score=np.array([0.1, 0.2, 0.3, 0.4]))
    assert first_of_each(table).tolist() == [0, 1, 2]
    kept = table.take(np.array([2, 0]))
    assert kept.score is not None and kept.score.tolist() == [0.3, 0.1]
    mine, theirs = codes([table, kept], ("video_id", "frame_id"))
    assert theirs.tolist() == [mine[2], mine[0]] and len({*mine.tolist()}) == 3


def test_columns_of_other_lengths() -> None:
    columns = {"video_id": ["a", "a"], "frame_id": ["1", "2"]}
    with pytest.raises(DataError, match="scores has shape"):
        rows("ttm_challenge", columns, score=np.array([0.1]))
    with pytest.raises(DataError, match="column frame_id has shape"):
        rows("ttm_challenge", {**columns, "frame_id": ["1"]}, score=np.array([0.1, 0.2]))
