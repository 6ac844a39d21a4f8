"""The network: the same in torch and as a graph, learns, and answers drawn eyes rightly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import CheckpointError
from eyeline.people.irises import crops, forward, locate, train
from eyeline.training import checkpoint

GOLDEN = Path(__file__).parent / "golden" / "drawn.npz"


def test_the_graph_equals_the_module() -> None:
    import torch

    from eyeline.people.irises.model import IrisNet

    torch.manual_seed(0)
    network = IrisNet().eval()
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    assert {name: value.shape for name, value in state.items()} == forward.shapes()
    values = np.random.default_rng(0).normal(0, 1, (5, 1, crops.CROP_H, crops.CROP_W))
    values = values.astype(np.float32)
    place, known = forward.session(state).run(None, {"crops": values})
    with torch.no_grad():
        expected = network(torch.tensor(values))
    assert place == pytest.approx(expected[0].numpy(), abs=1e-4)
    assert known == pytest.approx(expected[1].numpy(), abs=1e-4)


def test_the_heat_map_covers_the_crop_evenly() -> None:
    assert forward.cells().mean(0) == pytest.approx(
        [(crops.CROP_W - 1) / 2, (crops.CROP_H - 1) / 2]
    )


def test_a_short_training_learns_and_repeats() -> None:
    samples, unseen = train.draw(5, 480), train.draw(6, 200)
    losses: list[float] = []
    network = train.fit(samples, epochs=8, batch=32, tell=lambda _, loss: losses.append(loss))
    assert losses[-1] < losses[0] - 0.5
    guess = np.linalg.norm(unseen["iris"] - samples["iris"].mean(0), axis=1)
    guess = np.median(guess[unseen["visible"] >= 0.5]) / (crops.EYE_MM * crops.PX_PER_MM)
    assert train.check(network, unseen)["median_error"] < 0.9 * guess
    few = {name: values[:100] for name, values in samples.items()}
    one, again = (train.fit(few, epochs=1).state_dict() for _ in range(2))
    assert all(bool((one[name] == again[name]).all()) for name in one)


def test_what_ships_answers_drawn_eyes() -> None:
    """Crops and truths of `capture.sample(7, 0..23)`, and the answers at the time of training."""
    with np.load(GOLDEN) as golden:
        result = locate.Locator()(golden["crop"])
        assert result.place == pytest.approx(golden["place"], abs=0.02)
        assert result.visible == pytest.approx(golden["visible"], abs=0.01)
        off = np.linalg.norm(result.place - golden["iris"], axis=1)[golden["truly_visible"] == 1]
    assert np.median(off) < 0.06 * crops.EYE_MM * crops.PX_PER_MM


def test_what_ships_says_what_it_is() -> None:
    card, arrays = checkpoint.load_arrays(locate.SHIPPED)
    assert (card.system, card.builder) == ("people", "irises")
    assert card.data["count"] == train.COUNT and card.recipe["epochs"] == train.EPOCHS
    assert card.licence == train.LICENCE
    assert sum(array.size for array in arrays.values()) < 70_000
    assert locate.SHIPPED.stat().st_size < 300_000


def test_one_eye_is_answered_as_among_many() -> None:
    locator = locate.Locator()
    cut = train.draw(8, 6)["crop"]
    whole = locator(cut)
    for i in range(6):
        alone = locator(cut[i : i + 1])
        for name, value in vars(alone).items():
            assert value[0] == pytest.approx(getattr(whole, name)[i], abs=1e-4), name


def test_other_weights_are_refused(tmp_path: Path) -> None:
    import torch

    card = checkpoint.CheckpointCard("people", "irises", {})
    checkpoint.save(tmp_path / "w.safetensors", {"enter.weight": torch.zeros(3)}, card)
    with pytest.raises(CheckpointError, match="lacks"):
        locate.Locator(tmp_path / "w.safetensors")
