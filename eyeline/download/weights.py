"""Weights by name: downloaded or given as a file, imported, verified, placed in their folder."""

from __future__ import annotations

import bz2
import json
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eyeline import files
from eyeline.download.table import Entry, entry_of, hugging_face, url_of
from eyeline.download.transfer import TIMEOUT_S, Wanted, digests, fetch
from eyeline.errors import CheckpointError, DataError, UsageError
from eyeline.log import Log
from eyeline.weights_folder import folder

_WEIGHTS = (".pth", ".pt", ".pyth", ".ckpt", ".tar", ".model", ".safetensors", ".bin")
"""How the names of weights end, in archives and on Hugging Face."""


@dataclass(frozen=True)
class Record:
    """What is kept of a file that was placed."""

    url: str
    sha256: str
    """Of the authors' file; checked whenever it comes again."""
    place: str
    """In the folder of weights."""
    placed_sha256: str


def present(name: str) -> Path | None:
    """The placed file of a name, None where there is none."""
    places = (folder() / place for place in entry_of(name).places)
    return next((path for path in places if path.is_file()), None)


def licence_line(name: str) -> str:
    """What is to be accepted before a file is downloaded."""
    entry = entry_of(name)
    return f"{name}: licence: {entry.licence}; {entry.paper}"


def get(
    name: str,
    *,
    given: Path | None = None,
    file: str | None = None,
    log: Log = lambda _: None,
) -> Path:
    """Place the weights of a name, unless they are there and whole; the file is returned.

    Args:
        name: in the table.
        given: the authors' file, which is read instead of downloading.
        file: which of the authors' repository, where they keep several.
        log: receives lines on how it goes.

    Raises:
        DataError, OutputError: the file cannot be had or stored.
        CheckpointError: it is not what it should be; nothing is placed.
        UsageError: it can only be downloaded by hand, or `file` is needed.
    """
    entry = entry_of(name)
    with files.locked(folder() / files.WORK / f"{name}.lock", tidy=True) as mine:
        if not mine:
            raise DataError(f"{name}: another process is downloading it")
        if given is None and file is None and (path := _whole(name)) is not None:
            log(f"{name}: present, {path}")
            return path
        record = _record(name)
        if record is not None and "://" not in record.url:
            record = None  # a file of the user's says nothing of the next one
        known = entry.sha256 or (record.sha256 if record else None)
        if given is not None:
            _check_given(name, given, known)
            return _place(name, given, record.url if record else str(given.absolute()))
        wanted = _wanted(name, entry, file, known)
        source = folder() / "downloads" / entry.file
        part = source.with_name(f"{source.name}.part")
        log(f"{name}: downloading {wanted.url}")
        fetch(wanted, part, log=log)
        part.replace(source)
        try:
            path = _place(name, source, wanted.url)
        except CheckpointError:
            if not (zipfile.is_zipfile(source) or tarfile.is_tarfile(source)):
                source.unlink()
            raise
        source.unlink()
        with suppress(OSError):
            source.parent.rmdir()
        return path


def _check_given(name: str, given: Path, known: str | None) -> None:
    """CheckpointError for a file of the user's that is missing, or another one."""
    if not given.is_file():
        raise CheckpointError(f"--from {given}: no such file")
    if known and not (have := files.sha256(given)).startswith(known):
        raise CheckpointError(f"{given} has the sha256 {have}; {name} has {known}")


def _wanted(name: str, entry: Entry, file: str | None, known: str | None) -> Wanted:
    by_hand = f". By hand: eyeline download {name} --accept-licence --from FILE"
    source = entry.source
    if source.page:
        raise UsageError(
            f"{name}: its authors keep it where no program can download it. Open {source.page}, "
            f"download {entry.file}, then: eyeline download {name} --accept-licence --from FILE"
        )
    token = None
    if source.huggingface:
        token = os.environ.get("HF_TOKEN")
        path = source.path or _chosen(name, source.huggingface, file, token, by_hand)
        source = source.model_copy(update={"path": path})
    elif file:
        raise UsageError(f"{name}: --file is for repositories with several files; it has one")
    url = url_of(source)
    if source.torchvision and known is None:
        known = Path(url).stem.rpartition("-")[2]
    hashes = {"sha256": known} if known else {}
    return Wanted(url, name, entry.size, hashes, token, by_hand)


def _chosen(name: str, repository: str, file: str | None, token: str | None, by_hand: str) -> str:
    """Which file of a repository on Hugging Face: the named one, or the only one with weights."""
    request = urllib.request.Request(f"{hugging_face()}/api/models/{repository}")
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.build_opener().open(request, timeout=TIMEOUT_S) as response:
            listed = json.load(response)["siblings"]
            paths = [str(one["rfilename"]) for one in listed]
    except urllib.error.HTTPError as error:
        raise DataError(f"{name}: {repository} says {error.code} {error.reason}{by_hand}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{name}: {repository} cannot be listed ({error}){by_hand}") from None
    weights = [path for path in paths if path.endswith(_WEIGHTS)]
    if file is None and len(weights) == 1:
        return weights[0]
    if file in paths and file is not None:
        return file
    shown = ", ".join(weights) or "no file of weights"
    raise UsageError(f"{name}: {repository} holds {shown}; name one by --file")


def _place(name: str, source: Path, url: str) -> Path:
    """Import or verify the authors' file and put it where it belongs, with a record."""
    entry = entry_of(name)
    work = files.made(folder() / files.WORK / f"{name}.{os.getpid()}")
    try:
        unpacked = _unpacked(source, work)
        if entry.system:
            place = _import(entry, unpacked, work / "placed")
        else:
            CHECKS[str(entry.check)](unpacked)
            place = entry.places[0]
            shutil.copyfile(unpacked, work / "placed")
        sha256 = files.sha256(source)
        target = folder() / place
        files.made(target.parent)
        (work / "placed").replace(target)
        record = Record(url, sha256, place, files.sha256(target))
        files.write_json(_record_file(name), asdict(record))
        return target
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _import(entry: Entry, source: Path, out: Path) -> str:
    """Write a file of ours and return its place; CheckpointError for another network's."""
    from eyeline.system import load_system
    from eyeline.training import checkpoint

    system = load_system(str(entry.system))
    assert system.import_original is not None, "the table names systems that import"
    result = system.import_original(source)
    network = f"{result.card.system}/{result.card.builder}"
    places = {place.removesuffix(".safetensors"): place for place in entry.places}
    if entry.imports_as:
        places = {entry.imports_as: entry.places[0]}
    if network not in places:
        raise CheckpointError(f"{source} holds {network}; expected {' or '.join(places)}")
    checkpoint.save(out, result.state, result.card)
    checkpoint.load(out)
    return places[network]


def _check_lr_asd(path: Path) -> None:
    from eyeline.speech.lr_asd_model import lr_asd

    lr_asd(path)


def _check_persons(path: Path) -> None:
    from eyeline.people.person_networks import TorchvisionPersons

    TorchvisionPersons(path)


def _check_onnx(path: Path) -> None:
    import onnx

    try:
        onnx.checker.check_model(onnx.load(str(path)))
    except Exception as error:  # noqa: BLE001 - protobuf has no class of its own for all of them
        raise CheckpointError(f"{path} is no ONNX network ({type(error).__name__})") from None


def _check_landmarks(path: Path) -> None:
    import dlib

    try:
        dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise CheckpointError(f"{path} is no shape predictor of dlib's ({error})") from None


CHECKS: dict[str, Callable[[Path], None]] = {
    "lr_asd": _check_lr_asd,
    "persons": _check_persons,
    "onnx": _check_onnx,
    "landmarks": _check_landmarks,
}
"""How files that are placed as they are get verified; CheckpointError for a wrong one."""


def _unpacked(source: Path, work: Path) -> Path:
    """The weights themselves: of bzip2, or the only file of weights in a zip or tar archive."""
    target = work / "weights"
    with source.open("rb") as file:
        begins = file.read(3)
    try:
        if begins == b"BZh" and not tarfile.is_tarfile(source):
            with bz2.open(source) as packed, target.open("wb") as out:
                shutil.copyfileobj(packed, out)
            return target
        if begins[:2] == b"PK":
            return _of_zip(source, target)
        if begins[:1] != b"\x80" and tarfile.is_tarfile(source):
            return _of_tar(source, target)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise CheckpointError(f"{source} cannot be unpacked: {error}") from None
    return source


def _of_zip(source: Path, target: Path) -> Path:
    with zipfile.ZipFile(source) as archive:
        names = archive.namelist()
        if any(name.endswith("data.pkl") for name in names):
            return source  # torch.save's own
        with archive.open(_only(names, source)) as packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out)
    return target


def _of_tar(source: Path, target: Path) -> Path:
    with tarfile.open(source) as archive:
        names = [member.name for member in archive.getmembers() if member.isfile()]
        packed = archive.extractfile(_only(names, source))
        assert packed is not None, "it is a file"
        with packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out)
    return target


def _only(names: list[str], source: Path) -> str:
    weights = [name for name in names if name.endswith(_WEIGHTS)]
    if len(weights) != 1:
        shown = ", ".join((weights or names)[:6])
        raise CheckpointError(
            f"{source} is an archive with {len(weights)} files of weights ({shown}): unpack it and "
            "give the one by --from FILE"
        )
    return weights[0]


def _record_file(name: str) -> Path:
    return folder() / "records" / f"{name}.json"


def _record(name: str) -> Record | None:
    """What is known of an earlier download; DataError for a damaged record."""
    path = _record_file(name)
    if not path.is_file():
        return None
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return Record(**{key: str(value) for key, value in content.items()})
    except (ValueError, TypeError, AttributeError):
        raise DataError(f"{path} is damaged: remove it, then download {name} again") from None


def _whole(name: str) -> Path | None:
    """The placed file, if it is the one that was placed."""
    path, record = present(name), _record(name)
    if path is None or record is None or path != folder() / record.place:
        return path
    have = digests(path, {"sha256": record.placed_sha256})["sha256"]
    return path if have == record.placed_sha256 else None
