"""The systems, a folder each. No system imports another.

Folders `eyeline/systems` of other places on the path add theirs, unless they are another eyeline.
"""

import sys
from pathlib import Path

_places = [Path(entry, "eyeline") for entry in sys.path]
__path__ += [
    str(place / "systems")
    for place in _places
    if (place / "systems").is_dir() and not (place / "__init__.py").exists()
]
