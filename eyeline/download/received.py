"""What has come: the weights in an archive, and whether a file is the network that it should be."""

from __future__ import annotations

import bz2
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from eyeline.download.unpacking import members
from eyeline.errors import CheckpointError, DataError

WEIGHTS = (".pth", ".pt", ".pyth", ".ckpt", ".tar", ".model", ".safetensors", ".bin")
"""How the names of weights end, in archives and on Hugging Face."""


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


def unpacked(source: Path, work: Path) -> Path:
    """The weights themselves: of bzip2, or the only file of weights in a zip or tar archive."""
    target = work / "weights"
    with source.open("rb") as file:
        begins = file.read(3)
    try:
        if begins == b"BZh" and not tarfile.is_tarfile(source):
            with bz2.open(source) as packed, target.open("wb") as out:
                shutil.copyfileobj(packed, out)
            return target
        if begins[:2] != b"PK" and (begins[:1] == b"\x80" or not tarfile.is_tarfile(source)):
            return source
        names = [name for name, *_ in members(source)]
        if any(name.endswith("data.pkl") for name in names):
            return source  # torch.save's own
        weights = [name for name in names if name.endswith(WEIGHTS)]
        if len(weights) != 1:
            shown = ", ".join((weights or names)[:6])
            raise CheckpointError(
                f"{source} is an archive with {len(weights)} files of weights ({shown}): unpack it "
                "and give the one by --from FILE"
            )
        for name, _, opened in members(source):
            if name == weights[0]:
                with opened() as packed, target.open("wb") as out:
                    shutil.copyfileobj(packed, out)
        return target
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, DataError) as error:
        raise CheckpointError(f"{source} cannot be unpacked: {error}") from None
