"""A Dask cluster for tests: a scheduler and two workers, each started by its own command on loopback."""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).parent


class Machines:
    """The processes of a cluster; each `dask worker` stands for a machine."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "tcp://{}:{}".format(*free.getsockname())
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", self.address.rpartition(":")[2])
        self.workers = [self.add_worker(), self.add_worker()]

    def start(self, *words, **environment):
        """Start a command of Dask, with the files of the tests to import."""
        names = {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]), "MINIVISION_CACHE": str(self.folder / "cache")}
        names |= {"DASK_TEMPORARY_DIRECTORY": str(self.folder), "NUMBA_NUM_THREADS": "1", **environment}
        with open(self.folder / f"{words[0]}-{len(list(self.folder.glob('*.log')))}.log", "w") as log:
            command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
            return subprocess.Popen(command, env={**os.environ, **names}, cwd=self.folder, stdout=log, stderr=log)

    def add_worker(self, **environment):
        return self.start("worker", self.address, "--no-nanny", "--nthreads", "1", **environment)

    def close(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@contextlib.contextmanager
def running(folder):
    machines = Machines(folder)
    try:
        yield machines
    finally:
        machines.close()


@pytest.fixture(scope="session")
def machines(tmp_path_factory):
    """A cluster that all tests share; they leave it with two workers."""
    pytest.importorskip("distributed")
    with running(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def cluster(machines):
    """The cluster, connected."""
    from minivision.executors import Cluster

    with Cluster(machines.address, seconds=60) as connected:
        while len(connected.run_on_workers(os.getpid)) < 2:
            time.sleep(0.1)
        yield connected
