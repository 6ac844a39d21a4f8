"""JSON, YAML, XML and .npz files of others, read within bounds: a wrong one is a DataError."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat

from eyeline.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

MIB = 2**20
MOST_BYTES = 4096 * MIB
"""Size of a JSON file: annotations of the largest data sets have about one GiB."""
MOST_YAML_BYTES = MIB
MOST_DEPTH = 64
"""Lists and objects inside each other."""
MOST_YAML_VALUES = 100_000
"""Values of a YAML text, those that aliases repeat counted each time."""
MOST_INFLATED = 200
"""Times by which the arrays of a large .npz file may be larger than the file."""
_SMALL_ARRAYS_BYTES = 256 * MIB


def read_json(path: Path, *, most_bytes: int = MOST_BYTES) -> Any:
    """What a JSON file in UTF-8 holds, with or without a byte order mark.

    Raises:
        DataError: the file cannot be read, is too large, or is not as of `parse_json`; names it.
    """
    return parse_json(read_text(path, most_bytes), str(path))


def parse_json(text: str | bytes, where: str) -> Any:
    """What a JSON text holds.

    Args:
        text: in UTF-8 where it is bytes.
        where: what to call it in a message.

    Raises:
        DataError: no JSON, deeper than `MOST_DEPTH`, or a whole number beyond 64 bits.
    """
    try:
        content = json.loads(text, parse_int=_whole)
    except RecursionError:
        raise DataError(_too_deep(where)) from None
    except json.JSONDecodeError as error:
        raise DataError(f"{where}, line {error.lineno}: not JSON ({error.msg})") from None
    except ValueError as error:
        raise DataError(f"{where}: not JSON ({error})") from None
    _check_nesting(content, where, math.inf)
    return content


def read_yaml(path: Path) -> Any:
    """What a YAML file holds; DataError as of `read_json` and `parse_yaml`."""
    return parse_yaml(read_text(path, MOST_YAML_BYTES), str(path))


def parse_yaml(text: str, where: str) -> Any:
    """What a YAML text holds: plain values, lists and mappings.

    Raises:
        DataError: no YAML, another kind of value, deeper than `MOST_DEPTH`, or more than
            `MOST_YAML_VALUES` values.
    """
    import yaml

    try:
        content = yaml.safe_load(text)
    except RecursionError:
        raise DataError(_too_deep(where)) from None
    except yaml.YAMLError as error:
        raise DataError(f"{where}: not YAML ({' '.join(str(error).split())[:200]})") from None
    except (ValueError, OverflowError) as error:  # such as of a date that no calendar has
        raise DataError(f"{where}: a value cannot be read ({error})") from None
    _check_nesting(content, where, MOST_YAML_VALUES)
    return content


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """A text in UTF-8; DataError where there is none, or a larger one."""
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > most_bytes:
        raise DataError(f"{path} is larger than {most_bytes / MIB:g} MiB, too large for its kind")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a text in UTF-8 (byte {error.start})") from None


def plain_text(text: str) -> str:
    """Text that XML and Praat can hold: blanks for controls, U+FFFD for broken characters."""
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return " "
    if 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF):
        return "\ufffd"
    return character


@dataclass
class XmlNode:
    """An element of an XML document, with its line."""

    tag: str
    attributes: Mapping[str, str]
    line: int
    children: list[XmlNode] = field(default_factory=list)
    text: str = ""

    def all(self, *tags: str) -> Iterator[XmlNode]:
        """Descendants by a path of tags."""
        for child in self.children:
            if child.tag == tags[0]:
                if len(tags) == 1:
                    yield child
                else:
                    yield from child.all(*tags[1:])


def parse_xml(data: bytes, where: str) -> XmlNode:
    """The root element of an XML document, by the standard library's expat.

    A document type declaration, and with it any entity, is refused: a document can neither reach
    out nor blow up.

    Args:
        data: the bytes of the document.
        where: what to call it in a message.

    Raises:
        DataError: no XML, or a document type declaration; names the line.
    """
    return _XmlParser(where).parse(data)


class _XmlParser:
    """Builds nodes with lines."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._top = XmlNode("", {}, 0)
        self._open = [self._top]
        self._texts: list[list[str]] = [[]]
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters
        self._expat.StartDoctypeDeclHandler = self._refuse

    def parse(self, data: bytes) -> XmlNode:
        try:
            self._expat.Parse(data, True)
        except expat.ExpatError as error:
            what = expat.errors.messages.get(error.code, "not XML")
            raise DataError(f"{self._source}, line {error.lineno}: {what}") from error
        except (ValueError, LookupError) as error:
            raise DataError(f"{self._source} cannot be decoded: {error}") from error
        return self._top.children[0]

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        node = XmlNode(tag, attributes, self._expat.CurrentLineNumber)
        self._open[-1].children.append(node)
        self._open.append(node)
        self._texts.append([])

    def _end(self, _: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def _characters(self, text: str) -> None:
        self._texts[-1].append(text)

    def _refuse(self, *_: object) -> None:
        raise DataError(
            f"{self._source}, line {self._expat.CurrentLineNumber}: a document type declaration, "
            "which is refused"
        )


def read_npz(path: Path, names: Collection[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Arrays of an .npz file, whose declared sizes are checked before any is read.

    Args:
        path: the file.
        names: those wanted, of which the ones that the file holds are read; None for all.

    Raises:
        DataError: no such file, cut, damaged, with objects in it, or a small file that declares
            arrays of a huge size.
    """
    import numpy as np

    try:
        with path.open("rb") as content:
            _check_archive(content, path)
            with np.load(content, allow_pickle=False) as file:
                return {name: file[name] for name in file if names is None or name in names}
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{path} is not a readable .npz file: {reason}") from None


def read_npy(path: Path) -> npt.NDArray[Any]:
    """The array of a .npy file; DataError as of `read_npz`, also where the file is cut short."""
    import numpy as np

    try:
        with path.open("rb") as content:
            there = content.seek(0, 2)
            content.seek(0)
            _check_header(content, there, str(path))
            content.seek(0)
            result: npt.NDArray[Any] = np.load(content, allow_pickle=False)
            return result
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except _DAMAGED as error:
        raise DataError(f"{path} is not a readable .npy file: {error}") from None


def npz_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays of an .npz file; DataError where it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(name.removesuffix(".npy") for name in archive.namelist())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except _DAMAGED as error:
        raise DataError(f"{path} is not a readable .npz file: {error}") from None


_DAMAGED = (
    ValueError,
    EOFError,
    SyntaxError,
    OverflowError,
    MemoryError,
    RuntimeError,
    KeyError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise at files that are damaged or hostile."""


def _check_archive(content: IO[bytes], path: Path) -> None:
    """DataError unless each member is an array of the size that the archive declares."""
    with zipfile.ZipFile(content) as archive:
        members = archive.infolist()
        declared = sum(member.file_size for member in members)
        there = content.seek(0, 2)
        if declared > max(_SMALL_ARRAYS_BYTES, MOST_INFLATED * there):
            raise DataError(
                f"{path} has {there:,} bytes and declares arrays of {declared:,}; "
                f"arrays may be {MOST_INFLATED} times as large as the file"
            )
        for member in members:
            with archive.open(member) as opened:
                _check_header(opened, member.file_size, f"{path}: {member.filename}")
    content.seek(0)


def _check_header(opened: IO[bytes], there: int, where: str) -> None:
    """DataError where an array's header declares more than there is of it."""
    from numpy.lib import format as npy

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(opened)
    if version not in readers:
        raise DataError(f"{where} has a header of version {version}, not 1 or 2")
    shape, _, kind = readers[version](opened)
    if kind.hasobject:
        raise DataError(f"{where} holds Python objects; expected plain numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize > there:
        raise DataError(f"{where} holds less than its shape {shape}")


def _whole(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (value := int(text)) < 2**64:
        raise ValueError(f"the whole number {text[:12]}... needs more than 64 bits")
    return value


def _check_nesting(content: Any, where: str, most: float) -> None:
    """DataError where a document is too deep, or has too many values: aliases count each time."""
    level, count = [content] if isinstance(content, _NESTED) else [], 0
    for _ in range(MOST_DEPTH):
        count += sum(map(len, level))
        if count > most:
            raise DataError(f"{where} holds more than {most:,} values")
        inner = (v.values() if isinstance(v, dict) else v for v in level)
        level = [v for values in inner for v in values if isinstance(v, _NESTED)]
        if not level:
            return
    raise DataError(_too_deep(where))


_NESTED = (dict, list, tuple, set)


def _too_deep(where: str) -> str:
    return f"{where} is nested too deeply; lists and objects may stand {MOST_DEPTH} deep"
