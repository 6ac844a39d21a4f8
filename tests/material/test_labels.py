"""The tables of looks and speakers that were labelled by eye hold together."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHOICES = {
    "side": {"left", "right", "camera", "ambiguous"},
    "vertical": {"up", "level", "down", "ambiguous"},
    "certain": {"yes", "no"},
    "eyes": {"open", "lowered", "closed", "ambiguous", "hidden"},
}
PLAIN_TARGETS = {"camera", "not_camera", "off_screen", "unknown"}

clips = pytest.mark.parametrize(
    "clip",
    sorted(HERE.glob("labels*/labels_*.csv")),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@clips
def test_a_person_is_labelled_once_a_frame_in_the_words_of_the_rules(clip: Path) -> None:
    table = rows(clip)
    assert len({(row["frame"], row["person"]) for row in table}) == len(table) > 0
    for row in table:
        assert all(row[column] in words for column, words in CHOICES.items()), row
        assert float(row["box_center_x"]) > 0 and float(row["box_center_y"]) > 0


@clips
def test_a_target_is_known_and_nobody_looks_at_themselves(clip: Path) -> None:
    table = rows(clip)
    people = {row["person"] for row in table}
    for row in table:
        kind, _, who = row["target"].partition(":")
        assert row["target"] in PLAIN_TARGETS or (kind in {"person", "object"} and who), row
        assert kind != "person" or who in people - {row["person"]}, row
        assert (row["target"] == "camera") <= (row["side"] == "camera"), row


@clips
def test_the_readme_counts_what_the_tables_hold(clip: Path) -> None:
    table = rows(clip)
    sure = sum(row["certain"] == "yes" for row in table)
    name = clip.stem.removeprefix("labels_")
    assert f"| {name} | {len(table)} ({sure}) |" in (clip.parent / "README.md").read_text()


@clips
def test_no_frame_of_a_person_is_in_both_sets(clip: Path) -> None:
    other = (
        HERE / ("labels" if clip.parent.name == "labels_stress" else "labels_stress") / clip.name
    )
    assert not {row["frame"] for row in rows(clip)} & {row["frame"] for row in rows(other)}


@pytest.mark.parametrize("path", sorted(HERE.glob("labels/speech_*.csv")), ids=lambda p: p.stem)
def test_speech_goes_forward_and_speakers_are_among_the_labelled(path: Path) -> None:
    spans = rows(path)
    times = [float(row[end]) for row in spans for end in ("start_s", "end_s")]
    assert times == sorted(times) and len(set(times)) == len(times)
    people = {
        row["person"] for row in rows(path.with_name(path.name.replace("speech_", "labels_")))
    }
    assert {row["person"] for row in spans} <= people | {"unknown", "off_screen"}
