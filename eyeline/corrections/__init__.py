"""What people correct in the results of a video, kept beside them and applied to them."""

from eyeline.corrections.apply import apply
from eyeline.corrections.model import Corrections, Entry, Operation, parse_entry
from eyeline.corrections.rewrite import is_current, load_corrected, original, rewrite
from eyeline.corrections.store import ConflictError, append, read, redo, undo, writing

__all__ = [
    "ConflictError",
    "Corrections",
    "Entry",
    "Operation",
    "append",
    "apply",
    "is_current",
    "load_corrected",
    "original",
    "parse_entry",
    "read",
    "redo",
    "rewrite",
    "undo",
    "writing",
]
