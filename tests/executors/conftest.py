"""A connection to the cluster of the tests."""

import os
import time

import pytest


@pytest.fixture
def cluster(machines):
    """The cluster, connected."""
    from minivision.executors import Cluster

    with Cluster(machines.address, seconds=60) as connected:
        while len(connected.run_on_workers(os.getpid)) < 2:
            time.sleep(0.1)
        yield connected
