"""An exported network in the place of a module: tensors in and tensors out, without gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eyeline.runtimes.run import Running


class Exported(nn.Module):
    """Its one parameter is empty and says the device on which whoever asks for it has inputs."""

    def __init__(self, network: Running) -> None:
        super().__init__()
        self.running, self.interface = network, network.interface
        self.nothing = nn.Parameter(torch.zeros(0), requires_grad=False)
        self.eval()

    def part(self, name: str, *inputs: Tensor) -> list[Tensor]:
        """Outputs of a part, in order."""
        arrays = (values.detach().cpu().numpy() for values in inputs)
        result = self.running.run(name, *arrays)
        return [torch.from_numpy(values).to(inputs[0].device) for values in result]

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Of the interface's inputs all its outputs, both in order; a single one by itself."""
        known = dict(zip(self.interface.inputs, inputs, strict=True))
        for name, part in self.interface.parts.items():
            result = self.part(name, *(known[each] for each in part.inputs))
            known |= zip(part.outputs, result, strict=True)
        outputs = tuple(known[name] for name in self.interface.outputs)
        return outputs if len(outputs) > 1 else outputs[0]
