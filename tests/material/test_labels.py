"""The tables of looks and speakers that were labelled by eye hold together."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "labels"
CHOICES = {
    "side": {"left", "right", "camera", "ambiguous"},
    "vertical": {"up", "level", "down", "ambiguous"},
    "certain": {"yes", "no"},
    "eyes": {"open", "lowered", "closed", "ambiguous", "hidden"},
}
PLAIN_TARGETS = {"camera", "not_camera", "off_screen", "unknown"}

clips = pytest.mark.parametrize(
    "clip", sorted(p.stem.removeprefix("labels_") for p in FOLDER.glob("labels_*.csv"))
)


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@clips
def test_a_person_is_labelled_once_a_frame_in_the_words_of_the_rules(clip: str) -> None:
    table = rows(f"labels_{clip}")
    assert len({(row["frame"], row["person"]) for row in table}) == len(table) > 0
    for row in table:
        assert all(row[column] in words for column, words in CHOICES.items()), row
        assert float(row["box_center_x"]) > 0 and float(row["box_center_y"]) > 0


@clips
def test_a_target_is_known_and_nobody_looks_at_themselves(clip: str) -> None:
    table = rows(f"labels_{clip}")
    people = {row["person"] for row in table}
    for row in table:
        kind, _, who = row["target"].partition(":")
        assert row["target"] in PLAIN_TARGETS or (kind in {"person", "object"} and who), row
        assert kind != "person" or who in people - {row["person"]}, row
        assert (row["target"] == "camera") <= (row["side"] == "camera"), row


@clips
def test_the_readme_counts_what_the_tables_hold(clip: str) -> None:
    table = rows(f"labels_{clip}")
    sure = sum(row["certain"] == "yes" for row in table)
    assert f"| {clip} | {len(table)} ({sure}) |" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(p.stem for p in FOLDER.glob("speech_*.csv")))
def test_speech_goes_forward_and_speakers_are_among_the_labelled(name: str) -> None:
    spans = rows(name)
    times = [float(row[end]) for row in spans for end in ("start_s", "end_s")]
    assert times == sorted(times) and len(set(times)) == len(times)
    people = {row["person"] for row in rows(name.replace("speech_", "labels_"))}
    assert {row["person"] for row in spans} <= people | {"unknown", "off_screen"}
