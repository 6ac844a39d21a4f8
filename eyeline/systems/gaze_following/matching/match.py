"""The matcher's answers: a choice for each person, with the probabilities of all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from eyeline.geometry import boxes
from eyeline.results import TARGET_OFF_SCREEN, TARGET_SCENE, Floats, Ints
from eyeline.runtimes.manifest import is_exported
from eyeline.runtimes.run import Runtime, open_network
from eyeline.systems.gaze_following import heatmaps
from eyeline.systems.gaze_following.matching import inputs
from eyeline.systems.gaze_following.matching.inputs import Moment, Options
from eyeline.systems.gaze_following.matching.labels import lap_point
from eyeline.training import checkpoint, sharing

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from eyeline.systems.gaze_following.matching.model import Matcher

_AT_ONCE = 1024


@dataclass(frozen=True)
class Matched:
    """What one person looks at."""

    box_xyxy: Floats
    """`(options, 4)` pixels."""
    head: Ints
    """`(options,)` row of the head, among the people, that an option is or lies on; -1 for none."""
    chance: Floats
    """`(options + 2,)` of the options, of a look out of the image, of the own lap; sums to 1."""
    point_px: Floats
    """`(2,)` of the most probable answer within the image, also where a look out of it is more
    probable still."""
    target: int
    """Row of the head that is most probably looked at, from 0; -1: something else in the image;
    -2: something out of it."""

    @property
    def in_frame(self) -> float:
        """Probability that the look stays in the image."""
        return float(1 - self.chance[-2])

    @property
    def probability(self) -> float:
        """Of what `target` says: of that head, of all that is no head, or of off screen."""
        if self.target == _OUT:
            return float(self.chance[-2])
        lap = float(self.chance[-1]) if self.target == _NOTHING else 0.0
        return float(self.chance[:-2][self.head == self.target].sum()) + lap

    def heatmap(self, points_px: Floats, size_px: tuple[float, float]) -> Floats:
        """All answers within the image as one heatmap, see `heatmaps.mixture`.

        Args:
            points_px: `(options + 1, 2)` as of `places`.
            size_px: of the image.
        """
        weight = np.append(self.chance[:-2], self.chance[-1])
        return heatmaps.mixture(points_px / np.array(size_px), weight)


_NOTHING, _OUT = -1, -2


def target_code(target: int, person: Sequence[int]) -> int:
    """A `Matched.target` as `results.Points.target` has it, given the people's numbers."""
    if target >= 0:
        return person[target]
    return TARGET_OFF_SCREEN if target == _OUT else TARGET_SCENE


def open_matcher(path: Path | str, device: str = "cpu", runtime: Runtime | None = None) -> Matcher:
    """The network of a weights file or an exported one, ready to answer.

    Raises:
        CheckpointError: no such file, or weights of something else.
        UsageError: no such device.
    """
    from eyeline.systems.gaze_following.matching.model import matcher
    from eyeline.systems.gaze_following.matching.recipe import BUILDER
    from eyeline.training.devices import check_device

    if is_exported(path):
        from eyeline.runtimes.module import Exported

        name = f"gaze_following/{BUILDER}"
        exported, _ = open_network(path, (name,), matcher, device=device, runtime=runtime)
        return cast("Matcher", Exported(exported))
    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, "gaze_following", (BUILDER,), path)
    network = checkpoint.build(matcher, card, state, path)
    return cast("Matcher", network.to(check_device(device)))


def match(
    network: Matcher, moments: Sequence[Moment], *, mute: bool = False
) -> list[list[Matched]]:
    """What everybody in each image looks at, in the order of its people.

    The network is in evaluation mode; `mute` does as if nobody knew who speaks.
    """
    lookers = [(m, i) for m in moments for i in range(len(m.head_xyxy))]
    among = [inputs.options(m, i) for m, i in lookers]
    seen = [inputs.features(m, i, o) for (m, i), o in zip(lookers, among, strict=True)]
    chances = answer(network, [s[0] for s in seen], [s[1] for s in seen], mute=mute)
    result = iter(decide(m, i, o, c) for (m, i), o, c in zip(lookers, among, chances, strict=True))
    return [[next(result) for _ in range(len(m.head_xyxy))] for m in moments]


def answer(
    network: Matcher,
    person: Sequence[Floats],
    option: Sequence[Floats],
    *,
    mute: bool = False,
    fabric: Fabric | None = None,
) -> list[Floats]:
    """Probabilities `(options + 2,)` of all answers of each look with features as of `inputs`.

    `mute` as of `match`. The processes of a launched fabric share the looks, and all get all
    results.
    """
    import torch

    from eyeline.systems.gaze_following.matching.data import collate
    from eyeline.training.devices import for_answers

    device = next(network.parameters()).device
    known = list(zip(person, option, strict=True))
    if mute:
        known = [inputs.muted(p, o) for p, o in known]
    starts = range(0, len(known), _AT_ONCE)

    def chances_of(own: range) -> Iterator[list[Floats]]:
        for start in (starts[number] for number in own):
            part = [(p, o, np.zeros(len(o) + 2, bool)) for p, o in known[start : start + _AT_ONCE]]
            batch = {name: value.to(device) for name, value in collate(part).items()}
            logits = network(batch["person"], batch["option"], batch["there"])
            fractions = torch.softmax(logits.double(), dim=1).cpu().numpy()
            yield [
                np.append(row[: len(o)], row[-2:])
                for row, (_, o, _) in zip(fractions, part, strict=True)
            ]

    with for_answers(1):
        return [x for part in sharing.shared(fabric, len(starts), chances_of) for x in part]


def places(moment: Moment, looker: int, among: Options) -> Floats:
    """The points `(options + 1, 2)` of all answers within the image; the own lap's is last."""
    lap = lap_point(moment.head_xyxy[looker], moment.size_px)
    return np.concatenate([boxes.centre(among.box_xyxy), lap[None]])


def decide(moment: Moment, looker: int, among: Options, chance: Floats) -> Matched:
    """The choice that probabilities `(options + 2,)` make.

    A head and what the detector found on it are one thing to look at: their probabilities add up.
    """
    centre, head = boxes.centre(among.box_xyxy), among.person.copy()
    for person in np.unique(head[head >= 0]).tolist():
        head[boxes.contain(moment.head_xyxy[person], centre) & (head < 0)] = person
    # a number from 0 for each thing, equal for options on one head
    number = np.where(head >= 0, head, head.max(initial=-1) + 1 + np.arange(len(head)))
    thing = np.concatenate([number, [-2, -1]])
    total = np.array([chance[thing == t].sum() for t in thing])
    inside = np.where(thing == -2, -1.0, total)
    same = thing == thing[inside.argmax()]
    best = int(np.where(same, np.append(chance[:-2], [-1.0, chance[-1]]), -1.0).argmax())
    points = places(moment, looker, among)
    point = np.clip(points[min(best, len(head))], 0, np.array(moment.size_px))
    first = int(total.argmax())
    target = int(head[first]) if first < len(head) else _OUT if first == len(head) else _NOTHING
    return Matched(among.box_xyxy, head, chance, point, target)
