"""The network's passes over windows; what it makes of silence is worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from eyeline.results import Floats
from eyeline.systems.gaze_anticipation.inputs import silence
from eyeline.systems.gaze_anticipation.model import GazeAnticipation, heatmaps


class Passes:
    """Maps of windows, with the audio around their frames or without any, in evaluation mode."""

    def __init__(self, network: GazeAnticipation) -> None:
        self.network = network.eval()
        self._silence: Tensor | None = None

    @torch.inference_mode()
    def maps(self, clips: Tensor, audios: Sequence[Tensor] = ()) -> Floats:
        """Where the look is: `(n, frames, cells, cells)` float32, each with a sum of 1.

        Clips are `(n, 3, frames, side, side)`, audios `n` of `(1, frames, side, side)`; none for
        silence.
        """
        clips = clips.to(self._device)
        if audios:
            logits = self.network(clips, torch.stack(list(audios)).to(self._device)).logits
        else:
            logits = self._unheard(clips)
        result: Floats = heatmaps(logits).cpu().numpy()
        return result

    def _unheard(self, clips: Tensor) -> Tensor:
        network = self.network
        if network.precision != "float32":
            quiet = silence(network.frames, network.side).to(self._device)
            return cast(Tensor, network(clips, quiet.expand(len(clips), *quiet.shape)).logits)
        if self._silence is None:
            quiet = silence(network.frames, network.side).to(self._device)
            self._silence = network.sound(quiet[None])[0]
        seen, kept = network.video(clips)
        heard = self._silence.expand(len(clips), *self._silence.shape[1:])
        return cast(Tensor, network.decoder(network.fusion(seen, heard).seen, kept))

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device
