"""Images of scores are whole, and draw what they are given."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from eyeline.systems.gaze_3d import calibration, plots, report
from tests.systems.gaze_3d.test_report import looking

SVG = "{http://www.w3.org/2000/svg}"


def bars(text: str, kind: str) -> list[ET.Element]:
    return [e for e in ET.fromstring(text).iter(f"{SVG}rect") if e.get("class") == kind]


def test_bars_are_as_high_as_errors() -> None:
    yaw = np.array([-100.0, 10, 100])
    rows = report.by_yaw(looking(yaw, [10, 20, 40]), looking(yaw), bins=4)
    text = plots.errors_by_yaw(rows, 23.0, "a < b")
    high = [float(e.get("height", 0)) for e in bars(text, "b")]
    assert len(high) == 3 and len(bars(text, "c")) == 4, "no bar where no frame is"
    assert high[1] / high[2] == pytest.approx(0.5, abs=0.02)
    shown = " ".join(ET.fromstring(text).itertext())
    assert "a < b" in shown and "23.0°" in shown and "1 frames" in shown


@pytest.mark.parametrize("error", [0.0, 0.4, 180.0])
def test_errors_of_any_size_stay_inside(error: float) -> None:
    yaw = np.linspace(-179, 179, 50)
    result = looking(yaw + error)
    rows = report.by_yaw(result, looking(yaw))
    text = plots.errors_by_yaw(rows, error, "t")
    assert all(float(e.get("y", -1)) >= 0 for e in bars(text, "b"))


def test_promises_are_drawn_for_each() -> None:
    kappa = np.full(500, 10.0)
    angles = np.random.default_rng(0).rayleigh(0.3, 500)
    result = calibration.reliability(kappa, angles)
    text = plots.reliability_diagram({"calibrated": result, "before calibration": result}, "worth")
    shown = " ".join(ET.fromstring(text).itertext())
    assert "before calibration" in shown and f"{100 * result['ece']:.1f} points" in shown
