"""What a file is by its first bytes, in words for whoever takes it for weights."""

from __future__ import annotations

import zipfile
from pathlib import Path

_TEXT = frozenset(range(32, 127)) | {9, 10, 13}
_SHOWN = 4

_BEGINNINGS = {
    b"version https://git-lfs.github.com/spec/": "a git-lfs pointer, not the file it stands for: "
    "run git lfs pull in its repository",
    b"\x1f\x8b": "packed by gzip: unpack it",
    b"BZh": "packed by bzip2: unpack it",
    b"\xfd7zXZ": "packed by xz: unpack it",
    b"7z\xbc\xaf": "a 7z archive: unpack it",
    b"Rar!": "a rar archive: unpack it",
    b"\x89HDF": "an HDF5 file, as of Keras",
    b"\x93NUMPY": "a single numpy array",
    b"%PDF": "a PDF document",
}
_TAR_AT, _TAR = 257, b"ustar"
_EXPORTED = (".onnx", ".xml")
_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml", b"<head")


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip archive, as PyTorch's do today."""
    return _beginning(path).startswith(b"PK")


def is_pickle(path: Path) -> bool:
    """Whether a file begins as a pickle, as PyTorch's did before version 1.6."""
    return _beginning(path).startswith(b"\x80")


def is_safetensors(path: Path) -> bool:
    """Whether a file begins with the length of a header that it has room for, and the header."""
    begins = _beginning(path)
    if len(begins) < 9 or begins[8:9] != b"{":
        return False
    return int.from_bytes(begins[:8], "little") <= path.stat().st_size - 8


def described(path: Path) -> str:
    """What a file is that is neither a PyTorch checkpoint nor safetensors, to follow "it is"."""
    if path.suffix in _EXPORTED:
        return "an exported network: give the .safetensors file that it was exported from"
    begins = _beginning(path)
    if not begins:
        return "empty: the download did not begin, or the disk was full"
    if begins.lstrip().lower().startswith(_WEB_PAGE):
        return (
            "a web page, not weights: Google Drive, for one, asks before it gives a large file. "
            "Download it in a browser"
        )
    for start, what in _BEGINNINGS.items():
        if begins.startswith(start):
            return what
    if begins[_TAR_AT:].startswith(_TAR):
        return "a tar archive: unpack it"
    if all(byte in _TEXT for byte in begins):
        return f"text, not weights: '{begins[:40].decode().splitlines()[0]}'"
    return f"no file of weights: it begins with {begins[:8].hex(' ')}"


def zip_described(archive: zipfile.ZipFile) -> str:
    """The same for a zip archive that `torch.save` did not write."""
    names = [name.partition("/")[2] or name for name in archive.namelist()]
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        return (
            "a TorchScript archive, a program with its weights: ask for the state dict, or where "
            "you trust the file save that of torch.jit.load(FILE).state_dict()"
        )
    shown = ", ".join(archive.namelist()[:_SHOWN]) or "nothing"
    return f"a zip archive of something else ({shown}): unpack it"


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)
