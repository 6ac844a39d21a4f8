"""A Ray cluster on this machine, which the slow tests of a file share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eyeline import on_ray

ROOT = Path(__file__).parents[1]
NODE = {"object_store_memory": 100_000_000}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Of one node of two processors, whose workers stand in another folder; we are connected."""
    pytest.importorskip("ray", reason="ray is not installed: pip install eyeline[ray]")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        patch.setenv("OMP_NUM_THREADS", "1")
        before = Path.cwd()
        os.chdir(tmp_path_factory.mktemp("elsewhere"))
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, **NODE})
        os.chdir(before)
        patch.setenv("RAY_ADDRESS", nodes.address)
        on_ray.connected()
        try:
            yield nodes
        finally:
            on_ray.disconnect()
            nodes.shutdown()
