"""Hooks of MkDocs: pages from outside docs/, executed notebooks, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import os
import posixpath
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
ROOT_PAGES = {
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Of the repository's root, and their addresses in the site."""
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
LOADED = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//")
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def site_path(path: str) -> str:
    """Where the site has a file of the repository."""
    if path.startswith("notebooks/"):
        path = re.sub(r"\.ipynb$", ".md", path)
    return ROOT_PAGES.get(path, path.removeprefix("docs/"))


def in_repository(address: str) -> str:
    """The file of a page: the inverse of `site_path`."""
    roots = {site: path for path, site in ROOT_PAGES.items()}
    return roots.get(address) or (
        address if address.startswith("notebooks/") else f"docs/{address}"
    )


def targets(text: str, path: str) -> list[str]:
    """Files of the repository to which a page at `path` links."""
    return [
        posixpath.normpath(posixpath.join(posixpath.dirname(path), t)) for t in LINK.findall(text)
    ]


def relinked(text: str, path: str, address: str) -> str:
    """A page of the repository with the links of the site."""
    new = iter(site_path(target) for target in targets(text, path))
    return LINK.sub(lambda _: posixpath.relpath(next(new), posixpath.dirname(address) or "."), text)


def executed(path: Path) -> nbformat.NotebookNode:
    """A notebook with outputs, run in an empty folder; an error in a cell ends the build."""
    notebook = nbformat.read(path, as_version=4)
    with TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=1800, startup_timeout=300, resources=place).execute()
    return notebook


def output_markdown(output: Any, name: str) -> tuple[str, dict[str, bytes]]:
    """One output of a cell, and the files that it shows; an image is called `name`."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    for kind, end in (("image/png", "png"), ("image/svg+xml", "svg")):
        if kind in data:
            content = data[kind]
            image = base64.b64decode(content) if end == "png" else content.encode()
            return f"![Output]({name}.{end})", {f"{name}.{end}": image}
    text = ANSI.sub("", data["text/plain"]).replace("\r\n", "\n")
    lines = [line.rpartition("\r")[2].rstrip() for line in text.rstrip("\n").split("\n")]
    return "\n".join(["```text", *lines, "```"]), {}


def printed_once(outputs: list[Any]) -> list[Any]:
    """Outputs of a cell, where what is printed in pieces is one."""
    merged: list[Any] = []
    for output in outputs:
        if merged and output["output_type"] == "stream" == merged[-1]["output_type"]:
            merged[-1] = {**merged[-1], "text": merged[-1]["text"] + output["text"]}
        else:
            merged.append(output)
    return merged


def notebook_page(notebook: nbformat.NotebookNode, stem: str) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and the images on it."""
    title, *cells = notebook.cells
    parts = [title.source, f'<a href="{stem}.ipynb" download>Download this notebook</a>']
    files: dict[str, bytes] = {}
    for cell in cells:
        code = cell.cell_type == "code"
        parts.append(f"```python\n{cell.source}\n```" if code else cell.source)
        for output in printed_once(cell.get("outputs", [])):
            markdown, images = output_markdown(output, f"{stem}_{len(files)}")
            parts.append(markdown)
            files |= images
    return "\n\n".join(parts) + "\n", files


def on_config(config: MkDocsConfig) -> None:
    """Pages that the navigation does not name stand at its end."""
    named = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [page.name for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in named]
    if pages and config.nav is not None:
        config.nav.append({"More": pages})


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds the root's pages, the notebooks, and whatever else of the repository pages link to."""
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    content: dict[str, str | bytes] = {
        address: (ROOT / path).read_text("utf-8") for path, address in ROOT_PAGES.items()
    }
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    with ThreadPoolExecutor(max_workers=2) as pool:
        notebooks = list(pool.map(executed, paths))
    for path, notebook in zip(paths, notebooks, strict=True):
        text, images = notebook_page(notebook, path.stem)
        content[f"notebooks/{path.stem}.md"] = text
        content[f"notebooks/{path.name}"] = path.read_bytes()
        content |= {f"notebooks/{name}": image for name, image in images.items()}
    pages = {page.src_uri: page.content_string for page in files.documentation_pages()}
    pages |= {name: text for name, text in content.items() if isinstance(text, str)}
    for address, text in pages.items():
        for target in targets(text, in_repository(address)):
            known = site_path(target) in content or target.startswith("docs/")
            if not known and (ROOT / target).is_file():
                content[site_path(target)] = (ROOT / target).read_bytes()
    for address, text in content.items():
        files.append(File.generated(config, address, content=text))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links of the repository become those of the site."""
    return relinked(markdown, in_repository(page.file.src_uri), page.file.src_uri)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """A page must open without network."""
    if loaded := LOADED.search(output):
        raise PluginError(f"{page.file.src_uri} loads a file from elsewhere: {loaded.group()}...")
    return output
