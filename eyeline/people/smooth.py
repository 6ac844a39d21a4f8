"""Zero-lag smoothing along a track: offline, so that nothing comes late."""

from __future__ import annotations

import numpy as np

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
    flat = np.asarray(values, np.float64).reshape(n, -1)
    known = np.isfinite(flat)
    trust = known * (np.ones(n) if weight is None else np.asarray(weight, np.float64))[:, None]
    sigma = sigma_s / step
    args = {"sigma": sigma, "axis": 0, "mode": "constant", "truncate": 3.0}
    total = gaussian_filter1d(trust, **args)
    mean = gaussian_filter1d(np.where(known, flat, 0.0) * trust, **args)
    with np.errstate(invalid="ignore", divide="ignore"):
        smooth = np.where(total > 1e-6, mean / total, np.nan)
    return np.asarray(smooth.reshape(np.shape(values)))


def median(values: Floats, time_s: Floats, window_s: float) -> Floats:
    """Running median over time of `(n,)`, symmetric.

    NaN values do not count, and where there are no others the median is NaN.
    """
    n = len(values)
    step = float(np.median(np.diff(time_s))) if n > 1 else 0.0
    half = round(window_s / step / 2) if step > 0 else 0
    if half < 1:
        return np.array(values, np.float64)
    padded = np.pad(np.asarray(values, np.float64), half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    known = np.isfinite(windows).any(axis=1)
    out = np.full(n, np.nan)
    out[known] = np.nanmedian(windows[known], axis=1)
    return out
