"""Results folders become files of other programs, and the command says what it cannot do."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from eyeline.cli import app
from eyeline.codings.formats import FORMATS, read_file
from eyeline.conversion import BOXES, Wishes, convert, read_any
from eyeline.errors import DataError, UsageError
from eyeline.export import exporters, load, write_index, write_tables
from eyeline.export.coding import coding_of
from eyeline.export.exporters import EXPORTERS, Export, wanted
from eyeline.people.given import read as given_boxes
from eyeline.settings import Settings
from tests.export.conftest import build


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "talk"
    folder.mkdir()
    analysis = build(persons=2, frames=100, stride=2)
    write_tables(analysis, folder)
    write_index(analysis, folder)
    return folder


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.read])
def test_every_format_holds_the_tiers_of_the_results(
    results: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / f"talk{FORMATS[name].suffixes[0]}"
    assert convert(results, out, Wishes()) == []
    filled = [t for t in coding_of(load(results)).tiers if t.intervals]
    back = [t.intervals for t in read_file(out).tiers if t.intervals]
    assert sorted(back) == sorted(t.intervals for t in filled)
    if FORMATS[name].suffixes[-1].endswith(".tsv"):
        tabs = tmp_path / f"tabs{FORMATS[name].suffixes[-1]}"
        convert(results, tabs, Wishes())
        assert "\t" in tabs.read_text().splitlines()[0]
        assert [t.intervals for t in read_file(tabs).tiers if t.intervals] == back


def test_boxes_are_those_of_the_results(results: Path, tmp_path: Path) -> None:
    convert(results, tmp_path / "x.mot.txt", Wishes())
    people = load(results).people
    lines = np.loadtxt(tmp_path / "x.mot.txt", delimiter=",")
    np.testing.assert_array_equal(lines[:, 0], people.frame + 1)
    np.testing.assert_allclose(lines[:, 2:4] + lines[:, 4:6], people.box_xyxy[:, 2:], atol=0.02)
    given = given_boxes(tmp_path / "x.mot.txt").boxes
    assert {f: [row[0] for row in rows] for f, rows in given.items()} == {
        frame: people.person[people.frame == frame].tolist() for frame in people.frame.tolist()
    }

    from pycocotools.coco import COCO

    convert(results, tmp_path / "x.coco.json", Wishes())
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "x.coco.json"))
    boxes = np.array([a["bbox"] for a in coco.loadAnns(coco.getAnnIds())])
    np.testing.assert_allclose(boxes[:, :2], people.box_xyxy[:, :2], atol=0.01)
    assert len(coco.getImgIds()) == len(np.unique(people.frame))
    assert [a["track_id"] for a in coco.dataset["annotations"]] == people.person.tolist()


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_tables_can_be_had_for_excel(results: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"people{suffix}"
    convert(results, out, Wishes(table="people", dialect="excel-eu"))
    people = load(results).people
    if suffix == ".csv":
        head, first, *rest = out.read_text(encoding="utf-8-sig").splitlines()
        assert head.startswith("frame;time_s;person;person_label")
        assert f"{people.box_xyxy[0, 0]:.2f}".replace(".", ",") in first.split(";")
        assert len(rest) + 1 == len(people)
    else:
        import openpyxl

        sheet = openpyxl.load_workbook(out).active
        assert sheet.max_row == len(people) + 1
        assert sheet["F2"].value == pytest.approx(people.box_xyxy[0, 0], abs=0.01)


def test_tiers_can_be_chosen_and_renamed(results: Path, tmp_path: Path) -> None:
    wishes = Wishes(
        ("eye_contact", "person 1 speaking"),
        {"person 1 speaking": "mother speech"},
        {"speech": "talks"},
    )
    convert(results, tmp_path / "x.eaf", wishes)
    assert read_any(tmp_path / "x.eaf").tier("mother speech").values == ("talks",)
    names = [tier.name for tier in read_any(tmp_path / "x.eaf").tiers]
    assert "mother speech" in names and "person 2 eye_contact" in names
    assert "person 1 gaze_target" not in names


@pytest.mark.parametrize(
    ("out", "wishes", "error", "message"),
    [
        ("x.doc", Wishes(), UsageError, "no format is known by this name"),
        ("x.csv", Wishes(("nods",)), UsageError, "has no tier 'nods'; it has:"),
        ("x.csv", Wishes(names={"q": "r"}), DataError, "has no tier 'q'; it has:"),
        ("x.csv", Wishes(values={"q": "r"}), DataError, "has no value 'q'; it has:"),
        ("x.csv", Wishes(template=Path("t.etf")), UsageError, "--template belongs to ELAN files"),
        ("x.eaf", Wishes(template=Path("t.etf")), DataError, "cannot read t.etf"),
        ("x.csv", Wishes(table="faces"), UsageError, "--table faces; must be one of frames"),
        ("x.eaf", Wishes(table="people"), UsageError, "--table writes .csv or .xlsx"),
        ("x.mot.txt", Wishes(("speaking",)), UsageError, "belong to tiers, not to boxes"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    results: Path, tmp_path: Path, out: str, wishes: Wishes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        convert(results, tmp_path / out, wishes)
    assert not list(tmp_path.iterdir())


def test_boxes_of_a_coding_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("from_s,to_s\n0,1\n")
    for end in BOXES:
        with pytest.raises(DataError):
            convert(tmp_path / "x.csv", tmp_path / f"y{end}", Wishes())


def test_the_command_refuses_to_write_over_what_is_there(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    run = CliRunner().invoke(app, ["convert", str(results), "-o", str(out)])
    assert run.exit_code == 0 and out.is_file(), run.output
    again = CliRunner().invoke(app, ["convert", str(results), "-o", str(out)])
    assert "is there already" in str(again.exception)
    wrong = CliRunner().invoke(app, ["convert", "a", "b", "c", "-o", str(tmp_path / "y.csv")])
    assert "convert takes one source" in str(wrong.exception)


def test_analyze_writes_chosen_formats(results: Path, tmp_path: Path) -> None:
    export = Export(load(results), tmp_path, Path("talk.mp4"))
    settings = Settings(formats=exporters.FORMATS)
    assert not any(wanted(name, Settings()) for name in exporters.FORMATS)
    assert wanted("tables", Settings()) and not wanted("rerun", Settings())
    for name in exporters.FORMATS:
        assert wanted(name, settings)
        EXPORTERS[name].write(export)
        assert all((tmp_path / file).stat().st_size for file in EXPORTERS[name].files), name
    assert "formats" not in Settings().to_json()
    assert settings.to_json()["formats"] == sorted(exporters.FORMATS)
    with pytest.raises(UsageError, match="no format 'word'; there are boris, datavyu, csv"):
        Settings(formats=("word",))
