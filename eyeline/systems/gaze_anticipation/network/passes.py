"""The network's passes over windows; what it makes of silence is worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from eyeline.results import Floats
from eyeline.runtimes.run import Running
from eyeline.systems.gaze_anticipation.inputs import silence
from eyeline.systems.gaze_anticipation.model import GazeAnticipation, heatmaps


class Passes:
    """Maps of windows, with the audio around their frames or without any, in evaluation mode."""

    def __init__(self, network: GazeAnticipation | Running) -> None:
        self.network = network if isinstance(network, Running) else network.eval()
        self._silence: Any = None

    @torch.inference_mode()
    def maps(self, clips: Tensor, audios: Sequence[Tensor] = ()) -> Floats:
        """Where the look is: `(n, frames, cells, cells)` float32, each with a sum of 1.

        Clips are `(n, 3, frames, side, side)`, audios `n` of `(1, frames, side, side)`; none for
        silence.
        """
        if isinstance(self.network, Running):
            logits = torch.from_numpy(self._run(self.network, clips, audios))
        elif audios:
            device = next(self.network.parameters()).device
            logits = self.network(clips.to(device), torch.stack(list(audios)).to(device)).logits
        else:
            logits = self._unheard(self.network, clips)
        result: Floats = heatmaps(logits).cpu().numpy()
        return result

    def _run(self, network: Running, clips: Tensor, audios: Sequence[Tensor]) -> Floats:
        """Logits by the parts of an exported network."""
        if audios:
            (heard,) = network.run("listen", torch.stack(list(audios)).numpy())
        else:
            if self._silence is None:
                quiet = silence(*(network.interface.sizes[name] for name in ("frames", "side")))
                (self._silence,) = network.run("listen", quiet[None].numpy())
            heard = np.broadcast_to(self._silence, (len(clips), *self._silence.shape[1:]))
        return network.run("join", *network.run("watch", clips.numpy()), heard)[0]

    def _unheard(self, network: GazeAnticipation, clips: Tensor) -> Tensor:
        device = next(network.parameters()).device
        clips = clips.to(device)
        if network.precision != "float32":
            quiet = silence(network.frames, network.side).to(device)
            return cast(Tensor, network(clips, quiet.expand(len(clips), *quiet.shape)).logits)
        if self._silence is None:
            quiet = silence(network.frames, network.side).to(device)
            self._silence = network.sound(quiet[None])[0]
        seen, kept = network.video(clips)
        heard = self._silence.expand(len(clips), *self._silence.shape[1:])
        return cast(Tensor, network.decoder(network.fusion(seen, heard).seen, kept))
