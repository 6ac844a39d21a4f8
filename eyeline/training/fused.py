"""Networks for inference: batch norms folded into the convolutions before them."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TypeVar, cast

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def fused(network: Network) -> Network:
    """A copy in evaluation mode with the same outputs and methods; it cannot be trained.

    It shares no tensors with the network. Convolutions are stored channels last, which is quickest
    on processors.

    Args:
        network: its `foldable` names the modules in which each batch norm that is declared right
            behind a convolution is also computed right behind it. Not changed.
    """
    copied = copy.deepcopy(network).requires_grad_(False).eval()
    with torch.no_grad():
        for part in cast(tuple[str, ...], network.foldable):
            for module in copied.get_submodule(part).modules():
                for (name, conv), (behind, norm) in pairwise([*module.named_children()]):
                    if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                        folded = fuse_conv_bn_eval(conv, norm).requires_grad_(False)
                        setattr(module, name, folded)
                        setattr(module, behind, nn.Identity())
    return copied.to(memory_format=torch.channels_last)
