"""The live page in Chromium: what is drawn arrives, and nothing is refused by its own policy."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.live.page import Page
from tests.export.conftest import build
from tests.live.conftest import moment_of
from tests.people.faces import FakeFrame

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed"),
    pytest.mark.filterwarnings("default"),  # of a browser's driver
]


def test_frames_people_and_delay_are_shown(tmp_path: Path) -> None:
    moments = [moment_of(build(2, 50), k) for k in range(20)]
    status = {
        "captured": 9, "analysed": 7, "dropped": 2, "delay_median_ms": 41.2, "delay_99_ms": 80.0,
    }  # fmt: skip
    image = np.full((720, 1280), 150, np.uint8)
    over, page, addresses = threading.Event(), Page(), list[str]()

    def show() -> None:
        k = 0
        while not over.wait(0.1):
            page.show(FakeFrame(k % 20, grey=image), moments[k % 20], status)  # type: ignore[arg-type]
            k += 1

    with page.served(0, False, addresses.append), sync_api.sync_playwright() as play:
        threading.Thread(target=show, daemon=True).start()
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab: Any = browser.new_page(viewport={"width": 1000, "height": 700})
        faults: list[str] = []
        tab.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
        tab.on("pageerror", lambda one: faults.append(str(one)))
        tab.goto(addresses[0])
        tab.wait_for_selector("#people li:nth-child(2)", timeout=20_000)
        assert "token" not in tab.url
        assert (
            tab.text_content("#status")
            == "delay 41 ms, 99 % 80 ms · 9 frames, 7 analysed, 2 dropped"
        )
        assert tab.text_content("#people li:first-child").startswith("person 1")
        pixel = "c => [...c.getContext('2d').getImageData(c.width / 2, c.height - 9, 1, 1).data]"
        assert abs(tab.eval_on_selector("#image", pixel)[0] - 150) < 8
        drawn = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v)"
        assert tab.eval_on_selector("#overlay", drawn)
        tab.screenshot(path=tmp_path / "live.png")
        assert faults == []
        over.set()
        browser.close()
