"""Weights by name: downloaded or given as a file, imported, verified, placed in their folder."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import zipfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eyeline import files
from eyeline.download.part import digests
from eyeline.download.received import CHECKS, WEIGHTS, unpacked
from eyeline.download.table import Entry, entry_of, hugging_face, url_of
from eyeline.download.transfer import Wanted, fetch
from eyeline.errors import CheckpointError, DataError, OutputError, UsageError
from eyeline.log import Log
from eyeline.weights_folder import folder


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
    with files.locked(files.made(folder()) / files.WORK / f"{name}.lock", tidy=True) as mine:
        if not mine:
            raise DataError(f"{name}: another process is downloading it")
        if given is None and file is None and (path := _whole(name)) is not None:
            log(f"{name}: present, {path}")
            return path
        record = _record(name)
        if record is not None and "://" not in record.url:
            record = None  # a file of the user's says nothing of the next one
        if given is not None:
            one = record if record and not entry.source.several else None
            known = entry.sha256 or (one.sha256 if one else None)
            if not given.is_file():
                raise CheckpointError(f"--from {given}: no such file")
            if known and not (have := files.sha256(given)).startswith(known):
                raise CheckpointError(f"{given} has the sha256 {have}; {name} has {known}")
            return _place(name, given, one.url if one else str(given.absolute()))
        wanted = _wanted(name, entry, file, record)
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


def _wanted(name: str, entry: Entry, file: str | None, record: Record | None) -> Wanted:
    """What to ask for; a hash that is recorded counts for the file that it is of."""
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
    url, known = url_of(source), entry.sha256
    if known is None and record and (record.url == url or not entry.source.several):
        known = record.sha256
    if source.torchvision and known is None:
        known = Path(url).stem.rpartition("-")[2]
    hashes = {"sha256": known} if known else {}
    return Wanted(url, name, entry.size, hashes, token, by_hand)


def _chosen(name: str, repository: str, file: str | None, token: str | None, by_hand: str) -> str:
    """Which file of a repository on Hugging Face: the named one, or the only one with weights."""
    listing = folder() / "downloads" / f"{name}.files.json"
    listing.unlink(missing_ok=True)
    url = f"{hugging_face()}/api/models/{repository}"
    fetch(Wanted(url, name, token=token, by_hand=by_hand), listing)
    try:
        paths = [str(one["rfilename"]) for one in json.loads(listing.read_bytes())["siblings"]]
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{name}: {url} is no list of files{by_hand}") from None
    finally:
        listing.unlink()
    weights = [path for path in paths if path.endswith(WEIGHTS)]
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
        content = unpacked(source, work)
        if entry.system:
            place = _import(entry, content, work / "placed")
        else:
            CHECKS[str(entry.check)](content)
            place = entry.places[0]
            shutil.copyfile(content, work / "placed")
        sha256 = files.sha256(source)
        target = folder() / place
        files.made(target.parent)
        (work / "placed").replace(target)
        record = Record(url, sha256, place, files.sha256(target))
        files.write_json(_record_file(name), asdict(record))
        return target
    except OSError as error:
        raise OutputError(f"{name} cannot be placed in {folder()}: {error.strerror}") from error
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
