from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eyeline.errors import CheckpointError
from eyeline.speech.syncnet.weights import load_syncnet, our_name
from eyeline.systems.gaze_following.weights import import_original
from eyeline.training import checkpoint
from tests.speech.syncnet.conftest import their_tensors


@pytest.fixture(scope="module")
def theirs() -> dict[str, torch.Tensor]:
    return their_tensors()


@pytest.mark.parametrize("old", [False, True])
def test_syncnet_is_placed_whole(
    theirs: dict[str, torch.Tensor], tmp_path: Path, old: bool
) -> None:
    """Files of before PyTorch 0.4.1 count no batches and are no zips."""
    kept = {k: v for k, v in theirs.items() if not (old and k.endswith("num_batches_tracked"))}
    path = tmp_path / "syncnet_v2.model"
    torch.save(kept, path, _use_new_zipfile_serialization=not old)
    imported = import_original(path)
    assert (imported.card.system, imported.card.builder) == ("gaze_following", "syncnet")
    assert imported.ignored == ()
    assert sum(v.numel() for k, v in imported.state.items() if "running" not in k
               and "num_batches" not in k) == 13_631_616  # fmt: skip
    for name, value in theirs.items():
        torch.testing.assert_close(imported.state[our_name(name)], value, rtol=0, atol=0)
    checkpoint.save(tmp_path / "ours.safetensors", imported.state, imported.card)
    for file in (path, tmp_path / "ours.safetensors"):
        net, settings = load_syncnet(file)
        assert not net.training and settings == {}
        assert torch.equal(net.lips.head[3].bias, theirs["netfclip.3.bias"])


def test_other_files_are_refused(theirs: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "s.model"
    for change, said in (
        ({"netcnnlip.99.weight": torch.zeros(2)}, "no place for lips.convolutions.99.weight"),
        ({"other": torch.zeros(2)}, "no place for other"),
        ({"netfcaud.3.bias": torch.zeros(2)}, r"sound.head.3.bias \(2,\) instead of \(1024,\)"),
        ({"netfcaud.3.bias": torch.full((1024,), torch.nan)}, "no numbers in sound.head.3.bias"),
        ({"netfcaud.3.bias": torch.ones(1024) > 0}, "sound.head.3.bias as torch.bool"),
    ):
        torch.save({**theirs, **change}, path)
        with pytest.raises(CheckpointError, match=said):
            import_original(path)
    torch.save({k: v for k, v in theirs.items() if k != "netfcaud.3.bias"}, path)
    with pytest.raises(CheckpointError, match=r"lacks sound.head.3.bias"):
        import_original(path)


def test_no_file_and_none_of_ours(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file"):
        import_original(tmp_path / "none.model")
    (tmp_path / "text.model").write_text("hello, this is no checkpoint")
    with pytest.raises(CheckpointError, match=r"text\.model"):
        import_original(tmp_path / "text.model")
    card = checkpoint.CheckpointCard("gaze_3d", "gaze_from_afar", {})
    checkpoint.save(tmp_path / "o.safetensors", {"a": torch.zeros(1)}, card)
    with pytest.raises(CheckpointError, match="gaze_3d/gaze_from_afar; expected syncnet"):
        load_syncnet(tmp_path / "o.safetensors")
