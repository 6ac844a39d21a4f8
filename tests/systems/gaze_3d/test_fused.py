"""The copy for inference has the outputs of the network, and those of the original."""

from __future__ import annotations

import pytest
import torch

from eyeline.systems.gaze_3d.model import (
    Directions3D,
    Estimate,
    GazeFromAfar,
    gaze_from_afar,
    set_gradient_checkpointing,
)
from eyeline.systems.gaze_3d.windows import View, WindowStream
from eyeline.training.fused import fused
from tests.systems.gaze_3d.conftest import Golden
from tests.systems.gaze_3d.invented import assert_same, expected, inputs

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def copy(net: GazeFromAfar) -> GazeFromAfar:
    return fused(net)


@pytest.mark.parametrize(
    ("name", "height", "width"), [("net_b1_f7", 256, 192), ("net_odd_232x184", 232, 184)]
)
def test_parity(copy: GazeFromAfar, golden: Golden, name: str, height: int, width: int) -> None:
    with torch.inference_mode():
        result = copy(*inputs(name, 1, 7, height, width))
    assert_same(result, expected(golden(name)))


def test_sizes_may_change_from_call_to_call(net: GazeFromAfar, copy: GazeFromAfar) -> None:
    for count, height, width in ((2, 64, 64), (7, 96, 64), (1, 56, 72)):
        clip, mask, motion = inputs(f"sizes{count}", 1, count, height, width)
        given = clip[0], mask[0], motion[0]
        with torch.inference_mode():
            torch.testing.assert_close(copy.see(*given), net.see(*given), atol=1e-4, rtol=0)


def test_a_small_network() -> None:
    torch.manual_seed(0)
    net = gaze_from_afar(frames=3, backbone="small").eval()
    given = inputs("small", 2, 3, 64, 64)
    with torch.inference_mode():
        for recurrence in ("independent", "original"):
            result, wanted = (n(*given, recurrence=recurrence) for n in (fused(net), net))
            assert_same(result, wanted, 1e-5)


@pytest.mark.gpu
def test_parity_on_a_gpu(net: GazeFromAfar, golden: Golden) -> None:
    from eyeline.training.devices import check_device

    device = check_device("cuda")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    given = [g.to(device) for g in inputs("net_b3_f7", 3, 7)]
    for network in (fused(net).to(device), fused(net.to(device))):
        with torch.inference_mode():
            result = network(*given)
            mixed = network(*given, recurrence="original")
        on_cpu = [type(d)(*(type(e)(*(t.cpu() for t in e)) for e in d)) for d in (result, mixed)]
        assert_same(on_cpu[0], expected(golden("net_b3_f7_each_alone")))
        assert_same(on_cpu[1], expected(golden("net_b3_f7")))
    net.cpu()


@pytest.mark.gpu
def test_streaming_on_a_gpu(net: GazeFromAfar, golden: Golden) -> None:
    clip, mask, motion = inputs("stream20", 1, 20)
    given = clip[0].numpy(), mask[0].numpy(), motion[0].numpy()
    shown = [View(0, i, *(values[i] for values in given)) for i in range(20)]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    windows = WindowStream(fused(net).to("cuda")).push(shown)
    wanted = expected(golden("streaming_20_frames"))
    for i, window in enumerate(windows):
        pairs = zip(*map(torch.from_numpy, (window.direction, window.concentration)), strict=True)
        alone = [Estimate(*pair) for pair in pairs]
        theirs = [Estimate(e.direction[i], e.concentration[i]) for e in wanted]
        assert_same(Directions3D(*alone), Directions3D(*theirs))


@pytest.mark.gpu
@pytest.mark.parametrize("gradient_checkpointing", [False, True])
def test_half_precision_trains_on_a_gpu(gradient_checkpointing: bool) -> None:
    torch.manual_seed(0)
    net = set_gradient_checkpointing(
        gaze_from_afar().to("cuda"), gradient_checkpointing=gradient_checkpointing
    ).train()
    given = [g.to("cuda") for g in inputs("half", 2, 7)]
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)
    losses = []
    for _ in range(12):
        with torch.autocast("cuda", dtype=torch.bfloat16):
            result = net(*given)
        assert result.gaze.direction.dtype == torch.float32
        loss = (1 - result.gaze.direction[..., 2]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
