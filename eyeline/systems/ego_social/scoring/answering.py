"""A network's answers for a whole data set: each image is seen once, processes share the work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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

AT_ONCE = 32
"""Neighbouring windows whose images are read and seen together."""


class Windows(Protocol):
    """What `data.Looks` and the challenge's looks are."""

    def __len__(self) -> int: ...

    def frames(self, number: int, /) -> Image:
        """Crops `(7, 224, 224, 3)` uint8 RGB of a window."""


class Stretches(Protocol):
    """What `data.Talks` and the challenge's talks are."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Any:
        """`clip` `(time, 3, 224, 224)` float32 and `audio` `(sample,)`."""


@dataclass(frozen=True)
class Talked:
    """What a network says of stretches of talk."""

    logits: Floats
    """`(n, 2)` of face and voice together."""
    face: Floats
    """`(n, 2)` of the face, as if nobody were heard: the voice's place has what the network makes
    of silence."""
    voice: Floats
    """`(n, 2)` of the voice, as if no face were seen: black images, of which it learned many."""
    frames: Ints
    """`(n,)` images in each stretch."""
    faces: Ints
    """`(n,)` those that are not black."""


def looks(
    network: LookingAtMe,
    items: Windows,
    *,
    mirrored: bool = False,
    at_once: int = AT_ONCE,
    workers: int = 0,
    log: Log | None = None,
    fabric: Fabric | None = None,
) -> Floats:
    """Logits `(n, 2)` of windows.

    An image that stands in several of the windows that are read together passes through the
    network once; so neighbouring windows of a small stride cost little more than one.

    Args:
        network: in evaluation mode, on its device.
        items: windows in the order of faces and time.
        mirrored: show the images with left and right exchanged.
        at_once: windows that are read and seen together, 1 or more.
        workers: processes that read crops.
        log: receives progress.
        fabric: launched; its processes share the windows, and all get all answers.

    Raises:
        UsageError: another number.
    """
    if at_once < 1:
        raise UsageError(f"{at_once} windows at once; 1 or more can be")
    device = next(network.parameters()).device
    parts = _Parts(items, np.array_split(np.arange(len(items)), -(-len(items) // at_once) or 1))

    def logits(own: range) -> Iterator[Floats]:
        for _, images, places in _read(parts, own, workers):
            given = normalise(images, device)
            features = network.see(given.flip(-1) if mirrored else given)
            part = network.conclude(features[torch.from_numpy(places).to(device)])
            yield part.float().cpu().numpy()

    predictions = [np.zeros((0, 2), np.float32)]
    with torch.no_grad():
        for number, part in enumerate(sharing.shared(fabric, len(parts), logits)):
            predictions.append(part)
            done = int(parts.parts[number][-1]) + 1
            _tell(log, number, len(parts), done, len(items), "windows")
    return np.concatenate(predictions)


def talks(
    network: TalkingToMe,
    items: Stretches,
    *,
    mirrored: bool = False,
    workers: int = 0,
    log: Log | None = None,
    fabric: Fabric | None = None,
) -> Talked:
    """What is said of stretches of talk, each alone; arguments as of `looks`.

    The head adds up what it makes of face and voice, so that both alone cost nothing more. All
    black images pass through the network as one.
    """
    device = next(network.parameters()).device

    def rows(own: range) -> Iterator[Floats]:
        silence = network.hear(torch.zeros(1, AUDIO_HZ, device=device))
        for item in _read(items, own, workers):
            clip = item["clip"].to(device)
            features, dark = _features(network, clip.flip(-1) if mirrored else clip)
            voice = network.hear(item["audio"][None].to(device))
            unseen = features[-1:].expand(len(clip), -1)
            pairs = ((features[:-1], voice), (features[:-1], silence), (unseen, voice))
            given = [network.conclude(f[None], v)[0].float().cpu() for f, v in pairs]
            counts = torch.tensor([len(dark), int((~dark).sum())], dtype=torch.float32)
            yield torch.cat([*given, counts]).numpy()

    table = np.zeros((len(items), 8), np.float32)
    with torch.no_grad():
        for number, row in enumerate(sharing.shared(fabric, len(items), rows)):
            table[number] = row
            _tell(log, number, len(items), number + 1, len(items), "stretches")
    whole = np.asarray(table[:, 6:].round(), np.int64)
    return Talked(table[:, 0:2], table[:, 2:4], table[:, 4:6], whole[:, 0], whole[:, 1])


def _features(network: TalkingToMe, clip: Tensor) -> tuple[Tensor, Tensor]:
    """What each frame shows and, last, a black one `(time + 1, 256)`; which are black `(time,)`."""
    black = normalise(np.zeros((1, *clip.shape[-2:], 3), np.uint8), clip.device)
    dark = (clip == black).flatten(1).all(dim=1)
    seen = network.see(torch.cat([clip[~dark], black]))
    predictions = seen[-1:].repeat(len(clip) + 1, 1)
    predictions[:-1][~dark] = seen[:-1]
    return predictions, dark


class _Parts(Dataset[tuple[Ints, Image, Ints]]):
    """Neighbouring windows read together, their different images once."""

    def __init__(self, items: Windows, parts: Sequence[Ints]) -> None:
        self.items, self.parts = items, [part for part in parts if len(part)]

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, number: int) -> tuple[Ints, Image, Ints]:
        """Numbers `(n,)`, images `(m, 224, 224, 3)`, and places `(n, 7)` among these."""
        rows, known = self.parts[number], dict[bytes, int]()
        images: list[Image] = []
        places = []
        for row in rows:
            for image in self.items.frames(int(row)):
                places.append(known.setdefault(image.tobytes(), len(known)))
                if len(known) > len(images):
                    images.append(image)
        return rows, np.stack(images), np.array(places, np.int64).reshape(len(rows), -1)


def _read(parts: Any, own: range, workers: int) -> Iterable[Any]:
    """Some of the parts, read ahead."""
    return DataLoader(parts, batch_size=None, sampler=own, num_workers=workers, collate_fn=_as_is)


def _as_is(item: Any) -> Any:
    return item


def _tell(log: Log | None, number: int, parts: int, done: int, whole: int, what: str) -> None:
    if log and (number % 50 == 49 or number == parts - 1):
        log(f"{done} of {whole} {what}")
