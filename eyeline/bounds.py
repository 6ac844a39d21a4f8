"""Numbers within bounds, as types of what users may set: in recipes, of networks, of commands.

pydantic checks them where values are read; to everybody else they are plain numbers.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Le, Len, Lt, MultipleOf

_LARGEST = 2**63

Count = Annotated[int, Ge(1), Lt(_LARGEST)]
Whole = Annotated[int, Ge(0), Lt(_LARGEST)]
Size = Annotated[int, Ge(1), Le(2**16)]
"""Channels, layers or members of a network; pixels of an image's side."""
Stages = Annotated[tuple[Size, ...], Len(4, 4)]
"""Blocks of each of four stages."""
Even = Annotated[int, Ge(2), Le(2**16), MultipleOf(2)]
MultipleOf8 = Annotated[int, Ge(8), Le(2**16), MultipleOf(8)]
MultipleOf64 = Annotated[int, Ge(64), Le(2**16), MultipleOf(64)]
Workers = Annotated[int, Ge(0), Le(1024)]
"""Processes beside the one that asks."""
Jobs = Annotated[int, Ge(1), Le(1024)]
"""Processes that share the work."""
Percent = Annotated[int, Ge(1), Le(100)]

Number = Annotated[float, Ge(-1e300), Le(1e300)]
Positive = Annotated[float, Gt(0), Le(1e300)]
NotNegative = Annotated[float, Ge(0), Le(1e300)]
Fraction = Annotated[float, Ge(0), Le(1)]
FractionBelowOne = Annotated[float, Ge(0), Lt(1)]
FractionWithin = Annotated[float, Gt(0), Lt(1)]
