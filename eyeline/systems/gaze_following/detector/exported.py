"""The detector's network from an exported file, with the methods of `model.MaskRcnn`."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from eyeline.runtimes.module import Exported
from eyeline.systems.gaze_following.detector.model import LEVELS


class ExportedDetector(Exported):
    """What `detections.find` asks of a network."""

    def see(self, images: Tensor) -> list[Tensor]:
        """As of `MaskRcnn.see`, and so on."""
        return self.part("see", images)

    def propose(self, maps: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Logits and deltas by level."""
        both = self.part("propose_all", *maps)
        return both[:LEVELS], both[LEVELS:]

    def classify(self, maps: Sequence[Tensor], regions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and deltas of regions."""
        classes, deltas = self.part("classify_all", *maps, regions)
        return classes, deltas

    def outline(self, maps: Sequence[Tensor], regions: Tensor) -> Tensor:
        """Logits of masks."""
        return self.part("outline_all", *maps, regions)[0]
