"""A network's outputs for a whole data set: each image is seen once, processes share the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from eyeline.errors import UsageError
from eyeline.log import Log
from eyeline.results import Floats, Image, Ints
from eyeline.systems.ego_social.inputs import AUDIO_HZ, normalise
from eyeline.systems.ego_social.model import LookingAtMe
from eyeline.systems.ego_social.ttm_model import TalkingToMe
from eyeline.training import sharing

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Work:
    """How a data set is gone through; UsageError for a number that cannot be."""

    at_once: int = 32
    """Neighbouring windows whose images are read and seen together."""
    workers: int = 0
    """Processes that read crops."""
    log: Log | None = None
    fabric: Fabric | None = None
    """Launched; its processes share the data set, and all get all outputs."""

    def __post_init__(self) -> None:
        if self.at_once < 1:
            raise UsageError(f"{self.at_once} windows at once; must be at least 1")

    def results(
        self, parts: Any, of: Callable[[Any], Floats], ends: Sequence[int], what: str
    ) -> Iterator[Floats]:
        """What `of` makes of each part, read ahead; every fiftieth is logged."""

        def own(numbers: range) -> Iterator[Floats]:
            read = DataLoader(
                parts,
                batch_size=None,
                sampler=numbers,
                num_workers=self.workers,
                collate_fn=_as_it_is,
            )
            yield from map(of, read)

        with torch.no_grad():
            for number, result in enumerate(sharing.shared(self.fabric, len(ends), own)):
                if self.log and (number % 50 == 49 or number == len(ends) - 1):
                    self.log(f"{ends[number]} of {ends[-1]} {what}")
                yield result


class Windows(Protocol):
    """What `data.Looks` and the challenge's looks are."""

    def __len__(self) -> int: ...

    def frames(self, number: int, /) -> Image:
        """Crops `(7, 224, 224, 3)` uint8 RGB of a window."""


class Utterances(Protocol):
    """What `data.Talks` and the challenge's talks are."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Any:
        """`clip` `(time, 3, 224, 224)` float32 and `audio` `(sample,)`."""


@dataclass(frozen=True)
class TalkOutputs:
    """What a network makes of utterances."""

    logits: Floats
    """`(n, 2)` of face and voice together."""
    face: Floats
    """`(n, 2)` of the face, as if nobody were heard: the voice's place has what the network makes
    of silence."""
    voice: Floats
    """`(n, 2)` of the voice, as if no face were seen: black images, of which it learned many."""
    frames: Ints
    """`(n,)` images in each utterance."""
    faces: Ints
    """`(n,)` those that are not black."""


def looks(
    network: LookingAtMe, items: Windows, work: Work | None = None, *, mirrored: bool = False
) -> Floats:
    """Logits `(n, 2)` of windows, in the order of faces and time.

    An image that stands in several of the windows that are read together passes through the
    network once; so neighbouring windows of a small stride cost little more than one.

    Args:
        network: in evaluation mode, on its device.
        items: the windows.
        work: how they are gone through.
        mirrored: show the images with left and right exchanged.
    """
    work = work or Work()
    device = next(network.parameters()).device
    count = -(-len(items) // work.at_once)
    parts = _Parts(items, np.array_split(np.arange(len(items)), count) if count else [])

    def logits(part: tuple[Image, Ints]) -> Floats:
        images = normalise(part[0], device)
        features = network.see(images.flip(-1) if mirrored else images)
        known: Tensor = network.conclude(features[torch.from_numpy(part[1]).to(device)])
        return known.float().cpu().numpy()

    ends = [int(part[-1]) + 1 for part in parts.parts]
    outputs = work.results(parts, logits, ends, "windows")
    return np.concatenate([np.zeros((0, 2), np.float32), *outputs])


def talks(
    network: TalkingToMe, items: Utterances, work: Work | None = None, *, mirrored: bool = False
) -> TalkOutputs:
    """What a network makes of utterances, each alone; arguments as of `looks`.

    The head adds up what it makes of face and voice, so that both alone cost nothing more. All
    black images pass through the network as one.
    """
    device = next(network.parameters()).device
    with torch.no_grad():
        silence = network.hear(torch.zeros(1, AUDIO_HZ, device=device))

    def row(item: Any) -> Floats:
        clip = item["clip"].to(device)
        features, dark = _features(network, clip.flip(-1) if mirrored else clip)
        voice = network.hear(item["audio"][None].to(device))
        unseen = features[-1:].expand(len(clip), -1)
        pairs = ((features[:-1], voice), (features[:-1], silence), (unseen, voice))
        known = [network.conclude(f[None], v)[0].float().cpu() for f, v in pairs]
        counts = torch.tensor([len(dark), int((~dark).sum())], dtype=torch.float32)
        return torch.cat([*known, counts]).numpy()

    rows = (work or Work()).results(items, row, range(1, len(items) + 1), "utterances")
    table = np.array([*rows], np.float32).reshape(-1, 8)
    counts = table[:, 6:].round().astype(np.int64)
    return TalkOutputs(table[:, :2], table[:, 2:4], table[:, 4:6], counts[:, 0], counts[:, 1])


def _features(network: TalkingToMe, clip: Tensor) -> tuple[Tensor, Tensor]:
    """What each frame shows and, last, a black one `(time + 1, 256)`; which are black `(time,)`."""
    black = normalise(np.zeros((1, *clip.shape[-2:], 3), np.uint8), clip.device)
    dark = (clip == black).flatten(1).all(dim=1)
    seen = network.see(torch.cat([clip[~dark], black]))
    features = seen[-1:].repeat(len(clip) + 1, 1)
    features[:-1][~dark] = seen[:-1]
    return features, dark


class _Parts(Dataset[tuple[Image, Ints]]):
    """Neighbouring windows read together, their different images once."""

    def __init__(self, items: Windows, parts: Sequence[Ints]) -> None:
        self.items, self.parts = items, parts

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, number: int) -> tuple[Image, Ints]:
        """Images `(m, 224, 224, 3)`, and places `(n, 7)` among these."""
        rows, known = self.parts[number], dict[bytes, tuple[int, Image]]()
        places = [
            known.setdefault(image.tobytes(), (len(known), image))[0]
            for row in rows
            for image in self.items.frames(int(row))
        ]
        images = [image for _, image in known.values()]
        return np.stack(images), np.array(places, np.int64).reshape(len(rows), -1)


def _as_it_is(item: Any) -> Any:
    return item
