"""The gaze network as a function of normalised faces, for prediction and for extraction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.xgaze.inputs import network_input
from eyeline.training.devices import THREADS, check_device, for_answers

if TYPE_CHECKING:
    from eyeline.systems.eye_contact.xgaze.gaze_network import GazeNetwork

BATCH_SIZES = {"cpu": 8, "cuda": 64}
"""Faces that pass through the network at once; more than 8 outgrow what a CPU's allocator keeps."""


class GazeFeatures:
    """Pitch, yaw and feature of normalised faces."""

    def __init__(
        self,
        network: GazeNetwork,
        device: str = "cpu",
        *,
        batch_size: int | None = None,
        threads: int = THREADS,
    ) -> None:
        """Copy a network for inference.

        Args:
            network: stays as it is.
            device: `cpu`, `cuda` or `cuda:N`.
            batch_size: most faces at once, by default `BATCH_SIZES`; answers differ by rounding
                only.
            threads: of the CPU.

        Raises:
            UsageError: a device that is not there, a batch without faces.
        """
        from eyeline.systems.eye_contact.xgaze.gaze_network import folded

        self.device = check_device(device)
        self.batch_size = BATCH_SIZES[self.device.type] if batch_size is None else batch_size
        if self.batch_size < 1:
            raise UsageError(f"a batch of {batch_size} faces; at least one is needed")
        self.threads = threads
        self.network = folded(network).to(self.device)

    @classmethod
    def open(
        cls,
        path: Path | str,
        device: str = "cpu",
        *,
        batch_size: int | None = None,
        threads: int = THREADS,
    ) -> GazeFeatures:
        """From weights that `eyeline import` wrote.

        Raises:
            CheckpointError: a file that is not the gaze network's.
            UsageError: see the constructor.
        """
        from eyeline.systems.eye_contact.xgaze.weights import load_gaze_network

        check_device(device)
        return cls(load_gaze_network(path), device, batch_size=batch_size, threads=threads)

    def __call__(self, faces: Image) -> tuple[Floats, Floats]:
        """What the network says of faces.

        Args:
            faces: `(n, 224, 224, 3)` uint8 BGR as of `inputs.cut_faces`.

        Returns:
            Pitch and yaw `(n, 2)` in radians of a vector that points away from the scene, in the
            virtual camera's frame (`inputs.Views.look` turns it round and into the camera's); the
            feature `(n, 2048)`. Both float32.

        Raises:
            DataError: for another shape.
        """
        starts = range(0, max(len(faces), 1), self.batch_size)
        with for_answers(self.threads):
            parts = [self._batch(faces[i : i + self.batch_size]) for i in starts]
        angles, features = zip(*parts, strict=True)
        return np.concatenate(angles), np.concatenate(features)

    def _batch(self, faces: Image) -> tuple[Floats, Floats]:
        angles, feature = self.network(network_input(faces, self.device))
        return angles.cpu().numpy(), feature.cpu().numpy()
