"""What people correct in the results of a video, kept beside them and applied to them."""

from eyeline.corrections.model import Corrections, Entry, Operation, parse_entry
from eyeline.corrections.store import ConflictError, append, read, redo, undo

__all__ = [
    "ConflictError",
    "Corrections",
    "Entry",
    "Operation",
    "append",
    "parse_entry",
    "read",
    "redo",
    "undo",
]
