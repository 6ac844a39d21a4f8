"""Every measure of docs/summary.md against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyeline.export.intervals import as_spans
from eyeline.export.summary import summarise
from eyeline.results import WEARER, Answer, AreaShape, Corrected, Excluded, Gap
from eyeline.summary.measures import DEFINITIONS, Measure, Row, episode_measures, person_rows
from eyeline.summary.observed import Observed, Video
from tests.summary.conftest import scores, segments, targets, video

Pairs = list[tuple[float, float]]
DOCS = Path(__file__).parents[2] / "docs/summary.md"


def observed(
    answers: list[Answer], seen: dict[int, tuple[float, float]], window: Pairs | None = None
) -> Observed:
    """A video of ten seconds, by default as a whole."""
    whole = Video.of("talk", video(seen, answers))
    return whole.within(whole.whole if window is None else as_spans(window))


def found(rows: list[Row], tier: str, measure: str, **about: str) -> Measure:
    """The one row that is asked for."""
    wanted = {"person": "person 1", "partner": "", "value": ""} | about
    (row,) = [
        r for r in rows
        if r.tier == tier and r.measure.name == measure
        and all(getattr(r, name) == text for name, text in wanted.items())
    ]  # fmt: skip
    return row.measure


@pytest.mark.parametrize(
    ("episodes", "measured", "window", "expected"),
    [
        # 3 of 10 s: 1-3 and 5-6; two a minute measured is 2 / (10 / 60) = 12
        ([(1, 3), (5, 6)], [(0, 10)], [(0, 10)], {
            "duration_s": (3, 10), "count": (2, None), "rate_per_min": (12, 10 / 60),
            "latency_s": (1, 1), "mean_episode_s": (1.5, 2), "longest_episode_s": (2, 2),
            "proportion": (0.3, 10)}),
        # measured 2-8 of 10 s: proportion 1 + 1 of 6 s; latency 1 s, none of it measured
        ([(1, 3), (5, 6)], [(2, 8)], [(0, 10)], {
            "duration_s": (3, 6), "count": (2, None), "rate_per_min": (20, 0.1),
            "latency_s": (1, 0), "mean_episode_s": (1.5, 2), "longest_episode_s": (2, 2),
            "proportion": (1 / 3, 6)}),
        # measured and nothing happens: zeros, and no latency or length; 5 s were watched
        ([], [(0, 5)], [(0, 10)], {
            "duration_s": (0, 5), "count": (0, None), "rate_per_min": (0, 5 / 60),
            "latency_s": (None, 5), "mean_episode_s": (None, 0), "longest_episode_s": (None, 0),
            "proportion": (0, 5)}),
        # not measurable: never zero
        ([], [], [(0, 10)], {
            "duration_s": (None, 0), "count": (None, None), "rate_per_min": (None, 0),
            "latency_s": (None, 0), "mean_episode_s": (None, 0), "longest_episode_s": (None, 0),
            "proportion": (None, 0)}),
        # a span in two pieces, 2-4 and 6-10 s: 6 s; the first episode begins 2 + 1 s into it
        ([(7, 9)], [(2, 4), (6, 10)], [(2, 4), (6, 10)], {
            "duration_s": (2, 6), "count": (1, None), "rate_per_min": (10, 0.1),
            "latency_s": (3, 3), "mean_episode_s": (2, 1), "longest_episode_s": (2, 1),
            "proportion": (1 / 3, 6)}),
        # one that holds from the start of the span on has latency 0
        ([(4, 5)], [(4, 6)], [(4, 6)], {
            "duration_s": (1, 2), "count": (1, None), "rate_per_min": (30, 2 / 60),
            "latency_s": (0, 0), "mean_episode_s": (1, 1), "longest_episode_s": (1, 1),
            "proportion": (0.5, 2)}),
    ],
)  # fmt: skip
def test_measures_of_episodes(
    episodes: Pairs, measured: Pairs, window: Pairs,
    expected: dict[str, tuple[float | None, float | None]],
) -> None:  # fmt: skip
    result = episode_measures(as_spans(episodes), as_spans(measured), as_spans(window))
    got = {m.name: (m.number, m.of) for m in result}
    assert got.keys() == expected.keys()
    for name, pair in expected.items():
        for number, wanted in zip(got[name], pair, strict=True):
            assert number == (None if wanted is None else pytest.approx(wanted, abs=1e-9)), name


SEEN = {1: (0.0, 10.0), 2: (2.0, 8.0)}
LOOKS = segments(
    "gaze_target",
    [
        (1, 0.0, 4.0, "person 2"), (1, 4.0, 5.0, "scene"), (1, 5.0, 8.0, "person 2"),
        (2, 2.0, 3.0, "person 1"), (2, 3.0, 6.0, "toy"), (2, 6.0, 7.0, "person 1"),
    ],
)  # fmt: skip
CONTACT = segments("eye_contact", [(1, 1.0, 2.0, "person 2"), (1, 6.0, 7.5, "camera")])


@pytest.mark.parametrize(
    ("window", "tier", "measure", "about", "expected"),
    [
        # seen 2-8 of 10 s; of the span 0-4 s: 2-4
        (None, "visible", "proportion", {"person": "person 2"}, (0.6, 10.0)),
        ([(0, 4)], "visible", "duration_s", {"person": "person 2"}, (2.0, 4.0)),
        # targets of person 1 are measured 0-8, of person 2 2-7
        (None, "gaze_target", "measured_s", {}, (8.0, 10.0)),
        (None, "gaze_target", "not_codable_s", {"person": "person 2"}, (1.0, 6.0)),
        (None, "gaze_target", "proportion", {"value": "person 2"}, (7 / 8, 8.0)),
        (None, "gaze_target", "count", {"value": "any person"}, (2, None)),
        (None, "gaze_target", "duration_s", {"value": "camera"}, (0.0, 8.0)),
        (None, "gaze_target", "proportion", {"person": "person 2", "value": "toy"}, (0.6, 5.0)),
        ([(4.5, 10)], "gaze_target", "latency_s", {"value": "person 2"}, (0.5, 0.5)),
        ([(8, 10)], "gaze_target", "proportion", {"value": "person 2"}, (None, 0.0)),
        # eye contact is measured 0-5 of person 1: 1 of 5 s, though it is there for 2.5 s
        (None, "eye_contact", "proportion", {}, (0.2, 5.0)),
        (None, "eye_contact", "duration_s", {}, (2.5, 5.0)),
        (None, "eye_contact", "proportion", {"value": "camera"}, (0.0, 5.0)),
        (None, "eye_contact", "proportion", {"person": "person 2"}, (None, 0.0)),
        # mutual gaze 2-3 and 6-7, while both targets are measured, 2-7
        (None, "mutual_gaze", "duration_s", {"partner": "person 2"}, (2.0, 5.0)),
        (None, "mutual_gaze", "proportion", {"person": "person 2"}, (0.4, 5.0)),
        ([(0, 5)], "mutual_gaze", "count", {"partner": "person 2"}, (1, None)),
    ],
)  # fmt: skip
def test_measures_of_persons(
    window: Pairs | None, tier: str, measure: str, about: dict[str, str],
    expected: tuple[float | None, float | None],
) -> None:  # fmt: skip
    answers = [
        targets({1: (0.0, 8.0), 2: (2.0, 7.0)}), LOOKS, scores("eye_contact", {1: (0.0, 5.0)}),
        CONTACT,
    ]  # fmt: skip
    rows = [*person_rows(observed(answers, SEEN, window))]
    result = found(rows, tier, measure, **about)
    assert result.number == (None if expected[0] is None else pytest.approx(expected[0]))
    assert result.of == (None if expected[1] is None else pytest.approx(expected[1]))


# Persons 1 and 2 both look at the toy 3-5, 1 and 3 at person 2 6-8 and, after a blink, 8.2-9; both
# of 1 and 2 look off screen 9-10, which nobody shares.
JOINT_LOOKS = segments(
    "gaze_target",
    [
        (1, 2.0, 5.0, "toy"), (2, 3.0, 6.0, "toy"), (1, 6.0, 9.0, "person 2"),
        (3, 5.0, 8.0, "person 2"), (3, 8.2, 9.0, "person 2"), (1, 9.0, 10.0, "off screen"),
        (2, 9.0, 10.0, "off screen"),
    ],
)  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "about", "expected"),
    [
        ("duration_s", {"value": "toy"}, 2.0),
        ("duration_s", {"value": "person 2"}, 3.0),
        ("count", {"value": "person 2"}, 1),
        ("duration_s", {}, 5.0),
        ("duration_s", {"partner": "person 2"}, 2.0),
        ("duration_s", {"partner": "person 3"}, 3.0),
        ("proportion", {"partner": "person 3"}, 0.3),
        ("duration_s", {"person": "person 2"}, 2.0),
        ("count", {"person": "person 2", "partner": "person 3"}, 0),
    ],
)
def test_joint_attention(measure: str, about: dict[str, str], expected: float) -> None:
    everyone = dict.fromkeys((1, 2, 3), (0.0, 10.0))
    rows = [*person_rows(observed([targets(everyone), JOINT_LOOKS], everyone))]
    assert found(rows, "joint_attention", measure, **about).number == pytest.approx(expected)


def test_joint_attention_as_it_is_stored_goes_by_target_and_by_partner() -> None:
    everyone = dict.fromkeys((1, 2, 3), (0.0, 10.0))
    stored = segments("joint_attention", [
        (1, 0.0, 1.0, "camera with person 2"), (1, 1.0, 3.0, "camera with person 2 and person 3"),
    ])  # fmt: skip
    rows = [*person_rows(observed([targets(everyone), LOOKS, stored], everyone))]
    assert found(rows, "joint_attention", "count", value="camera").number == 1
    assert found(rows, "joint_attention", "duration_s", partner="person 2").number == 3.0
    assert found(rows, "joint_attention", "duration_s", partner="person 3").number == 2.0


def test_gaps_of_the_recording_are_no_time_of_the_span() -> None:
    analysis = video({1: (0.0, 4.0)})
    vars(analysis.video)["gaps"] = (Gap(4.0, 8.0),)
    whole = Video.of("talk", analysis)
    rows = [*person_rows(whole.within(whole.whole))]
    assert found(rows, "visible", "proportion") == Measure("proportion", "1", 4 / 6, 6.0)


def test_speech_that_is_not_sure_is_not_measured() -> None:
    speech = segments("speaking", [(1, 0.0, 2.0, "speech"), (-2, 4.0, 8.0, "speech")])
    answers = [scores("speaking", SEEN), speech]
    rows = [*person_rows(observed(answers, SEEN))]
    assert found(rows, "speaking", "proportion") == Measure("proportion", "1", 2 / 6, 6.0)
    assert found(rows, "speaking", "duration_s", person="not sure who").number == 4.0


def test_the_wearer_of_the_camera_is_measured_all_the_time() -> None:
    speech = segments("speaking", [(WEARER, 0.0, 5.0, "speech")])
    rows = [*person_rows(observed([speech], SEEN))]
    assert found(rows, "speaking", "proportion", person="camera wearer").number == 0.5


def test_corrected_results_say_so_and_leave_out_what_is_not_codable() -> None:
    row = np.zeros(len(LOOKS), bool)
    row[0] = True
    excluded = (Excluded(0.0, 4.0, "gaze_target", 1), Excluded(8.0, 10.0))
    toy = AreaShape("area 1", 1, "interpolate", np.zeros((20, 4, 2)))
    names = Corrected(1, {"person 2": "mother", "area 1": "red toy"}, excluded, areas=(toy,))
    analysis = replace(video(SEEN, [targets(SEEN), replace(LOOKS, corrected=row)]), corrected=names)
    whole = Video.of("talk", analysis)
    rows = [*person_rows(whole.within(whole.whole))]
    # targets of person 1 were measured 0-10, without 0-4 and 8-10; looks at 2 within are 5-8
    looks = found(rows, "gaze_target", "proportion", value="mother")
    assert looks == Measure("proportion", "1", 3 / 4, 4.0)
    never = found(rows, "gaze_target", "duration_s", value="red toy")
    assert never == Measure("duration_s", "s", 0.0, 4.0)
    assert found(rows, "visible", "measured_s").number == 8.0
    assert found(rows, "visible", "duration_s").number == 8.0
    sources = {
        tier: {r.source for r in rows if r.tier == tier} for tier in ("gaze_target", "visible")
    }
    assert sources == {"gaze_target": {"corrected"}, "visible": {"computed"}}
    assert {r.person for r in rows} == {"person 1", "mother"}


def test_the_sums_are_those_of_the_report() -> None:
    contact = segments("eye_contact", [(1, 1.0, 2.0, "person 2"), (1, 4.0, 4.5, "camera")])
    answers = [
        targets({1: (0.0, 8.0), 2: (2.0, 7.0)}), LOOKS, scores("eye_contact", {1: (0.0, 5.0)}),
        contact,
    ]  # fmt: skip
    analysis = video(SEEN, answers)
    whole = Video.of("talk", analysis)
    rows = [*person_rows(whole.within(whole.whole))]
    for person in summarise(analysis).persons:
        about = {"person": person.label}
        seen = found(rows, "visible", "proportion", **about)
        assert seen.number == pytest.approx(person.seen.fraction)
        state = person.states["eye_contact"]
        result = found(rows, "eye_contact", "proportion", **about)
        assert result == Measure("proportion", "1", state.fraction, state.of_s)
        for label, fraction in person.targets.items():
            result = found(rows, "gaze_target", "duration_s", value=label, **about)
            assert result.number == pytest.approx(fraction.seconds)


def test_every_measure_is_defined_in_the_docs() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name, cells in DEFINITIONS.items():
        row = " | ".join(cell.replace("|", r"\|") for cell in cells)
        assert f"| `{name}` | {row} |" in text, name
    rows = [*person_rows(observed([targets(SEEN), LOOKS, CONTACT], SEEN))]
    assert {r.measure.name for r in rows} <= DEFINITIONS.keys()
    assert {r.measure.unit for r in rows} == {DEFINITIONS[r.measure.name][1] for r in rows}
    assert np.isfinite([r.measure.number for r in rows if r.measure.number is not None]).all()
