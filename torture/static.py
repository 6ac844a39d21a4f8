"""The package's source: no loader that can run what a file holds, but in audited modules."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path

from torture.figures import Figure

PACKAGE = Path(__file__).parents[1] / "eyeline"
AUDITED = frozenset({"pickles.py"})
"""Modules that follow pickles by a reader of their own, which calls nothing."""
_RUNS = frozenset(
    (
        "__import__", "compile", "dill.load", "dill.loads", "eval", "exec", "importlib.reload",
        "joblib.load", "marshal.load", "marshal.loads", "os.popen", "os.system",
        "pandas.read_pickle", "pd.read_pickle", "pickle.Unpickler", "pickle.load", "pickle.loads",
        "shelve.open", "torch.hub.load", "torch.jit.load", "torch.load",
        "torch.package.PackageImporter", "yaml.full_load", "yaml.load", "yaml.unsafe_load",
    )
)  # fmt: skip
_FORBIDDEN = {"shell": True, "allow_pickle": True, "weights_only": False}


def trial(work: Path) -> Iterator[Figure]:
    """Look through all modules."""
    del work
    start, places = time.monotonic(), []
    paths = sorted(PACKAGE.rglob("*.py"))
    for path in paths:
        name = path.relative_to(PACKAGE).as_posix()
        if name not in AUDITED:
            places += [f"{name}:{place}" for place in dangers(path.read_text("utf-8"))]
    outcome = "; ".join(places) or "none"
    yield Figure(f"{len(paths)} modules", "none", outcome, not places, time.monotonic() - start)


def dangers(source: str) -> list[str]:
    """Calls and classes in a module's source that can run what a file holds, with their lines."""
    result = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (what := _call(node)):
            result.append(f"{node.lineno} {what}")
        elif isinstance(node, ast.ClassDef) and any("Unpickler" in _name(b) for b in node.bases):
            result.append(f"{node.lineno} class {node.name}")
    return result


def _call(node: ast.Call) -> str:
    name = _name(node.func)
    given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
    for word, value in _FORBIDDEN.items():
        if given.get(word) is value:
            return f"{name}({word}={value})"
    if name in {"np.load", "numpy.load"} and given.get("allow_pickle") is not False:
        return f"{name} without allow_pickle=False"
    if name == "torch.load" and given.get("weights_only") is True:
        return ""
    unpacks = name.endswith((".extract", ".extractall"))
    return name if unpacks or name in _RUNS else ""


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_name(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"
