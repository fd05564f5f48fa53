"""What all tests share: reproducible draws, and quick hypothesis profiles."""

import importlib

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Kernels compile at their first call: no deadlines.
settings.register_profile("minivision", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("minivision")


@pytest.fixture
def rng():
    """A generator with a seed of its own, the same in every run."""
    return np.random.default_rng(2017)


@pytest.fixture(autouse=True)
def no_heartbeat(monkeypatch):
    """Commands say nothing about their time: on a busy machine that would be in outputs that tests compare."""
    for name in ("SILENCE", "SILENCE_OF_LOGS"):
        monkeypatch.setattr(importlib.import_module("minivision.cli.heartbeat"), name, 1e9)


@pytest.fixture(scope="session")
def page():
    """One browser for all tests of pages: it takes a second to start. Tests are skipped where there is none."""
    from chromium import PROGRAM, open_chromium

    if PROGRAM is None:
        pytest.skip("Chromium is not installed")
    with open_chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def machines(tmp_path_factory):
    """A Dask cluster of two workers for all tests. Whoever ends a worker adds another one."""
    pytest.importorskip("distributed")
    from dask_cluster import Machines

    found = Machines(tmp_path_factory.mktemp("cluster"))
    try:
        found.wait_for_workers(2)
        yield found
    finally:
        found.close()
