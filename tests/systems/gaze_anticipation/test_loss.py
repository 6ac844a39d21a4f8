"""Losses as the original computes them, and a contrast that several processes share rightly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.loss import contrast, map_divergence, similarities
from eyeline.systems.gaze_anticipation.model import heatmaps
from tests.closeness import assert_close_to_scale, assert_gradient_close
from tests.systems.gaze_anticipation.invented import golden


def test_divergence_as_published() -> None:
    file = golden("losses")
    logits = torch.from_numpy(file["logits"])[:, 0].requires_grad_()
    result = heatmaps(logits)
    np.testing.assert_allclose(result.detach(), file["prob"][:, 0], atol=1e-6)
    loss = map_divergence(result, torch.from_numpy(file["target"]))
    loss.backward()
    np.testing.assert_allclose(loss.item(), file["kldiv"], rtol=1e-6)
    assert_gradient_close(logits.grad, file["kldiv_grad_logits"][:, 0])


def test_contrast_as_published() -> None:
    file = golden("losses")
    seen, heard = torch.from_numpy(file["v"]).requires_grad_(), torch.from_numpy(file["a"])
    np.testing.assert_allclose(similarities(seen, heard).detach(), file["sim"], atol=1e-6)
    loss = contrast(seen, heard)
    loss.backward()
    np.testing.assert_allclose(loss.item(), file["egonce"], rtol=1e-5)
    assert_gradient_close(seen.grad, file["egonce_grad_v"])
    warmer = contrast(seen, heard, temperature=0.1).item()
    np.testing.assert_allclose(warmer, file["egonce_t0p1"], rtol=1e-5)
    both = file["kldiv"] + 0.05 * loss.item()
    np.testing.assert_allclose(both, file["combined_alpha_0p05"], rtol=1e-6)


def test_frames_that_do_not_count() -> None:
    torch.manual_seed(0)
    result, label = (torch.softmax(torch.randn(2, 4, 64), -1).view(2, 4, 8, 8) for _ in range(2))
    counts = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 1]])
    alone = [
        map_divergence(result[i : i + 1, t], label[i : i + 1, t])
        for i, t in ((0, slice(2)), (1, slice(3, 4)))
    ]
    some = map_divergence(result, label, counts)
    torch.testing.assert_close(some, torch.stack(alone).mean())
    whole = map_divergence(result, label, torch.ones(2, 4))
    torch.testing.assert_close(whole, map_divergence(result, label))
    assert map_divergence(result, label, torch.zeros(2, 4)) == 0


def test_one_clip_has_nothing_to_be_reported_from_and_no_length_gives_numbers() -> None:
    seen = torch.randn(1, 8, requires_grad=True)
    loss = contrast(seen, torch.randn(1, 8))
    loss.backward()
    assert loss == 0 and seen.grad is not None and bool((seen.grad == 0).all())
    seen = torch.zeros(2, 8, requires_grad=True)
    contrast(seen, torch.randn(2, 8)).backward()
    assert seen.grad is not None and bool(seen.grad.isfinite().all())


def test_other_shapes_are_refused() -> None:
    with pytest.raises(DataError, match="label has shape"):
        map_divergence(torch.ones(1, 2, 4, 4), torch.ones(1, 3, 4, 4))
    with pytest.raises(DataError, match="heard has shape"):
        contrast(torch.ones(2, 3), torch.ones(2, 4))


SCRIPT = """
import json, sys, torch
sys.path.insert(0, {root!r})
torch.set_num_threads(1)
from torch.distributed import init_process_group, get_rank, destroy_process_group
from torch.nn.parallel import DistributedDataParallel
from eyeline.systems.gaze_anticipation.loss import contrast

class Embeds(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.seen, self.heard = torch.nn.Linear(6, 4), torch.nn.Linear(5, 4)
    def forward(self, a, b):
        return self.seen(a), self.heard(b)

def gradients(alone):
    torch.manual_seed(0)
    network, a, b = Embeds(), torch.randn(6, 6), torch.randn(6, 5)
    if not alone:
        mine = slice(3 * get_rank(), 3 * get_rank() + 3)
        network, a, b = DistributedDataParallel(network), a[mine], b[mine]
    loss = contrast(*network(a, b))
    loss.backward()
    return [loss.item(), *(g for p in network.parameters() for g in p.grad.flatten().tolist())]

if __name__ == "__main__":
    if sys.argv[1] == "alone":
        found = gradients(True)
    else:
        init_process_group("gloo", init_method="file://" + {meet!r}, rank=int(sys.argv[1]),
                           world_size=2)
        found = gradients(False)
        destroy_process_group()
    print(json.dumps(found))
"""


def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    """The joined batch: each process's own clips among those of both."""
    script = tmp_path / "contrast.py"
    root = str(Path(__file__).parents[3])
    script.write_text(SCRIPT.format(root=root, meet=str(tmp_path / "meet")), encoding="utf-8")
    begun = [
        subprocess.Popen([sys.executable, str(script), who], stdout=subprocess.PIPE, text=True)
        for who in ("alone", "0", "1")
    ]
    printed = [process.communicate(timeout=120)[0] for process in begun]
    alone, first, second = (json.loads(text) for text in printed)
    assert len(alone) == 1 + 7 * 4 + 6 * 4 and max(map(abs, alone[1:])) > 0.1
    assert_close_to_scale(first, alone, 1e-4)
    assert_close_to_scale(second, alone, 1e-4)
