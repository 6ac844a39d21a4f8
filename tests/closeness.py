"""Closeness of results that another processor or number of threads sums up in another order.

Such sums are off by a fraction of the largest values, however small one of them is itself; so an
element has no relative tolerance of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor


def assert_close_to_scale(
    actual: Any, expected: Any, fraction: float = 1e-5, err_msg: str = ""
) -> None:
    """No value is further off than this fraction of the largest expected value."""
    given, wanted = _array(actual), _array(expected)
    finite = wanted[np.isfinite(wanted)]
    scale = float(np.abs(finite).max()) if finite.size else 0.0
    np.testing.assert_allclose(given, wanted, rtol=0, atol=fraction * scale, err_msg=err_msg)


def assert_gradient_close(
    actual: Any, expected: Any, fraction: float = 1e-4, err_msg: str = ""
) -> None:
    """The difference is no longer than this fraction of the expected gradient's length."""
    given, wanted = _array(actual), _array(expected)
    assert given.shape == wanted.shape, f"{err_msg} {given.shape} for {wanted.shape}"
    off, length = np.linalg.norm(given - wanted), np.linalg.norm(wanted)
    assert off <= fraction * length, f"{err_msg} off by {off}, of a length of {length}"


def assert_gradients_close(
    actual: Mapping[str, Any], expected: Mapping[str, Any], fraction: float = 1e-4
) -> None:
    """The same of each parameter's gradient by name, or within a millionth of the longest one:
    some are 0 but for rounding, as those of biases before a norm."""
    assert actual.keys() == expected.keys()
    wanted = {name: _array(gradient) for name, gradient in expected.items()}
    longest = max(float(np.linalg.norm(gradient)) for gradient in wanted.values())
    for name, gradient in wanted.items():
        off = float(np.linalg.norm(_array(actual[name]) - gradient))
        room = max(fraction * float(np.linalg.norm(gradient)), 1e-6 * longest)
        assert off <= room, f"{name} is off by {off}; {room} would do"


def _array(values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    plain = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    return np.asarray(plain, np.float64)
