"""The Python face of eyeline: three functions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.results import Analysis

if TYPE_CHECKING:
    from torch import nn


def analyze(path: str | Path, out: str | Path | None = None, **settings: Any) -> Analysis:
    """Analyse one video.

    Args:
        path: the video.
        out: folder in which a folder for this video is made with all outputs of the command line;
            None writes nothing.
        settings: fields of `eyeline.Settings`, for example `rate_hz=10`, `systems=("gaze_3d",)`,
            `ego=True`.

    Returns:
        Everything that was found: times in seconds since the first frame, boxes `xyxy` in pixels
        of the upright image, directions as unit vectors in the camera frame (x right, y down,
        z forward).

    Raises:
        VideoError: a file that cannot be analysed.
        UsageError: settings that cannot be.
        OutputError: a folder that cannot be written or that holds other results.
    """
    from eyeline.analysis import analyze_video
    from eyeline.settings import Settings

    chosen = Settings(**settings)
    if out is None:
        return analyze_video(path, chosen)
    from eyeline.jobs import analyze_into

    return load_analysis(analyze_into(Path(path), Path(out) / Path(path).stem, chosen).folder)


def load_analysis(folder: str | Path) -> Analysis:
    """Read back the folder that an analysis left, exactly as it was.

    Raises:
        DataError: not such a folder, or a damaged one.
    """
    from eyeline.export.stored import load

    return load(folder)


def load_model(name_or_file: str | Path) -> nn.Module:
    """A network in evaluation mode, from a file that eyeline wrote or by a builder's name.

    The file knows its builder; a builder is known by name if it ships its weights. The network's
    `forward` takes the tensors of its specification in the specification's order; the docstring of
    its class gives their shapes.

    Args:
        name_or_file: a `.safetensors` file, an exported `.onnx` or `.xml` file, whose module gives
            all outputs of its interface, or `builder` or `system/builder` with shipped weights.

    Raises:
        CheckpointError: no such file, not one of ours, or keys and shapes that do not fit.
        UsageError: no builder of that name ships weights.
    """
    from eyeline.models import load

    return load(name_or_file)
