"""What rendered heads need, or the reason why their tests are skipped."""

from __future__ import annotations

import pytest

from eyeline.errors import UsageError


@pytest.fixture(scope="session")
def rendering() -> None:
    try:
        from eyeline.synthetic.heads import assets, samples

        assets.folder()
        samples.renderer()
    except UsageError as error:
        pytest.skip(str(error))
