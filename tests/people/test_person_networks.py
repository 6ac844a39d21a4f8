"""torchvision's detectors of persons: whose weights a file holds, and what COCO's points tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.download.table import entries
from eyeline.errors import CheckpointError, UsageError
from eyeline.people import person_networks
from eyeline.people.person_networks import NETWORKS, TorchvisionPersons, find_weights, heads_of_coco
from tests.refusals import refuses


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest of the networks, with random weights."""
    from torchvision.models import get_model

    torch.manual_seed(3)
    network = get_model("ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None)
    path = tmp_path_factory.mktemp("weights") / "ssd.pth"
    state = network.state_dict()
    for key, bias in state.items():
        if "classification_head" in key and not bias.numel() % 91 and bias.ndim == 1:
            bias.view(-1, 91)[:, 1] = 3.0  # sees persons everywhere
    torch.save(state, path)
    return path


class Frame:
    def rgb(self) -> np.ndarray:
        return np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def test_the_network_is_read_off_the_weights_and_answers_in_pixels(small: Path) -> None:
    detector = TorchvisionPersons(small, score=0.0)
    assert detector.name == "ssdlite320_mobilenet_v3_large"
    result = detector.find(Frame())  # type: ignore[arg-type]
    assert len(result) > 0 and np.isnan(result.head_xyxy).all()
    assert (result.box_xyxy >= 0).all() and (result.box_xyxy <= [160, 120, 160, 120]).all()
    assert (np.diff(result.score) <= 0).all()


def test_only_sure_persons_count(small: Path) -> None:
    detector = TorchvisionPersons(small)

    def three(_: Any) -> Any:
        box = torch.tensor([[0.0, 0, 9, 9], [1, 1, 8, 8], [2, 2, 7, 7]])
        return [{"boxes": box, "labels": torch.tensor([1, 3, 1]),
                 "scores": torch.tensor([0.9, 0.95, 0.5])}]  # fmt: skip

    detector._network = three
    assert detector.find(Frame()).box_xyxy.tolist() == [[0, 0, 9, 9]]  # type: ignore[arg-type]


def test_a_head_is_seen_from_all_sides() -> None:
    points, seen = np.zeros((3, 17, 2)), np.zeros((3, 17), bool)
    points[:, 5:7] = [[80.0, 172], [120, 172]]
    points[0, :5] = [100.0, 100]
    points[1, 3:5] = [100.0, 100]  # from behind: ears alone
    seen[:, 5:7] = seen[0, :5] = seen[1, 3:5] = True
    heads = heads_of_coco(points, seen)
    np.testing.assert_allclose(heads[0], [60, 50, 140, 150])
    np.testing.assert_allclose(heads[1], heads[0])
    assert np.isnan(heads[2]).all()


def test_weights_are_a_file_or_lie_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuses(UsageError, "--detector-weights", lambda: find_weights(None))
    refuses(CheckpointError, "no such file", lambda: find_weights("nothing.pth"))
    lies = tmp_path / "people" / "fasterrcnn_resnet50_fpn.pth"
    lies.parent.mkdir()
    lies.write_bytes(b"PK")
    monkeypatch.setenv("EYELINE_WEIGHTS", str(tmp_path))
    assert find_weights(None) == find_weights("fasterrcnn_resnet50_fpn") == lies
    assert find_weights(str(lies)) == lies


@pytest.mark.parametrize("name", NETWORKS)
def test_every_name_can_be_downloaded_and_is_known(name: str) -> None:
    from torchvision.models import get_weight

    entry = entries()[name]
    assert entry.places == (f"people/{name}.pth",) and entry.check == "persons"
    assert get_weight(f"{entry.source.torchvision}.DEFAULT").url.startswith("https://")
    with torch.device("meta"):
        state = person_networks._network(name).state_dict()
    assert person_networks._name_of(state, "x") == name
    with pytest.raises(UsageError, match=f"eyeline download {name} --accept-licence"):
        find_weights(name)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    refuses(CheckpointError, "fits none", lambda: TorchvisionPersons(tmp_path / "other.pth"))
