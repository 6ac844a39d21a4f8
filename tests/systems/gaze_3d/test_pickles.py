from __future__ import annotations

import collections
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from eyeline.errors import DataError
from eyeline.systems.gaze_3d.pickles import read_pickle

CONTENT: dict[str, Any] = {
    "float": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big_endian": np.array([1, -2], ">i4"),
    "empty": np.zeros((0, 3)),
    "single": np.array(5.0),
    "truth": np.array([True, False]),
}


class Armed:
    """Says so if a reader runs it."""

    fired = False

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return setattr, (Armed, "fired", True)


def written(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_come_back_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    found = read_pickle(written(tmp_path / "a", CONTENT, protocol))
    assert found.keys() == CONTENT.keys()
    for name, array in CONTENT.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize("protocol", range(2, 6))
def test_plain_values_numbers_and_pictures_come_back(tmp_path: Path, protocol: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 3), dtype=np.uint8)
    content = {
        "picture": PillowImage.fromarray(pixels), "number": np.float32(2.5), "index": np.int64(-3),
        "list": [1, (2.0, None, "x")],
    }  # fmt: skip
    found = read_pickle(written(tmp_path / "a", content, protocol))
    np.testing.assert_array_equal(found.pop("picture"), pixels)
    assert found == {"number": 2.5, "index": -3, "list": [1, (2.0, None, "x")]}


def test_nothing_is_run(tmp_path: Path) -> None:
    path = written(tmp_path / "armed", {"gaze": Armed()})
    with pytest.raises(DataError, match=r"armed: it asks for builtins\.setattr"):
        read_pickle(path)
    assert not Armed.fired
    pickle.loads(path.read_bytes())
    assert Armed.fired  # the file does run where pickle itself reads it


@pytest.mark.parametrize(
    "content",
    [
        np.array([object()], object),
        np.array(["text"]),
        np.array([1 + 2j]),
        {1, 2},
        collections.OrderedDict(a=1),
        Path("x"),
        PillowImage.new("L", (2, 2)),
    ],
    ids=["objects", "text", "complex", "set", "ordered", "path", "grey picture"],
)
def test_other_things_are_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(DataError, match="other"):
        read_pickle(written(tmp_path / "other", content))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", CONTENT).read_bytes()
    cut = tmp_path / "cut"
    for content in (
        whole[:-40],
        b"",
        b"no pickle",
        whole.replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86"),
    ):
        cut.write_bytes(content)
        with pytest.raises(DataError, match="cut"):
            read_pickle(cut)
    with pytest.raises(DataError, match="No such file"):
        read_pickle(tmp_path / "nowhere")
