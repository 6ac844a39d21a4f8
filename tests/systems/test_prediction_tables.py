"""Tables of predictions that are none: each system's reader names file, line, column and value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from eyeline.errors import DataError
from eyeline.systems.ego_social import predictions as ego_social
from eyeline.systems.eye_contact import predictions as eye_contact
from eyeline.systems.gaze_3d import answers
from eyeline.systems.gaze_anticipation import predictions as gaze_anticipation
from eyeline.systems.gaze_following import predictions as gaze_following


class Table(NamedTuple):
    read: Callable[[Path], object]
    head: str
    first: str
    second: str

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in (self.head, self.first, self.second) if line)


TABLES = {
    "gaze_3d": Table(
        answers.read,
        "recording,first_frame,frame,gaze_x,gaze_y,gaze_z",
        "a,0,0,0,1,0",
        "a,0,1,1,0,0",
    ),
    "anticipated": Table(
        gaze_anticipation.read_predictions,
        "video,clip_start_s,slot,frame,time_s,ahead_s,x,y,probability",
        "v,0,0,113,3.5,0.5,0.25,0.5,0.1",
        "v,0,1,114,3.6,0.6,0.25,0.5,0.1",
    ),
    "looked": Table(
        gaze_anticipation.read_truth,
        "video,clip_start_s,slot,frame,time_s,ahead_s,kind,x,y,square_x,square_y,last_x,last_y,"
        "width_px,height_px,dataset",
        "v,0,0,113,3.5,0.5,fixation,0.25,0.5,0.1,0.2,0.3,0.4,640,480,ego4d",
        "v,0,1,114,3.6,0.6,saccade,0.25,0.5,0.1,0.2,0.3,0.4,640,480,ego4d",
    ),
    "eye_contact": Table(
        eye_contact.read_predictions,
        "celebrity,video,tracklet,frame,label,probability",
        "a,b,0,1,1,0.5",
        "a,b,000,2,1,0.75",
    ),
    "gaze_following": Table(
        gaze_following.read,
        "frame_name,head_xmin,head_ymin,head_xmax,head_ymax,gaze_x,gaze_y,in_frame",
        "a,1,2,3,4,5,6,0.5",
        "b,,,,,,,",
    ),
    "ego_social": Table(
        ego_social.read_predictions,
        "",
        "v,0,0.0,1.5,9.25,20.0,t,1,0.25",
        "v,1,0.0,1.5,9.25,20.0,t,1,0.5",
    ),
    "ego_social_truth": Table(ego_social.read_truth, "", "s,1,0", "s,2,1"),
}
NUMBER, WHOLE, FRACTION = "a finite number", "a whole number", r"a number in \[0, 1\]"
CASES = [
    ("gaze_3d", "a,0,1,", "a,0,0,", "line 3: frame 0 of a stands in line 2 too"),
    ("gaze_3d", "a,0,1,", "a,0,1.5,", f"line 3: frame is '1.5', expected {WHOLE}"),
    ("gaze_3d", "0,1,0", "0,x,0", f"line 2: gaze_y is 'x', expected {NUMBER}"),
    ("gaze_3d", "0,1,0", "0,nan,0", f"line 2: gaze_y is 'nan', expected {NUMBER}"),
    ("gaze_3d", "0,1,0", "0,0,0", "line 2: the direction of gaze has no length"),
    ("gaze_3d", "gaze_z", "gaze_q", "line 1: no column gaze_z; expected recording"),
    ("gaze_3d", "gaze_z", "gaze_y", "line 1: no column gaze_z"),
    ("gaze_3d", "a,0,1,", "a,1,", "line 3: 5 cells, expected 6"),
    ("anticipated", ",0.25,", ",left,", f"line 2: x is 'left', expected {NUMBER}"),
    ("anticipated", ",0.25,", ",nan,", f"line 2: x is 'nan', expected {NUMBER}"),
    (
        "anticipated",
        "114,3.6",
        "9" * 30 + ",3.6",
        f"line 3: frame is '9+', expected {WHOLE}.*18",
    ),
    ("anticipated", "114,3.6", "3.5,3.6", f"line 3: frame is '3.5', expected {WHOLE}"),
    ("anticipated", "v,0,0", ",0,0", "line 2: video is '', expected a name"),
    (
        "anticipated",
        "v,0,1,114",
        "v,0,1,113",
        "line 3: frame 113 of clip 0 s of v stands in line 2",
    ),
    ("anticipated", "ahead_s,x,y", "ahead,u,v", "line 1: no column ahead_s, x, y"),
    ("anticipated", "v,0,1,114,3.6,0.6,0.25,0.5,0.1", "a,1", "line 3: 2 cells, expected 9"),
    ("ego_social", "t,1,0.5", "t,1", "line 2: 8 columns, expected 9: clip,frame,x1"),
    ("ego_social", "0.25\n", "0.25\n\n", "line 2: 0 columns, expected 9"),
    ("ego_social", "v,1,", "v,one,", f"line 2: frame is 'one', expected {WHOLE}"),
    ("ego_social", "v,1,0.0,1.5", "v,1,0.0,left", f"line 2: y1 is 'left', expected {NUMBER}"),
    ("ego_social", "v,1,0.0,1.5,9.25", "v,1,0.0,1.5,nan", "line 2: clip v, .* t: x2 is nan"),
    ("ego_social", "t,1,0.5", "t,0,0.5", "line 2: clip v, frame 1, track t: label 0, expected 1"),
    ("ego_social", "0.5", "1.5", r"line 2: .* track t: score 1.5, expected one in \[0, 1\]"),
    ("ego_social", "t,1,0.5", "t,1,nan", "line 2: clip v, frame 1, track t: score nan"),
    ("ego_social", "t,1,0.5", "t,1,", f"line 2: score is '', expected {NUMBER}"),
    ("ego_social_truth", "s,1,0", "s,1,2", "line 1: video_id s, .* 1: label 2, expected 0 or 1"),
    ("eye_contact", "tracklet,frame", "tracklet,time", "line 1: no column frame"),
    ("eye_contact", "a,b,0,1,1,0.5\na,b,000,2,1,0.75\n", "", "line 2: no predictions"),
    ("eye_contact", "0,1,1,0.5", "0,1,1", "line 2: 5 cells, expected 6"),
    ("eye_contact", "0,1,1,", "0,-1,1,", f"line 2: frame is '-1', expected {WHOLE}"),
    ("eye_contact", "0,1,1,", "0,1,2,", "line 2: label is '2', expected 0 or 1"),
    ("eye_contact", "000,2", "000,1", "line 3: frame 1 of a/b/000 stands in line 2 too"),
    ("eye_contact", "0.75", "1.5", f"line 3: probability is '1.5', expected {FRACTION}"),
    ("eye_contact", "0.75", "nan", f"line 3: probability is 'nan', expected {FRACTION}"),
    ("eye_contact", "0.75", "", "line 3: a probability on some lines only"),
    ("gaze_following", "frame_name", "name", "line 1: no column frame_name"),
    ("gaze_following", "gaze_y,in_frame", "gaze_y,dog", "line 1: columns dog; expected"),
    ("gaze_following", "gaze_y,in_frame", "gaze_y,gaze_y", "line 1: columns gaze_y, gaze_y"),
    ("gaze_following", ",5,6,0.5", ",5,0.5", "line 2: 7 cells, expected 8"),
    ("gaze_following", ",5,6", ",5,x", f"line 2: gaze_y is 'x', expected {NUMBER}"),
    ("gaze_following", "a,1,2,3", "a,1,2,1", "line 2: the head box"),
    ("gaze_following", "0.5", "1.5", f"line 2: in_frame is '1.5', expected {FRACTION}"),
    ("looked", "saccade", "blink", "line 3: kind is 'blink', expected fixation or saccade"),
]


@pytest.mark.parametrize(("system", "old", "new", "message"), CASES)
def test_faults_are_named(system: str, old: str, new: str, message: str, tmp_path: Path) -> None:
    table, path = TABLES[system], tmp_path / "p.csv"
    path.write_text(table.text, encoding="utf-8")
    table.read(path)
    assert old in table.text
    path.write_text(table.text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=rf"p\.csv, {message}"):
        table.read(path)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_files_that_are_no_table(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    for content in (None, b"\xff\xfe\x00"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError, match=r"cannot read .*p\.csv"):
            table.read(path)
    for text in ("", "x,y\n1,2\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=r"p\.csv, line 1: "):
            table.read(path)


@pytest.mark.parametrize("table", [table for table in TABLES.values() if table.head])
def test_lines_may_end_as_on_other_systems_after_a_mark(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    text = "\ufeff" + table.text.replace("\n", "\r\n")
    path.write_bytes(text.encode())
    table.read(path)
    head, *rows = table.text.splitlines()
    turned = [",".join(reversed(line.split(","))) for line in (head, *rows)]
    path.write_text("\n".join(turned) + "\n", encoding="utf-8")
    table.read(path)
