"""The page in Chromium, as a coder uses it: with the mouse, and with the keyboard alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eyeline.corrections import append, read
from eyeline.results import Analysis
from tests.viewer.conftest import put, served

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed"),
    pytest.mark.filterwarnings("default"),  # of a browser's driver
]

Page = Any
Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def address(root: Path) -> Iterator[str]:
    with served(root) as (address, _):
        yield address


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Opens the one recording; faults of the page and requests to other places end the test."""
    contexts: list[Any] = []
    faults: list[str] = []

    def open_(address: str, *, expect_faults: bool = False, **options: Any) -> Page:
        options = {"viewport": {"width": 1280, "height": 800}, "accept_downloads": True} | options
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        base = address.partition("/?")[0]
        if not expect_faults:
            page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(base) else faults.append(r.url))
        page.goto(address)
        page.locator("table.recordings a").first.click()
        page.locator("#names .head").first.wait_for()
        page.locator("#panel-episodes tbody tr").first.wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not faults


def time_of(page: Page) -> float:
    return float(page.get_by_role("slider", name="Playhead").get_attribute("aria-valuenow"))


def wait_for_time(page: Page, time_s: float) -> None:
    """Until the playhead, and the video with it, stand within half a frame of a time."""
    page.wait_for_function(
        """(t) => {
            const video = document.getElementById("video");
            const head = Number(document.getElementById("ruler").getAttribute("aria-valuenow"));
            const there = !video.seeking && Math.abs(video.currentTime - t) < 0.021;
            return Math.abs(head - t) < 0.021 && (video.hidden || there);
        }""",
        arg=time_s,
    )


def kinds(root: Path) -> list[str]:
    return [entry.kind for entry in read(root / "talk").entries]


STATE = """() => ({
    notice: document.getElementById("notice").innerText,
    undo: !document.getElementById("undo").disabled,
    focus: document.activeElement.outerHTML.slice(0, 200),
    revision: document.body.dataset.revision,
})"""


def wait_for_entries(page: Page, root: Path, count: int) -> None:
    """Until the server has kept so many, and the page has followed."""
    for _ in range(600):
        if len(read(root / "talk").entries) >= count:
            break
        page.wait_for_timeout(50)
    assert len(read(root / "talk").entries) == count, page.evaluate(STATE)
    page.wait_for_function(
        """(n) => Number(document.body.dataset.revision) === n
            && !document.querySelector("dialog[open]")""",
        arg=count,
    )
    # a key that is pressed while the dialog's focus still goes back may be lost by the browser
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")


def select(page: Page, start_s: float, end_s: float) -> None:
    """A span, by keyboard."""
    for time_s, key in ((start_s, "["), (end_s, "]")):
        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press("Home")
        for _ in range(round(time_s)):
            page.keyboard.press("ArrowRight")
        wait_for_time(page, round(time_s))
        page.keyboard.press(key)


def painted(page: Page) -> int:
    """Pixels of the overlay that are not clear."""
    return int(
        page.evaluate(
            """() => {
                const c = document.getElementById("overlay");
                const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
                let n = 0;
                for (let k = 3; k < data.length; k += 4) n += data[k] > 0;
                return n;
            }"""
        )
    )


def test_an_episode_is_sought_and_frames_are_stepped(address: str, open_page: Open) -> None:
    page = open_page(address)
    row = page.locator("#panel-episodes tbody tr").nth(8)
    row.locator("button.link").click()
    start_s = page.evaluate("() => document.querySelector('[aria-current=true] td').textContent")
    minutes, _, seconds = start_s.partition(":")
    wait_for_time(page, float(minutes) * 60 + float(seconds))
    before = time_of(page)
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press(".")
    page.wait_for_function("(t) => !document.getElementById('video').seeking", arg=0)
    assert 0.02 < time_of(page) - before < 0.08
    page.keyboard.press("Control+ArrowLeft")
    page.keyboard.press("Control+ArrowLeft")
    assert time_of(page) < before
    picked = "() => document.querySelector('[aria-current=true] td').textContent"
    for key, later in (("Alt+ArrowRight", True), ("Alt+ArrowLeft", False)):
        here = page.evaluate(picked)
        page.keyboard.press(key)
        page.wait_for_function(f"(here) => ({picked})() !== here", arg=here)
        assert (page.evaluate(picked) > here) is later


def test_the_video_plays_stops_and_loops(address: str, open_page: Open) -> None:
    page = open_page(address)
    select(page, 1, 2)
    page.keyboard.press("l")
    assert page.locator("#loop").get_attribute("aria-pressed") == "true"
    page.locator("#speed").select_option("4")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.getElementById('play').ariaLabel === 'Pause'")
    page.wait_for_timeout(1200)
    assert 0.8 < time_of(page) < 2.3
    page.keyboard.press("Space")
    page.wait_for_function("() => document.getElementById('play').ariaLabel === 'Play'")


def test_each_layer_is_switched_off(address: str, open_page: Open) -> None:
    page = open_page(address)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)
    counts = [painted(page)]
    for name in ("names", "cones", "gaze", "targets", "eye contact", "speech", "people"):
        page.locator("#layers").get_by_label(name, exact=True).uncheck()
        counts.append(painted(page))
    assert counts == sorted(counts, reverse=True) and counts[0] > 500 and counts[-1] == 0
    assert len(set(counts)) > 4


def test_zoom_and_curves(address: str, open_page: Open) -> None:
    page = open_page(address)
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert page.locator("#span").inner_text() == "0:00.0 – 0:02.6"
    page.keyboard.press("0")
    assert page.locator("#span").inner_text() == "0:00.0 – 0:10.4"
    select(page, 2, 5)
    page.keyboard.press("z")
    assert page.locator("#span").inner_text() == "0:02.0 – 0:05.0"
    page.locator("#curves summary").click()
    page.locator("#curves").get_by_label("eye contact").check()
    page.locator("#names .curve").wait_for()


def test_the_matrix_follows_the_selection(address: str, open_page: Open) -> None:
    page = open_page(address)
    page.get_by_role("tab", name="Who looks at whom").click()
    page.locator("table.matrix").wait_for()
    whole = page.locator("table.matrix").inner_text()
    select(page, 2, 5)
    page.get_by_text("from 0:02.00 to 0:05.00").wait_for()
    assert page.locator("table.matrix").inner_text() != whole
    total = page.locator("table.matrix tbody tr").first.locator("td").last.inner_text()
    assert float(total) == pytest.approx(3.0, abs=0.05)


def test_a_name_is_kept_undone_and_redone(address: str, open_page: Open, root: Path) -> None:
    page = open_page(address)
    page.get_by_label("Coder").fill("coder A")
    page.get_by_label("Coder").press("Tab")
    page.get_by_role("tab", name="People").click()
    page.get_by_label("Name of person 1").fill("mother")
    page.get_by_label("Name of person 1").press("Enter")
    page.locator("#names .head", has_text="mother").wait_for()
    (entry,) = read(root / "talk").entries
    assert (entry.kind, entry.name, entry.who) == ("name_person", "mother", "coder A")
    page.reload()
    page.locator("#names .head", has_text="mother").wait_for()
    assert page.get_by_label("Coder").input_value() == "coder A"
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Control+z")
    page.locator("#names .head", has_text="person 1").wait_for()
    page.get_by_role("button", name="Redo", exact=True).click()
    page.locator("#names .head", has_text="mother").wait_for()
    assert kinds(root) == ["name_person", "undo", "redo"]
    page.get_by_role("tab", name="Corrections").click()
    assert "person 1 is called mother" in page.locator("#panel-history").inner_text()


def test_an_episode_is_added_changed_split_and_deleted(
    address: str, open_page: Open, root: Path
) -> None:
    page = open_page(address)
    select(page, 3, 5)
    page.get_by_role("button", name="Add episode").click()
    dialog = page.get_by_role("dialog", name="Add an episode")
    dialog.get_by_label("Tier").select_option("gaze_target")
    dialog.get_by_label("Person").select_option("1")
    dialog.get_by_label("Value").fill("scene")
    dialog.get_by_role("button", name="Save").click()
    wait_for_entries(page, root, 1)
    added = read(root / "talk").entries[-1]
    assert (added.tier, added.person, added.value) == ("gaze_target", 1, "scene")
    assert (added.from_s, added.to_s) == pytest.approx((3, 5), abs=1e-3)

    page.locator("#filter-tier").select_option("gaze_target")
    page.locator("#filter-person").select_option("1")
    scene = page.locator("#panel-episodes tbody tr", has_text="scene")
    scene.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit the episode")
    dialog.get_by_label("To (s)").fill("4.5")
    dialog.get_by_label("Value").fill("camera")
    dialog.get_by_role("button", name="Save").click()
    wait_for_entries(page, root, 2)
    changed = read(root / "talk").entries[-1]
    assert (changed.new.value, changed.new.to_s) == ("camera", 4.5)
    assert changed.old.from_s == added.from_s

    row = page.locator("#panel-episodes tbody tr", has_text="0:03.00").first
    row.locator("button.link").click()
    wait_for_time(page, 3.0)
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    wait_for_time(page, 4.0)
    page.keyboard.press("s")
    wait_for_entries(page, root, 3)
    page.locator("#panel-episodes tbody tr", has_text="0:04.00").first.locator(
        "button.link"
    ).click()
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Delete")
    wait_for_entries(page, root, 4)
    assert kinds(root) == ["add_episode", "change_episode", "split_episode", "delete_episode"]


def test_a_span_is_marked_as_not_codable(address: str, open_page: Open, root: Path) -> None:
    page = open_page(address)
    select(page, 6, 8)
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Not codable")
    dialog.get_by_label("Person").select_option("2")
    dialog.get_by_role("button", name="Save").click()
    wait_for_entries(page, root, 1)
    entry = read(root / "talk").entries[0]
    assert (entry.kind, entry.tier, entry.person) == ("not_codable", None, 2)


def test_people_are_split_merged_and_found_to_be_none(
    address: str, open_page: Open, root: Path
) -> None:
    page = open_page(address)
    page.keyboard.press("ArrowRight")
    page.get_by_role("tab", name="People").click()
    people = page.locator("#panel-people .person")
    people.first.get_by_role("button", name="Split here").click()
    wait_for_entries(page, root, 1)
    page.wait_for_function("() => document.querySelectorAll('#panel-people .person').length === 3")
    people.nth(2).get_by_role("combobox").select_option("1")
    page.wait_for_function("() => document.querySelectorAll('#panel-people .person').length === 2")
    people.nth(1).get_by_role("button", name="No face").click()
    page.wait_for_function("() => document.querySelectorAll('#panel-people .person').length === 1")
    assert kinds(root) == ["split_person", "merge_people", "delete_face"]


def test_an_area_is_drawn_with_key_frames(address: str, open_page: Open, root: Path) -> None:
    page = open_page(address)
    page.get_by_role("tab", name="Areas").click()
    page.get_by_label("New area").fill("toy")
    page.get_by_role("button", name="Draw it").click()
    drag(page, (0.1, 0.2), (0.3, 0.5))
    wait_for_entries(page, root, 1)
    page.evaluate("() => document.activeElement.blur()")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for_time(page, 3.0)
    page.get_by_role("button", name="Key frame here").click()
    drag(page, (0.5, 0.2), (0.7, 0.5))
    wait_for_entries(page, root, 2)
    area = read(root / "talk").operations[-1]
    assert [frame.time_s for frame in area.keyframes] == pytest.approx([0, 3], abs=1e-3)
    (left, top), (right, bottom) = area.keyframes[1].points
    assert (left / 854, right / 854) == pytest.approx((0.5, 0.7), abs=0.01)
    assert (top / 480, bottom / 480) == pytest.approx((0.2, 0.5), abs=0.01)
    page.get_by_role("button", name="Delete the area toy").click()
    wait_for_entries(page, root, 3)


def test_a_polygon_is_drawn_with_key_frames(address: str, open_page: Open, root: Path) -> None:
    page = open_page(address)
    page.get_by_role("tab", name="Areas").click()
    page.get_by_label("New area").fill("table")
    page.get_by_label("Shape").select_option("polygon")
    page.get_by_role("button", name="Draw it").click()
    corners = [(0.1, 0.2), (0.5, 0.1), (0.9, 0.9), (0.6, 0.8), (0.2, 0.6)]
    for corner in corners[:2]:
        click(page, corner)
    page.keyboard.press("Enter")
    page.get_by_role("alert").first.get_by_text("at least three corners").wait_for()
    for corner in corners[2:4]:
        click(page, corner)
    page.keyboard.press("Backspace")
    click(page, corners[3])
    click(page, corners[4], twice=True)
    wait_for_entries(page, root, 1)
    page.evaluate("() => document.activeElement.blur()")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for_time(page, 3.0)
    page.get_by_role("button", name="Key frame here").click()
    for corner in corners[:3]:
        click(page, corner)
    page.keyboard.press("Enter")
    page.get_by_role("alert").first.get_by_text("5 corners in its other key frames").wait_for()
    for x, y in corners[3:]:
        click(page, (x, y + 0.05))
    page.keyboard.press("Enter")
    wait_for_entries(page, root, 2)
    area = read(root / "talk").operations[-1]
    assert (area.shape, area.between) == ("polygon", "interpolate")
    assert [frame.time_s for frame in area.keyframes] == pytest.approx([0, 3], abs=1e-3)
    drawn = [[(x / 854, y / 480) for x, y in frame.points] for frame in area.keyframes]
    moved = [*corners[:3], *((x, y + 0.05) for x, y in corners[3:])]
    for points, expected in zip(drawn, (corners, moved), strict=True):
        for point, corner in zip(points, expected, strict=True):
            assert point == pytest.approx(corner, abs=0.01)
    assert time_of(page) == pytest.approx(3.0, abs=0.05)  # no click played the video
    page.get_by_role("button", name="Key frame here").click()
    page.keyboard.press("Escape")
    assert len(read(root / "talk").entries) == 2


def test_a_polygon_is_given_by_keyboard(address: str, open_page: Open, root: Path) -> None:
    page = open_page(address)
    page.get_by_role("tab", name="Areas").click()
    page.get_by_label("New area").fill("table")
    page.get_by_label("Shape").select_option("polygon")
    page.get_by_label("New area").press("Enter")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name='Corners of "table" in pixels')
    dialog.get_by_label("Corners, x,y each").fill("10,20 300,40")
    page.keyboard.press("Enter")
    dialog.get_by_text("at least three corners").wait_for()
    dialog.get_by_label("Corners, x,y each").fill("10,20 300,40 150,400.5")
    page.keyboard.press("Enter")
    wait_for_entries(page, root, 1)
    area = read(root / "talk").operations[-1]
    assert area.keyframes[0].points == [[10, 20], [300, 40], [150, 400.5]]


def click(page: Page, place: tuple[float, float], *, twice: bool = False) -> None:
    """A place on the video, as fractions of its width and height."""
    box = page.locator("#overlay").bounding_box()
    x, y = box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]
    (page.mouse.dblclick if twice else page.mouse.click)(x, y)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    overlay = page.locator("#overlay")
    box, before = overlay.bounding_box(), None
    while box != before:  # what a click has brought may still move the page
        page.wait_for_timeout(150)
        box, before = overlay.bounding_box(), box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


def test_a_second_tab_cannot_write_over_the_first(
    address: str, open_page: Open, root: Path
) -> None:
    first, second = open_page(address), open_page(address, expect_faults=True)
    second.route(
        "**/corrections", lambda r: r.abort() if r.request.method == "GET" else r.continue_()
    )
    for page in (first, second):
        page.get_by_role("tab", name="People").click()
    first.get_by_label("Name of person 1").fill("mother")
    first.get_by_label("Name of person 1").press("Enter")
    first.locator("#names .head", has_text="mother").wait_for()
    second.get_by_label("Name of person 1").fill("aunt")
    second.get_by_label("Name of person 1").press("Enter")
    alert = second.get_by_role("alert").first
    alert.get_by_text("Nothing of yours was written").wait_for()
    second.locator("#names .head", has_text="mother").wait_for()
    assert [e.name for e in read(root / "talk").entries] == ["mother"]
    second.get_by_label("Name of person 1").fill("aunt")
    second.get_by_label("Name of person 1").press("Enter")
    second.locator("#names .head", has_text="aunt").wait_for()
    assert [e.name for e in read(root / "talk").entries] == ["mother", "aunt"]
    first.locator("#names .head", has_text="aunt").wait_for()  # it looks again by itself


def test_a_corrupted_file_is_reported_and_left_alone(
    address: str, open_page: Open, root: Path
) -> None:
    file = root / "talk/corrections.json"
    file.write_text('{"version": 1, "entries": [')
    page = open_page(address, expect_faults=True)
    page.get_by_role("alert").first.get_by_text("corrections.json").wait_for()
    assert page.get_by_role("button", name="Edit").count() == 0
    select(page, 1, 3)
    assert page.get_by_role("button", name="Add episode").is_disabled()
    page.get_by_role("tab", name="People").click()
    assert page.get_by_label("Name of person 1").is_disabled()
    assert file.read_text() == '{"version": 1, "entries": ['


def test_a_correction_of_nobody_is_named(address: str, open_page: Open, root: Path) -> None:
    entry = {"id": 1, "who": "A", "kind": "name_person", "person": 9, "name": "ghost"}
    content = {"version": 1, "entries": [entry | {"time": "2026-11-30T16:20:00Z"}]}
    (root / "talk/corrections.json").write_text(json.dumps(content))
    page = open_page(address)
    page.get_by_role("tab", name="Corrections").click()
    page.locator("#panel-history .error", has_text="9").wait_for()


def test_nothing_saved_is_lost_when_the_server_is_killed(open_page: Open, root: Path) -> None:
    with served(root) as (address, process):
        page = open_page(address, expect_faults=True)
        page.get_by_role("tab", name="People").click()
        for name in ("one", "two", "three"):
            page.get_by_label("Name of person 1").fill(name)
            page.get_by_label("Name of person 1").press("Enter")
            page.locator("#names .head", has_text=name).wait_for()
        process.send_signal(signal.SIGKILL)
        process.wait()
        page.get_by_label("Name of person 1").fill("four")
        page.get_by_label("Name of person 1").press("Enter")
        page.get_by_text("does not answer").wait_for()
    assert [e.name for e in read(root / "talk").entries] == ["one", "two", "three"]
    with served(root) as (address, _):
        open_page(address).locator("#names .head", has_text="three").wait_for()


def test_exports_are_links_and_follow_the_corrections(
    address: str, open_page: Open, root: Path
) -> None:
    page = open_page(address)
    page.locator("#files summary").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="segments.csv").first.click()
    got = Path(download.value.path()).read_bytes()
    assert got == (root / "talk/segments.csv").read_bytes()
    page.keyboard.press("Escape")
    append(root / "talk", {"kind": "name_person", "person": 1, "name": "mother"})
    page.get_by_role("tab", name="Corrections").click()
    page.get_by_role("button", name="Write exports with corrections").click()
    page.locator("#live", has_text="follow the corrections now").wait_for(state="attached")
    page.locator("#files summary").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="corrected/segments.csv").click()
    assert "mother" in Path(download.value.path()).read_text()
    page.get_by_role("link", name="eyeline: list of recordings").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="corrected report").click()
    assert "mother" in Path(download.value.path()).read_text()


def test_a_missing_video_is_asked_for(address: str, open_page: Open, root: Path) -> None:
    place = root.parent / "elsewhere"
    place.mkdir()
    shutil.move(root.parent / "talk.mp4", place / "talk.mp4")
    page = open_page(address, expect_faults=True)
    page.get_by_text("The video is not where it was").wait_for()
    page.keyboard.press("ArrowRight")
    assert time_of(page) == 1.0
    page.wait_for_timeout(600)
    assert painted(page) > 500
    page.get_by_label("Where is it now?").fill(str(root.parent))
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("alert").first.get_by_text("is no file").wait_for()
    page.get_by_label("Where is it now?").fill(str(place))
    page.get_by_role("button", name="Use it").click()
    page.get_by_text("The video is not where it was").wait_for(state="hidden")
    page.wait_for_function("() => document.getElementById('video').readyState > 1")


def test_the_keyboard_alone_is_enough(browser: Any, address: str, root: Path) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(address)
    page.locator("table.recordings a").first.wait_for()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent") == "talk":
            break
    page.keyboard.press("Enter")
    page.locator("#panel-episodes tbody tr").first.wait_for()
    page.get_by_role("tab", name="Episodes").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.activeElement.id") == "tab-people"
    page.keyboard.press("ArrowLeft")
    select(page, 2, 4)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    page.get_by_role("dialog", name="Add an episode").wait_for()
    assert page.evaluate("() => document.activeElement.name") == "value"
    page.keyboard.type("speech")
    page.keyboard.press("Enter")
    wait_for_entries(page, root, 1)
    assert read(root / "talk").entries[0].tier == "speaking"
    page.keyboard.press("Control+z")
    wait_for_entries(page, root, 2)
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Keys").wait_for(state="hidden")
    page.context.close()


NAMELESS = """() => {
    const kinds = "button, input, select, a, summary, canvas, video, dialog, [role=tabpanel]";
    const named = (n) => n.getAttribute("aria-label") || n.getAttribute("aria-labelledby")
        || n.labels?.length || n.textContent.trim();
    const all = [...document.querySelectorAll(kinds)];
    return all.filter((n) => !named(n)).map((n) => n.outerHTML.slice(0, 120));
}"""


def test_everything_has_a_name_for_a_screen_reader(address: str, open_page: Open) -> None:
    page = open_page(address)
    for tab in ("Episodes", "People", "Who looks at whom", "Areas", "Corrections"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(200)
        assert page.evaluate(NAMELESS) == []
    slider = page.get_by_role("slider", name="Playhead")
    assert slider.get_attribute("aria-valuetext") == "0:00.000"
    for role, name in (("tablist", "Panels"), ("group", "Playback"), ("region", "Timeline")):
        assert page.get_by_role(role, name=name).count() == 1
    assert page.locator("h1").count() == 1 and page.locator("main").count() == 1


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (390, 844)])
def test_nothing_overlaps_or_sticks_out(
    address: str, open_page: Open, width: int, height: int
) -> None:
    page = open_page(address, viewport={"width": width, "height": height})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    blocks = ("header.top", "#stage", ".transport", ".side", "section.time")
    boxes = [page.locator(block).bounding_box() for block in blocks]
    for k, a in enumerate(boxes):
        assert a["x"] >= 0 and a["x"] + a["width"] <= width + 0.5
        for b in boxes[k + 1 :]:
            apart_x = a["x"] + a["width"] <= b["x"] + 0.5 or b["x"] + b["width"] <= a["x"] + 0.5
            apart_y = a["y"] + a["height"] <= b["y"] + 0.5 or b["y"] + b["height"] <= a["y"] + 0.5
            assert apart_x or apart_y, (blocks[k], a, b)


CONTRAST = """() => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = (colour) => {
        const [r, g, b] = colour.match(/[0-9.]+/g).map((v) => linear(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const clear = (c) => / 0\\)$/.test(c) || c === "transparent" || c.startsWith("color");
    const behind = (node) => {
        for (let n = node; n; n = n.parentElement) {
            const c = getComputedStyle(n).backgroundColor;
            if (!clear(c)) return c;
        }
        return "rgb(255, 255, 255)";
    };
    const ratio = (n) => {
        const [a, b] = [light(getComputedStyle(n).color), light(behind(n))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    const kinds = "h1, button:not(:disabled), .muted, th, td, label, .names div, a";
    return [...document.querySelectorAll(kinds)]
        .filter((n) => n.offsetParent && n.textContent.trim())
        .map((n) => [ratio(n), n.textContent.trim().slice(0, 40)])
        .filter(([found]) => found < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(address: str, open_page: Open, scheme: str) -> None:
    page = open_page(address, color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []


def test_a_hostile_name_is_only_text(browser: Any, tmp_path: Path, computed: Analysis) -> None:
    name = "<img src=x onerror=document.title='broken'>"
    folder = put(computed, tmp_path / "r" / name)
    index = json.loads((folder / "analysis.json").read_text())
    index["warnings"] = ["<script>document.title='broken'</script>"]
    (folder / "analysis.json").write_text(json.dumps(index))
    append(folder, {"kind": "name_person", "person": 1, "name": "<b>bold</b>"})
    with served(tmp_path / "r") as (address, _):
        page = browser.new_context().new_page()
        page.goto(address)
        page.get_by_role("link", name=name).click()
        page.locator("#names .head", has_text="<b>bold</b>").wait_for()
        assert page.locator("h1").inner_text() == name
        assert page.locator("main img, main b, main script").count() == 0
        assert "broken" not in page.title().replace(name, "")
        page.context.close()


def test_the_token_does_not_stay_in_the_address(browser: Any, address: str) -> None:
    page = browser.new_context().new_page()
    page.goto(address)
    page.locator("table.recordings a").first.wait_for()
    assert "token" not in page.url
    page.context.close()
    stranger = browser.new_context().new_page()
    stranger.goto(address.partition("?")[0])
    assert "the token is missing" in stranger.inner_text("body")
    stranger.context.close()


def test_ctrl_c_ends_the_command_quietly(root: Path) -> None:
    command = [sys.executable, "-m", "eyeline", "view", str(root), "--no-browser"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout and "http" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0 and "Traceback" not in errors
