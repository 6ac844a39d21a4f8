"""What is an address, how it is shown, and what becomes of its name here."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import UsageError
from eyeline.extras import needed_by
from eyeline.plan import plan
from eyeline.remote.address import address_of, is_remote, name_here, redacted, shown
from tests.remote.conftest import Server


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("s3://lab/a.mp4", True),
        (Path("gs://lab/a.mp4"), True),
        ("https://host/a.mp4?sig=x", True),
        ("talk:1.mp4", False),
        ("/data/s3/a.mp4", False),
        ("rtsp://camera/1", False),
    ],
)
def test_an_address_is_one_also_after_it_was_a_path(text: str | Path, is_one: bool) -> None:
    assert is_remote(text) is is_one
    assert not is_one or address_of(Path(text)).replace("://", ":/") == str(Path(text))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://me:pass@host:8/a/v.mp4?X-Amz-Signature=1#t", "https://host:8/a/v.mp4"),
        ("s3://lab/what?/a b.mp4", "s3://lab/what?/a b.mp4"),
    ],
)
def test_what_is_secret_is_never_shown(address: str, name: str) -> None:
    assert shown(address) == name
    assert redacted(f"{Path(name)} is gone; {name}") == f"{name} is gone; {name}"
    text = "404, message='Not Found', url='https://u:p@host/v.mp4?X-Goog-Signature=abc'"
    assert redacted(text) == "404, message='Not Found', url='https://host/v.mp4'"


@pytest.mark.parametrize(
    ("name", "here"),
    [("a/b%20c.mp4", "a/b c.mp4"), ("../../etc/x", "etc/x"), ("%2e%2e%2fx", "x"), ("/a//b", "a/b")],
)
def test_a_name_leads_out_of_no_folder(name: str, here: str) -> None:
    assert name_here(name) == Path(here)


def test_a_missing_library_is_one_line() -> None:
    for module in ("s3fs", "gcsfs", "aiohttp", "fsspec"):
        line = rf"s3:// needs {module}: pip install 'eyeline\[cloud\]'"
        with pytest.raises(UsageError, match=line), needed_by("s3://"):
            raise ModuleNotFoundError(name=module)


def test_a_page_of_a_web_server_is_a_folder(server: Server) -> None:
    server.put("in/", b'<a href="a%20b.mp4">1</a><a href="?C=N">2</a><a href="../x.mp4">3</a>')
    server.put("in/a%20b.mp4", b"x")
    (job,) = plan([f"{server.url}/in/"], Path("out"))
    assert (job.folder, job.address) == (Path("out/a b"), f"{server.url}/in/a%20b.mp4")
