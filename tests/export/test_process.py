"""Importing the room is light, and what it writes does not depend on the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_importing_exports_loads_nothing_heavy() -> None:
    code = (
        "import sys, eyeline.export as e; "
        "heavy = {'cv2', 'pyarrow', 'jinja2', 'torch', 'av', 'scipy', 'supervision'}; "
        "print(sorted(heavy & set(sys.modules)), all(callable(getattr(e, n)) for n in e.__all__))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] True"


_WRITE = """
import importlib.util, hashlib, pathlib, sys
spec = importlib.util.spec_from_file_location("made", sys.argv[1])
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
from eyeline import export
analysis, folder = made.build(persons=5, heatmaps=True), pathlib.Path(sys.argv[2])
for write in (export.write_tables, export.write_elan, export.write_textgrid, export.write_rttm,
              export.write_report, export.write_index):
    write(analysis, folder)
for path in sorted(folder.rglob("*.*")):
    print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
"""


def test_all_files_are_the_same_from_process_to_process(tmp_path: Path) -> None:
    root, created = Path(__file__).parents[2], Path(__file__).with_name("conftest.py")
    printed = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", _WRITE, str(created), str(tmp_path / seed)],
            cwd=root, capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
        )  # fmt: skip
        printed.append(done.stdout)
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) == 10 + 5 + 4 + 1
