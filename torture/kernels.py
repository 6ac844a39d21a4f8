"""The numerical tests under the kernels of other processors, with one thread and with two."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from torture.figures import Figure

ROOT = Path(__file__).parents[1]
_AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
_TWO = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
KERNELS: Mapping[str, Mapping[str, str]] = {
    "AVX2, 2 threads": _AVX2 | _TWO,
    "ATen without vectors, 1 thread": _AVX2
    | {"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"},
    "this processor's own, 2 threads": _TWO,
}
"""Each library chooses its kernels by itself, so one run can change those of all. Those of this
processor with one thread are what `make test` runs."""
_COMPARES = re.compile(r"assert_(allclose|close|gradient|seen)")
_NETWORK = re.compile(r"\btorch\b|golden")
_WHOLE_RUNS = frozenset({"test_chain.py", "test_evaluate.py"})
"""Of minutes, and made of pieces that other tests compare."""


def trial(work: Path) -> Iterator[Figure]:
    """Run all numerical tests once for each set of kernels."""
    del work
    files = numerical_tests(ROOT / "tests")
    for name, settings in KERNELS.items():
        start = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-n", "2"]
        done = subprocess.run(
            [*command, "--dist", "loadfile", *files],
            cwd=ROOT,
            env=os.environ | settings,
            capture_output=True,
            text=True,
        )
        lines = done.stdout.splitlines()
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        outcome = "; ".join([lines[-1] if lines else "nothing was run", *failed])
        yield Figure(name, "passed", outcome, done.returncode == 0, time.monotonic() - start)


def numerical_tests(folder: Path) -> list[str]:
    """Files of tests that compare what networks compute, or numbers of the originals."""
    paths = [p for p in sorted(folder.rglob("test_*.py")) if p.name not in _WHOLE_RUNS]
    texts = {path: path.read_text("utf-8") for path in paths}
    return [str(p) for p, text in texts.items() if _COMPARES.search(text) and _NETWORK.search(text)]
