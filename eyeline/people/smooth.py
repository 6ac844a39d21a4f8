"""Zero-lag smoothing along a track: offline, so that nothing comes late."""

from __future__ import annotations

import numpy as np

from eyeline import spill
from eyeline.results import Floats


def gaussian(
    values: Floats, time_s: Floats, sigma_s: float, weight: Floats | None = None
) -> Floats:
    """Weighted Gaussian mean over time, symmetric.

    NaN values count nothing, and where nothing counts the mean is NaN.

    Args:
        values: `(n, ...)`.
        time_s: `(n,)` increasing.
        sigma_s: standard deviation of the window, which is cut at three of them.
        weight: `(n,)` trust of each row, 1 by default.
    """
    from scipy.ndimage import gaussian_filter1d

    n = len(values)
    step = float(np.median(np.diff(time_s))) if n > 1 else 0.0
    if n < 2 or step <= 0:
        return np.array(values, np.float64)
    sigma = sigma_s / step
    reach = int(3.0 * sigma + 0.5)  # where scipy cuts the window, too
    args = {"sigma": sigma, "axis": 0, "mode": "constant", "truncate": 3.0}

    def smoothed(rows: slice) -> Floats:
        begin = max(0, rows.start - reach)
        around = slice(begin, min(n, rows.stop + reach))
        flat = np.asarray(values[around], np.float64).reshape(around.stop - begin, -1)
        known = np.isfinite(flat)
        own = 1.0 if weight is None else np.asarray(weight[around], np.float64)[:, None]
        trust = known * own
        inside = slice(rows.start - begin, rows.stop - begin)
        total = gaussian_filter1d(trust, **args)[inside]
        mean = gaussian_filter1d(np.where(known, flat, 0.0) * trust, **args)[inside]
        with np.errstate(invalid="ignore", divide="ignore"):
            smooth = np.where(total > 1e-6, mean / total, np.nan)
        return np.asarray(smooth.reshape(-1, *np.shape(values)[1:]))

    return spill.by_blocks(n, smoothed)


def median(values: Floats, time_s: Floats, window_s: float) -> Floats:
    """Running median over time of `(n,)`, symmetric.

    NaN values do not count, and where there are no others the median is NaN.
    """
    n = len(values)
    step = float(np.median(np.diff(time_s))) if n > 1 else 0.0
    half = round(window_s / step / 2) if step > 0 else 0
    if half < 1:
        return np.array(values, np.float64)

    def medians(rows: slice) -> Floats:
        begin, end = max(0, rows.start - half), min(n, rows.stop + half)
        missing = begin - (rows.start - half), rows.stop + half - end
        padded = np.pad(np.asarray(values[begin:end], np.float64), missing, constant_values=np.nan)
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
        known = np.isfinite(windows).any(axis=1)
        out = np.full(rows.stop - rows.start, np.nan)
        out[known] = np.nanmedian(windows[known], axis=1)
        return out

    return spill.by_blocks(n, medians)
