"""Nothing that one kind of system alone has is called without a branch for the others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "eyeline"
MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
OF_OS = {
    "chown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getloadavg", "getpgid", "getuid",
    "kill", "killpg", "mkfifo", "nice", "sched_getaffinity", "sched_setaffinity", "setpgrp",
    "setsid", "statvfs", "sysconf", "uname", "wait", "waitpid",
}  # fmt: skip
OF_SIGNAL = {
    "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2",
    "alarm", "pause", "pthread_sigmask", "setitimer", "sigwait",
}  # fmt: skip
OF_PATHS = {"symlink_to", "hardlink_to", "chmod"}
PLACES = ("/dev/", "/proc/", "/tmp/", "/sys/", "/var/")
FOR_TRAINING = "prepare"
"""Files called so are not on the way of an analysis."""
BRANCHES = ("os.name", "sys.platform", "hasattr(")
"""Conditions under which one may."""


def posix_only(node: ast.AST) -> str:
    """What it is that Windows lacks, or nothing."""
    if isinstance(node, ast.Import):
        return ", ".join(MODULES & {name.name for name in node.names})
    if isinstance(node, ast.ImportFrom):
        return ", ".join(MODULES & {node.module or ""})
    if isinstance(node, ast.Attribute):
        owner = ast.unparse(node.value)
        there = {"os": OF_OS, "signal": OF_SIGNAL}.get(owner, OF_PATHS)
        return ast.unparse(node) if node.attr in there else ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.startswith(PLACES) else ""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("get_context"):
        method = ast.unparse(node.args[0]) if node.args else "none"
        return "" if method == "'spawn'" else f"get_context({method})"
    if isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "multiprocessing.Process", "multiprocessing.Pool", "Process", "Pool"
    ):  # fmt: skip
        return f"{ast.unparse(node.func)} without spawn"
    return ""


def unguarded(tree: ast.AST) -> Iterator[str]:
    """Uses outside of a branch, and not behind one that has left the function before."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if what := posix_only(node):
            above, child = parents.get(node), node
            while above is not None and not branches(above, child):
                above, child = parents.get(above), above
            if above is None:
                yield f"{getattr(node, 'lineno', 0)}: {what}"


def branches(node: ast.AST, child: ast.AST) -> bool:
    """Whether a node asks for the kind of system, or a statement before the child in it does."""
    if isinstance(node, ast.If | ast.IfExp | ast.BoolOp):
        return any(word in ast.unparse(node) for word in BRANCHES)
    before = getattr(node, "body", [])
    if not isinstance(before, list) or child not in before:
        return False
    return any(
        isinstance(one, ast.If) and any(word in ast.unparse(one.test) for word in BRANCHES)
        for one in before[: before.index(child)]
    )


@pytest.mark.parametrize(
    ("code", "hits"),
    [
        ("import fcntl", 1),
        ("import os\nos.geteuid()", 1),
        ("import os\nif os.name == 'posix':\n    os.kill(1, 2)", 0),
        ("def f():\n    if sys.platform == 'win32':\n        return 1\n    import resource", 0),
        ("def f():\n    import resource\n    if sys.platform == 'win32':\n        return 1", 1),
        ("folder = '/dev/shm/x'", 1),
        ("multiprocessing.get_context('fork')", 1),
        ("multiprocessing.get_context('spawn').Process(target=f)", 0),
        ("path.symlink_to(other)", 1),
    ],
)
def test_it_is_noticed(code: str, hits: int) -> None:
    assert len([*unguarded(ast.parse(code))]) == hits


def test_nothing_of_one_system_alone_is_used_without_a_branch() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{hit}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.stem.startswith(FOR_TRAINING)
        for hit in unguarded(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found
