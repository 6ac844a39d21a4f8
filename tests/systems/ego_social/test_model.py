"""The network for looking at me answers as the original does; numbers of `golden/lam_n2.npz`."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.ego_social.loss import weighted_cross_entropy
from eyeline.systems.ego_social.model import (
    FrameEncoder,
    LookingAtMe,
    angles,
    gaze360_lstm,
    lam_lstm,
)
from tests.closeness import assert_close_to_scale, assert_gradient_close
from tests.refusals import refuses
from tests.systems.ego_social.invented import (
    GAZE360,
    LAM,
    SINGLE,
    Array,
    assert_gradients,
    assert_seen,
    blocky,
    filled,
    golden,
    keys,
    statistics,
    their_tensors,
    watched,
)

SEEN = {
    "base_model.conv1": "encoder.conv",
    **{f"base_model.layer{i}": f"encoder.layer{i}" for i in range(1, 5)},
    "base_model.fc1": "encoder.project.0",
    "base_model": "encoder",
    "lstm": "memory",
    "last_layer1": "head.0",
}
CLOSE = 2e-5


@pytest.fixture(scope="module")
def file() -> dict[str, Array]:
    return golden("lam_n2")


@pytest.fixture(scope="module")
def clip() -> torch.Tensor:
    return blocky("lam_n2", 2, 7, 3)


@pytest.fixture(scope="module")
def features(clip: torch.Tensor) -> torch.Tensor:
    net = cast(LookingAtMe, filled(lam_lstm(), LAM))
    with torch.no_grad():
        return net.see(clip.flatten(0, 1)).reshape(2, 7, -1)


def test_the_invented_numbers_are_those_of_the_golden_files(
    file: dict[str, Array], clip: torch.Tensor
) -> None:
    tensors = their_tensors(LAM)
    for name, first in zip(file["check.weight.names"], file["check.weight.first2"], strict=True):
        np.testing.assert_array_equal(tensors[str(name)].numpy().ravel()[:2], first)
    np.testing.assert_array_equal(clip.numpy().ravel()[:8], file["check.input.x.first8"])
    assert_close_to_scale(statistics(clip)[:2], file["check.input.x.stat"], 1e-6)


def test_layer_by_layer(file: dict[str, Array], clip: torch.Tensor) -> None:
    net = cast(LookingAtMe, filled(lam_lstm(), LAM))
    cast(FrameEncoder, net.encoder).at_once = 14  # or layers would be seen in parts
    seen = watched(net, SEEN)
    with torch.no_grad():
        logits = net(clip)
    np.testing.assert_allclose(logits, file["logits"], rtol=0, atol=CLOSE)
    np.testing.assert_allclose(logits.softmax(1), file["prob"], rtol=0, atol=CLOSE)
    assert assert_seen(seen, file) > 17_000
    loss = weighted_cross_entropy(logits, torch.from_numpy(file["targets"]))
    assert float(loss) == pytest.approx(float(file["eval.loss"]), abs=1e-6)


def test_gaze360_tells_angles(file: dict[str, Array], features: torch.Tensor) -> None:
    net = cast(LookingAtMe, filled(gaze360_lstm(head="angles"), GAZE360))
    with torch.no_grad():
        result = angles(net.conclude(features))
    known = torch.stack([result.yaw_rad, result.pitch_rad], dim=1)
    np.testing.assert_allclose(known, file["gaze360.angular"], rtol=0, atol=CLOSE)
    both = result.uncertainty_rad[:, None].expand(-1, 2)
    np.testing.assert_allclose(both, file["gaze360.var"], rtol=0, atol=CLOSE)


def test_the_released_head_of_one_layer(file: dict[str, Array], features: torch.Tensor) -> None:
    net = cast(LookingAtMe, filled(gaze360_lstm(head="single"), SINGLE))
    with torch.no_grad():
        result = net.conclude(features)
    np.testing.assert_allclose(result, file["singlehead.logits"], rtol=0, atol=CLOSE)


def test_one_step_of_training(file: dict[str, Array], clip: torch.Tensor) -> None:
    net = cast(LookingAtMe, filled(lam_lstm(), LAM).train())
    optimizer = torch.optim.Adam(net.parameters(), 5e-4)
    logits = net(clip)
    loss = weighted_cross_entropy(logits, torch.from_numpy(file["targets"]))
    np.testing.assert_allclose(logits.detach(), file["train.logits"], rtol=0, atol=CLOSE)
    assert float(loss.detach()) == pytest.approx(float(file["train.losses"][0]), abs=1e-5)
    loss.backward()
    assert_gradients(net, file, 2e-3)
    last = net.get_parameter("head.1.weight").grad
    assert last is not None
    assert_gradient_close(last, file["train.grad.last_layer2.weight"], 2e-3)
    for name in ("running_mean", "running_var"):
        result = net.get_buffer(f"encoder.norm.{name}")
        np.testing.assert_allclose(result, file[f"train.bn1.{name}"], rtol=0, atol=CLOSE)
    optimizer.step()
    for ours, theirs in (("head.1", "last_layer2"), ("encoder.project.2", "fc2")):
        moved = net.get_parameter(f"{ours}.bias").detach()
        np.testing.assert_allclose(moved, file[f"train.step1.{theirs}.bias"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("which", "head"), [(LAM, "two_layers"), (SINGLE, "single"), (GAZE360, "angles")]
)
def test_parameters(which: str, head: str) -> None:
    net = gaze360_lstm(head=head)
    assert sum(p.numel() for p in net.parameters()) == keys()[which]["parameters"]


def test_frames_are_seen_once_and_in_parts(clip: torch.Tensor) -> None:
    net = gaze360_lstm(width=8, memory=16).eval()
    frames = clip.flatten(0, 1)[:9, :, ::4, ::4]
    with torch.no_grad():
        seen = net.see(frames)
        slid = net.conclude(seen.unfold(0, 7, 1).mT)
        whole = net(frames.unfold(0, 7, 1).movedim(-1, 1))
        cast(FrameEncoder, net.encoder).at_once = 2
        assert_close_to_scale(net.see(frames), seen, 1e-4)
    assert_close_to_scale(slid, whole, 1e-4)
    assert slid.shape == (3, 2)


def test_the_centre_frame_decides() -> None:
    net = lam_lstm(frames=3, width=4, memory=8).eval()
    seen = watched(net, {"memory": "memory"})
    with torch.no_grad():
        logits = net(torch.randn(1, 3, 3, 32, 32))
        assert_close_to_scale(net.head(seen["memory"][:, 1]), logits, 1e-4)


def test_half_precision_stays_near() -> None:
    net = lam_lstm(width=8, memory=16).eval()
    clip = torch.randn(2, 7, 3, 32, 32)
    with torch.no_grad():
        exact = net(clip)
        with torch.autocast("cpu", torch.bfloat16):
            result = net(clip)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, exact, atol=0.02, rtol=0)


def test_other_shapes_are_refused() -> None:
    net = lam_lstm(width=4, memory=4)
    with pytest.raises(DataError, match=r"clip has shape .* axis '7' .* is 5"):
        net(torch.zeros(1, 5, 3, 32, 32))
    refuses(DataError, "clip has 4 axes", lambda: net(torch.zeros(7, 3, 32, 32)))


@pytest.mark.parametrize("frames", [0, 6, -1])
def test_a_window_needs_a_centre(frames: int) -> None:
    refuses(DataError, "no middle", lambda: lam_lstm(frames=frames))


def test_other_arguments_are_refused() -> None:
    with pytest.raises(DataError, match="no head 'three'; there are two_layers, single, angles"):
        gaze360_lstm(head="three")
    refuses(DataError, "width is 0", lambda: lam_lstm(width=0))
    refuses(DataError, "memory is -1", lambda: lam_lstm(memory=-1))


def test_convolutions_begin_by_outputs() -> None:
    torch.manual_seed(1)
    first = lam_lstm().get_parameter("encoder.layer4.1.conv2.weight")
    assert float(first.detach().std()) == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
