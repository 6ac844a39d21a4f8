"""eyeline: gaze and social attention in video.

`analyze` runs everything on a video, `load_analysis` reads its folder back, `list_systems` tells
what there is and `load_model` gives a network. Everything else is imported when it is first used,
so that `import eyeline` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    name: f"eyeline.{module}"
    for module, names in {
        "api": "analyze load_analysis load_model",
        "system": "list_systems load_system",
        "settings": "Settings",
        "results": "Analysis Clock Damage Directions Method People Person Points Scores Segments "
        "VideoInfo",
        "errors": "CheckpointError DataError EyelineError OutputError RecipeError TrainingError "
        "UsageError VideoError",
    }.items()
    for name in names.split()
}

__all__ = [
    "Analysis",
    "CheckpointError",
    "Clock",
    "Damage",
    "DataError",
    "Directions",
    "EyelineError",
    "Method",
    "OutputError",
    "People",
    "Person",
    "Points",
    "RecipeError",
    "Scores",
    "Segments",
    "Settings",
    "TrainingError",
    "UsageError",
    "VideoError",
    "VideoInfo",
    "__version__",
    "analyze",
    "list_systems",
    "load_analysis",
    "load_model",
    "load_system",
]

if TYPE_CHECKING:
    from eyeline.api import analyze, load_analysis, load_model
    from eyeline.errors import (
        CheckpointError,
        DataError,
        EyelineError,
        OutputError,
        RecipeError,
        TrainingError,
        UsageError,
        VideoError,
    )
    from eyeline.results import (
        Analysis,
        Clock,
        Damage,
        Directions,
        Method,
        People,
        Person,
        Points,
        Scores,
        Segments,
        VideoInfo,
    )
    from eyeline.settings import Settings
    from eyeline.system import list_systems, load_system


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        import importlib

        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'eyeline' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
