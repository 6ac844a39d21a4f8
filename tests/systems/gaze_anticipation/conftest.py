"""Small data sets that several tests read."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from eyeline.systems.gaze_anticipation import clips, prepare
from tests.systems.gaze_anticipation import filmed

LISTS = Path(__file__).parents[4] / "shared" / "reference" / "csts" / "data"


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ego4d(tmp_path_factory: pytest.TempPathFactory, facts: Path) -> Path:
    """Two videos of 12 s in Ego4D's layout; not to be changed."""
    return filmed.ego4d(tmp_path_factory.mktemp("ego4d"))


@pytest.fixture(scope="session")
def prepared(ego4d: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, prepared; not to be changed."""
    out = tmp_path_factory.mktemp("prepared")
    assert not prepare.run(ego4d, out).failed
    return out


@pytest.fixture(scope="session")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tables that the released lists are made of, from the authors' own; not shipped."""
    if not LISTS.is_dir():
        pytest.skip("the authors' lists are not beside the repository")
    folder = tmp_path_factory.mktemp("facts")
    names = {old: new for new, old in _aea_table(LISTS / "aria_video_ids_matching.xlsx")}
    for dataset in clips.DATASETS:
        rows = ["video,split,end_s,aea"]
        for split in clips.SPLITS:
            ends: dict[str, int] = {}
            for clip in clips.read_list(LISTS / f"{split}_{dataset}_gaze.csv"):
                last = clip.start_s + clips.CLIP_S
                ends[clip.video] = max(ends.get(clip.video, 0), last)
            rows += [f"{v},{split},{end},{names.get(v, '')}" for v, end in ends.items()]
        (folder / f"{dataset}.csv").write_text("\n".join(rows) + "\n")
    shutil.copy(LISTS / "ego4d_gaze_untracked.csv", folder / "ego4d_untracked.csv")
    before, clips._FACTS = clips._FACTS, folder
    yield folder
    clips._FACTS = before
    clips.released_videos.cache_clear()
    clips.released_untracked.cache_clear()


def _aea_table(path: Path) -> list[tuple[str, str]]:
    """Today's and former names of the recordings."""
    space = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as book:
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    said = ["".join(t.text or "" for t in one.iter(f"{{{space['s']}}}t")) for one in shared]
    rows = [
        [said[int(c.findtext("s:v", "0", space))] for c in row.findall("s:c", space)]
        for row in sheet.iterfind(".//s:row", space)
    ]
    return [(clips.mended_name(new), old.strip()) for new, old, *_ in rows[1:]]
