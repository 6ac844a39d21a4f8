"""What a seek in the page of `eyeline view` takes on the server, in two hours with four people."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.summary import synthetic_analysis

LENGTH_S, QUICK_S, PEOPLE = 7200, 600, 4
SEEKS = 40
CHUNK_S, WINDOW_S = 4.0, 60.0
"""What the page loads of the overlay at once, and the part of the timeline that it shows."""
TOKEN = "benchmark"


def run(quick: bool = False) -> dict[str, object]:
    """Seconds of opening and milliseconds of seeking, before and after a correction."""
    from starlette.testclient import TestClient

    from eyeline.corrections import append
    from eyeline.export.index import write_index
    from eyeline.export.tables import write_tables
    from eyeline.viewer.server import application

    length_s = QUICK_S if quick else LENGTH_S
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "talk"
        folder.mkdir()
        analysis = synthetic_analysis(25 * length_s, PEOPLE)
        write_tables(analysis, folder)
        write_index(analysis, folder)
        del analysis
        with TestClient(application(folder, TOKEN), base_url="http://127.0.0.1") as client:
            client.cookies.set("eyeline_80", TOKEN)
            figures = {"computed": _of_a_page(client, length_s)}
            append(folder, {"kind": "name_person", "person": 1, "name": "mother"})
            figures["corrected"] = _of_a_page(client, length_s)
    return {"video_s": length_s, "people": PEOPLE, "seeks": SEEKS} | figures


def _of_a_page(client: Any, length_s: float) -> dict[str, object]:
    """Opening, with nothing in memory, then seeks to places all over the recording."""
    key = client.get("/api/recordings").json()["recordings"][0]["key"]
    opening = _timed(client, [(f"/api/recordings/{key}", {}), *_requests(key, 0.0, length_s)])
    places = np.random.default_rng(0).uniform(0, length_s - WINDOW_S, SEEKS)
    taken = np.array([_timed(client, _requests(key, at, length_s)) for at in places.tolist()])
    elapsed_ms, processor_ms = 1000 * taken.T
    return {
        "open_s": round(opening[0], 2),
        "open_processor_s": round(opening[1], 2),
        "seek_ms": round(float(np.median(elapsed_ms)), 1),
        "seek_ms_slowest_of_ten": round(float(np.quantile(elapsed_ms, 0.9)), 1),
        "seek_processor_ms": round(float(np.median(processor_ms)), 1),
    }


def _requests(key: str, at_s: float, length_s: float) -> list[tuple[str, dict[str, float]]]:
    """What the page asks for when the playhead goes where it has not been."""
    one, chunk_s = f"/api/recordings/{key}", at_s // CHUNK_S * CHUNK_S
    window = {"from": at_s, "to": min(at_s + WINDOW_S, length_s), "pixels": 1200}
    overlays = [{"from": s, "to": s + CHUNK_S} for s in (chunk_s, chunk_s + CHUNK_S)]
    return [
        *((f"{one}/overlay", span) for span in overlays),
        (f"{one}/tiers", window),
        (f"{one}/not_codable", window),
    ]


def _timed(client: Any, requests: list[tuple[str, dict[str, float]]]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, one request after the other."""
    start, before = time.perf_counter(), time.process_time()
    for path, query in requests:
        client.get(path, params=query).raise_for_status()
    return time.perf_counter() - start, time.process_time() - before
