"""Plots for publication: vector or bitmap, fonts kept as text, the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import UsageError
from eyeline.files import write_bytes
from eyeline.summary.figures import FIGURES
from eyeline.summary.folder import FolderSummary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMS = ("svg", "pdf", "png")
_STYLE: Any = {
    "font.family": "sans-serif", "font.size": 8, "axes.titlesize": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 0.6, "xtick.major.width": 0.6,
    "ytick.major.width": 0.6, "legend.frameon": False, "figure.dpi": 100, "savefig.dpi": 300,
    "svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "eyeline",
}  # fmt: skip


def forms_of(text: str) -> tuple[str, ...]:
    """Forms that a user names; UsageError for others."""
    forms = tuple(form.strip() for form in text.split(",") if form.strip())
    wrong = [form for form in forms if form not in FORMS]
    if wrong or not forms:
        named = wrong[0] if wrong else text
        raise UsageError(f"--plot-formats is '{named}'; forms are {', '.join(FORMS)}")
    return forms


def write_plots(
    summary: FolderSummary, folder: Path, forms: Sequence[str] = FORMS
) -> dict[str, list[Path]]:
    """Write every plot that there is something for, and return the files by the plot's name."""
    written: dict[str, list[Path]] = {}
    for name, _, figure in figures(summary):
        written[name] = [
            write_bytes(folder / f"{name}.{form}", drawn(figure, form)) for form in forms
        ]
    return written


def drawn(figure: Figure, form: str) -> bytes:
    """A figure as the bytes of a file."""
    import matplotlib as mpl

    out = io.BytesIO()
    when = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with mpl.rc_context(_STYLE):
        figure.savefig(out, format=form, metadata=when, bbox_inches="tight")
    return out.getvalue()


def figures(summary: FolderSummary) -> Iterator[tuple[str, str, Figure]]:
    """Name, caption and figure of each plot that there is something for."""
    import matplotlib as mpl

    for draw in FIGURES:
        with mpl.rc_context(_STYLE):
            drawing = draw(summary)
        if drawing is not None:
            yield drawing
