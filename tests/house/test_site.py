"""The site of `make docs`: what it makes of the repository's Markdown and notebooks."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

pytest.importorskip("mkdocs")
pytest.importorskip("nbclient")
ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STREAM = {"output_type": "stream", "name": "stdout"}


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_site", ROOT / "scripts" / "docs_site.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert cells[0]["source"][0].startswith("# ")
    for cell in cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.parametrize(
    ("address", "link", "result"),
    [
        ("readme.md", "docs/view.md#keys", "view.md#keys"),
        ("readme.md", "NOTICE", "NOTICE"),
        ("faq.md", "../README.md#start", "readme.md#start"),
        ("faq.md", "../notebooks/first_hour.ipynb", "notebooks/first_hour.md"),
        ("faq.md", "picture.jpg", "picture.jpg"),
        ("faq.md", "#top", "#top"),
        ("faq.md", "https://rerun.io", "https://rerun.io"),
        ("notebooks/first_hour.md", "../docs/faq.md", "../faq.md"),
        ("notebooks/first_hour.md", "first_hour_0.png", "first_hour_0.png"),
    ],
)
def test_links_of_the_repository_become_those_of_the_site(
    site: ModuleType, address: str, link: str, result: str
) -> None:
    text = site.relinked(f"[a]({link}), ![b]({link})", site.in_repository(address), address)
    assert text == f"[a]({result}), ![b]({result})"


@pytest.mark.parametrize(
    ("output", "markdown"),
    [
        ({**STREAM, "text": "a\r\x1b[32mdone\x1b[0m\n"}, "```text\ndone\n```"),
        ({"data": {"text/plain": "1", "image/png": "aGk="}}, "![Output](p_0.png)"),
        ({"data": {"text/plain": "<x>", "image/svg+xml": "<svg/>"}}, "![Output](p_0.svg)"),
    ],
)
def test_outputs_of_a_cell(site: ModuleType, output: dict[str, Any], markdown: str) -> None:
    assert site.output_markdown(output, "p_0")[0] == markdown


def test_what_a_cell_prints_in_pieces_is_one_block(site: ModuleType) -> None:
    result = {"output_type": "execute_result", "data": {"text/plain": "2"}}
    pieces = [{**STREAM, "text": "a"}, {**STREAM, "text": "b\n"}, result, {**STREAM, "text": "c"}]
    merged = site.printed_once(pieces)
    assert [site.output_markdown(one, "p")[0] for one in merged] == [
        "```text\nab\n```",
        "```text\n2\n```",
        "```text\nc\n```",
    ]


@pytest.mark.parametrize(
    ("tag", "elsewhere"),
    [
        ('<script src="https://a.b/c.js">', True),
        ('<link rel="stylesheet" href="//a.b/c.css">', True),
        ("<img alt='' src='http://a.b/c.png'>", True),
        ('<script src="assets/c.js">', False),
        ('<a href="https://rerun.io">', False),
    ],
)
def test_what_is_loaded_from_elsewhere_is_noticed(
    site: ModuleType, tag: str, elsewhere: bool
) -> None:
    assert bool(site.LOADED.search(tag)) is elsewhere


def test_the_theme_asks_for_no_fonts() -> None:
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["theme"]["font"] is False
