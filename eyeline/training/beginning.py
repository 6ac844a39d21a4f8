"""What the weights of a training began at, for cards and reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Beginning:
    """What a network began at."""

    file: str = ""
    """Its name; empty: random weights."""
    sha256: str = ""
    taken: int = 0
    """Tensors that were taken."""
    random: tuple[str, ...] = ()
    """Tensors that stayed as they were drawn, by name; none where there is no file."""
    licence: str = ""
    """Of what was taken; it binds what is trained from it."""

    def as_dict(self) -> dict[str, Any]:
        """For a card or a report."""
        return {**asdict(self), "random": list(self.random)} if self.file else {}

    @property
    def words(self) -> str:
        """What was taken."""
        return f"{self.taken} tensors of {self.file} taken, {len(self.random)} begin at random"
