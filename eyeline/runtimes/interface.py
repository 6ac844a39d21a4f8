"""What a network takes and gives, part by part: all that an exporter and a runtime must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Part:
    """A method of a network, which a runtime can run without the rest."""

    inputs: Mapping[str, str]
    """Axes by name, in the method's order, as of `errors.check_shape`; words are free lengths."""
    outputs: Mapping[str, str]
    """Likewise; of a method that gives tuples within tuples all tensors in order."""


@dataclass(frozen=True)
class Pixels:
    """What images must be before they are an input."""

    order: str
    """`RGB` or `BGR`."""
    mean: tuple[float, ...]
    """Taken off pixels of 0 to `scale`, by channel."""
    std: tuple[float, ...]
    """The rest is divided by it."""
    scale: float = 1.0
    """Largest value of a pixel before that."""


@dataclass(frozen=True)
class Interface:
    """A network's parts; an input that is called as an earlier part's output is that output."""

    parts: Mapping[str, Part]
    """By method, in order."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Lengths that whoever prepares inputs must know, such as the frames of a window."""
    pixels: Mapping[str, Pixels] = field(default_factory=dict)
    """By input."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Numbers of inputs that are not float32, as numpy names them."""
    example: Mapping[str, int] = field(default_factory=dict)
    """Lengths of free axes in examples, where 2 will not do."""
    rows: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Along an input's last axis, where random numbers are no example."""

    @cached_property
    def inputs(self) -> dict[str, str]:
        """Axes of what the whole network takes, by name."""
        return {
            n: a for p in self.parts.values() for n, a in p.inputs.items() if n not in self.outputs
        }

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Axes of all that the parts give, by name."""
        return {name: axes for part in self.parts.values() for name, axes in part.outputs.items()}


def whole(inputs: Mapping[str, str], outputs: Mapping[str, str], **rest: object) -> Interface:
    """Of a network that is run in one go, by `forward`."""
    return Interface({"forward": Part(inputs, outputs)}, **rest)  # type: ignore[arg-type]
