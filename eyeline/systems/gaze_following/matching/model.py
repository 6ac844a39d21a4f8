"""The matcher's network and its loss: options are scored one by one, in the light of all.

The order of the options has no say: each gets its own score whatever stands before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from eyeline.bounds import FractionBelowOne, Size
from eyeline.errors import check_shape
from eyeline.runtimes.interface import Interface, whole
from eyeline.systems.gaze_following.matching.inputs import OPTION, PERSON
from eyeline.training.draws import dropped, mixed

EXTRA = ("off_screen", "own_lap")
"""Answers beside the options: a look out of the image, and one at the own lap, hands or table."""

_ACTIVATIONS = {"identity": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh, "logistic": nn.Sigmoid}


class Mlp(nn.Module):
    """Linear layers with an activation, and dropout in training, between them.

    Args:
        widths: of the input, of each layer's output.
        activation: `identity`, `relu`, `tanh` or `logistic`.
        dropout: share of the numbers between layers that training leaves out.
    """

    def __init__(
        self, widths: Sequence[int], *, activation: str = "relu", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.activation = _ACTIVATIONS[activation]()
        self.dropout = dropout

    @property
    def interface(self) -> Interface:
        """Rows to rows."""
        ends = self.layers[0].in_features, self.layers[-1].out_features
        given, result = (f"batch {n}" for n in ends)
        kind = str(self.layers[0].weight.dtype).removeprefix("torch.")
        return whole({"values": given}, {"result": result}, kinds={"values": kind})

    def forward(self, values: Tensor, key: Tensor | None = None) -> Tensor:
        """`(batch, ..., inputs)` to `(batch, ..., outputs)`.

        Args:
            values: inputs.
            key: `(batch,)` of `training.draws`, by which dropout draws in training.
        """
        for number, layer in enumerate(self.layers[:-1]):
            values = self.activation(layer(values))
            if self.training and self.dropout:
                assert key is not None, "dropout needs the keys of its samples"
                values = dropped(values, mixed(key, number), self.dropout)
        out: Tensor = self.layers[-1](values)
        return out


class Matcher(nn.Module):
    """Which of the options a person looks at, or out of the image, or at the own lap.

    Args:
        encoder: person's and option's features to a code of the option.
        scorer: the option's code, the mean and the greatest codes of all options, and the person's
            features to one logit.
        extra: mean and greatest codes and the person's features to a logit for each of `EXTRA`.
    """

    def __init__(self, encoder: nn.Module, scorer: nn.Module, extra: nn.Module) -> None:
        super().__init__()
        self.encoder, self.scorer, self.extra = encoder, scorer, extra

    @property
    def interface(self) -> Interface:
        """A person and options to logits of all answers."""
        person, option = (len(names) for names in (PERSON, OPTION))
        return whole(
            {
                "person": f"batch {person}",
                "option": f"batch options {option}",
                "there": "batch options",
            },
            {"logits": "batch answers"},
            kinds={"there": "bool"},
            example={"options": 3},
        )

    def forward(
        self, person: Tensor, option: Tensor, there: Tensor, key: Tensor | None = None
    ) -> Tensor:
        """Logits of all answers.

        Args:
            person: `(batch, person features)` as of `inputs.features`.
            option: `(batch, options, option features)`, padded.
            there: `(batch, options)` bool, False for padding.
            key: `(batch,)` of `training.draws`, where there is dropout in training.

        Returns:
            `(batch, options + 2)`: those of the options, minus infinity for padding, then `EXTRA`.
        """
        sizes = check_shape(option, "batch options feature", "options")
        check_shape(there, "batch options", "there", sizes)
        own = [None if key is None else mixed(key, number) for number in range(3)]
        every = person[:, None].expand(-1, option.shape[1], -1)
        code = torch.relu(self.encoder(torch.cat([every, option], dim=2), own[0]))
        code = code * there[:, :, None]
        mean = code.sum(dim=1) / there.sum(dim=1, keepdim=True).clamp(min=1)
        most = code.amax(dim=1) if option.shape[1] else torch.zeros_like(mean)
        context = torch.cat([person, mean, most], dim=1)
        spread = context[:, None].expand(-1, option.shape[1], -1)
        logit = self.scorer(torch.cat([code, spread], dim=2), own[1])[:, :, 0]
        logit = logit.masked_fill(~there, -torch.inf)
        return torch.cat([logit, self.extra(context, own[2])], dim=1)


def matcher(*, width: Size = 48, dropout: FractionBelowOne = 0.1) -> Matcher:
    """The builder.

    Args:
        width: of all hidden layers.
        dropout: in training.
    """
    person, option = len(PERSON), len(OPTION)
    context = person + 2 * width
    return Matcher(
        Mlp((person + option, width, width), dropout=dropout),
        Mlp((width + context, width, 1), dropout=dropout),
        Mlp((context, width, len(EXTRA)), dropout=dropout),
    )


def matching_loss(logits: Tensor, right: Tensor, *, smoothing: FractionBelowOne = 0.05) -> Tensor:
    """Mean of `look_losses` over rows with a right answer, a scalar; 0 of no row.

    Logits are `(batch, answers)`, minus infinity for padding; `smoothing` is the fraction of the
    loss that asks for all answers alike, against overconfidence.
    """
    each = look_losses(logits, right, smoothing=smoothing)
    return each.sum() / right.any(dim=1).sum().clamp(min=1)


def look_losses(logits: Tensor, right: Tensor, *, smoothing: float = 0.05) -> Tensor:
    """Minus the logarithm of the probability of all right answers together, `(batch,)`.

    Detections overlap: a point may lie in several, and none of them is more right than the others.
    Arguments are those of `matching_loss`; a row without a right answer has the loss 0.
    """
    sizes = check_shape(logits, "batch answers", "logits")
    check_shape(right, "batch answers", "right", sizes)
    log_chance = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    annotated = right.any(dim=1)
    hit = torch.logsumexp(log_chance.masked_fill(~right, -torch.inf)[annotated], dim=1)
    there = torch.isfinite(logits)
    alike = log_chance.masked_fill(~there, 0).sum(dim=1)[annotated] / there.sum(dim=1)[annotated]
    loss = -(1 - smoothing) * hit - smoothing * alike
    return logits.new_zeros(len(logits)).masked_scatter(annotated, loss)
