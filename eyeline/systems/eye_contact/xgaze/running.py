"""Both networks ready to answer, in any runtime: faces to features, features to contact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError, check_shape
from eyeline.results import Floats, Image
from eyeline.runtimes.run import Running, Runtime, TorchNetwork, open_network
from eyeline.systems.eye_contact.xgaze.inputs import network_array
from eyeline.training.devices import THREADS

if TYPE_CHECKING:
    from eyeline.systems.eye_contact.xgaze.gaze_network import GazeNetwork
    from eyeline.systems.eye_contact.xgaze.model import MsTcn2

BATCH_SIZES = {"cpu": 8, "cuda": 64}
"""Faces that pass through the network at once; more than 8 outgrow what a CPU's allocator keeps."""
BLOCK_FRAMES = 30_000
"""Sequences much longer than this (20 minutes) are segmented block by block, so that memory stays
bounded; each block is shown with all frames around it that its outputs depend on."""


class GazeFeatures:
    """Pitch, yaw and feature of normalised faces."""

    def __init__(
        self,
        network: GazeNetwork | Running,
        device: str = "cpu",
        *,
        batch_size: int | None = None,
        threads: int = THREADS,
    ) -> None:
        """Copy a module for inference, or take a network that runs.

        `batch_size` is the most faces at once, by default `BATCH_SIZES`; predictions differ by
        rounding only. UsageError for a device that is not there, or a batch without faces.
        """
        self.network = (
            network if isinstance(network, Running) else _folded(network, device, threads)
        )
        kind = device.partition(":")[0]
        self.batch_size = BATCH_SIZES[kind] if batch_size is None else batch_size
        if self.batch_size < 1:
            raise UsageError(f"a batch of {batch_size} faces; at least one is needed")

    @classmethod
    def open(
        cls,
        path: Path | str,
        device: str = "cpu",
        *,
        batch_size: int | None = None,
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> GazeFeatures:
        """From weights or an exported file; CheckpointError for another network's."""
        from eyeline.systems.eye_contact.xgaze import weights

        network, _ = open_network(
            path,
            (f"eye_contact/{weights.GAZE_NETWORK}",),
            lambda: _folded(weights.load_gaze_network(path), device, threads).network,
            device=device,
            runtime=runtime,
            threads=threads,
        )
        return cls(network, device, batch_size=batch_size, threads=threads)

    def __call__(self, faces: Image) -> tuple[Floats, Floats]:
        """Pitch and yaw `(n, 2)` in radians, and the feature `(n, 2048)`, of faces, both float32.

        The vector of these angles points away from the scene, in the virtual camera's frame
        (`inputs.Views.network_vectors` turns it into the camera's). Faces are `(n, 224, 224, 3)`
        uint8 BGR as of `inputs.cut_faces`; DataError for another shape.
        """
        starts = range(0, max(len(faces), 1), self.batch_size)
        parts = [network_array(faces[i : i + self.batch_size]) for i in starts]
        angles, features = zip(*(self.network.run("forward", x) for x in parts), strict=True)
        return np.concatenate(angles), np.concatenate(features)


class Segmenter:
    """Logits of the last stage, from features or from what the first layer leaves of them.

    The network begins with a map of each frame alone, of 2048 numbers to 64. `enter` does only
    that, so that long videos need not keep all features; `logits` does the rest.
    """

    def __init__(
        self, network: MsTcn2 | Running, device: str = "cpu", *, threads: int = THREADS
    ) -> None:
        """Copy a module for inference, or take a network that runs; UsageError for no device."""
        if not isinstance(network, Running):
            network = _quick(network, device, threads)
        self.network, interface = network, network.interface
        self.reach, self.features = (interface.sizes[name] for name in ("reach", "features"))
        self.maps = int(interface.outputs["entered"].split()[-1])
        """Numbers that `enter` leaves of a frame."""

    def enter(self, features: Floats) -> Floats:
        """What `logits` needs of features: `(n, features)` to `(n, maps)` float32."""
        check_shape(features, f"frame {self.features}", "features")
        return np.asarray(self.network.run("enter", features.T[None])[0][0])

    def logits(self, entered: Floats) -> Floats:
        """Logits `(n, classes)` float32 of one unbroken sequence of `enter`ed frames."""
        check_shape(entered, f"frame {self.maps}", "entered frames")
        return np.concatenate([self._block(entered, part) for part in self._blocks(entered)])

    def _blocks(self, entered: Floats) -> list[slice]:
        if len(entered) <= BLOCK_FRAMES + self.reach:
            return [slice(0, len(entered))]
        starts = range(0, len(entered), BLOCK_FRAMES)
        return [slice(start, min(start + BLOCK_FRAMES, len(entered))) for start in starts]

    def _block(self, entered: Floats, part: slice) -> Floats:
        first, last = max(part.start - self.reach, 0), part.stop + self.reach
        stages = self.network.run("segment", entered[None, first:last])[0]
        return np.asarray(stages[-1, 0].T[part.start - first : part.stop - first])


def _folded(network: GazeNetwork, device: str, threads: int) -> TorchNetwork:
    from eyeline.systems.eye_contact.xgaze.gaze_network import folded
    from eyeline.training.devices import check_device

    return TorchNetwork(folded(network).to(check_device(device)), threads)


def _quick(network: MsTcn2, device: str, threads: int) -> TorchNetwork:
    from eyeline.systems.eye_contact.xgaze.segmenter import Quick
    from eyeline.training.devices import check_device

    return TorchNetwork(Quick(network).to(check_device(device)), threads)
