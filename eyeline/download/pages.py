"""Web pages that come in place of a file: Google Drive's question, and what others are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

_GOOGLE = (".google.com", ".googleusercontent.com")


class _Form(HTMLParser):
    """Address and hidden values of the form `download-form`, and the page's title."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.values: dict[str, str] = {}
        self.title = ""
        self._inside = self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "form" and known.get("id") == "download-form":
            self.action, self._inside = known.get("action"), True
        if tag == "input" and self._inside and known.get("name"):
            self.values[known["name"]] = known.get("value", "")
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._in_title = False

    def handle_data(self, data: str) -> None:
        self.title += data if self._in_title else ""


def _read(page: str) -> _Form:
    form = _Form()
    form.feed(page)
    return form


def confirmed_url(url: str, page: str) -> str | None:
    """Where Google Drive's question about a large file leads, None for any other page.

    Only a host of Google's, or the one that the page came from, is followed.
    """
    form = _read(page)
    if form.action is None:
        return None
    target = urlsplit(urljoin(url, form.action))
    host = target.hostname or ""
    if target.scheme not in ("http", "https"):
        return None
    if host != urlsplit(url).hostname and not host.endswith(
        (".google.com", ".googleusercontent.com")
    ):
        return None
    return target._replace(query=urlencode(form.values)).geturl()


def describe_page(page: str) -> str:
    """What a page is, to follow "the server gives"."""
    if re.search(r"quota (has been )?exceeded|too many users have (viewed|downloaded)", page, re.I):
        return "a web page that says that too many have downloaded the file today"
    title = " ".join(_read(page).title.split())
    return f"a web page ('{title[:60]}')" if title else "a web page"
