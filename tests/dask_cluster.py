"""A Dask cluster for tests: a scheduler and two workers, each started by its own command on loopback."""

import os
import pathlib
import socket
import subprocess
import sys

PIECES = pathlib.Path(__file__).parent / "executors"  # the work that tests hand out


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
        names = {"PYTHONPATH": os.pathsep.join([str(PIECES), *sys.path]), "NUMBA_NUM_THREADS": "1"}
        names |= {"MINIVISION_CACHE": str(self.folder / "cache"), "DASK_TEMPORARY_DIRECTORY": str(self.folder)}
        names |= environment
        with open(self.folder / f"{words[0]}-{len(list(self.folder.glob('*.log')))}.log", "w") as log:
            command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
            return subprocess.Popen(command, env={**os.environ, **names}, cwd=self.folder, stdout=log, stderr=log)

    def add_worker(self, **environment):
        return self.start("worker", self.address, "--no-nanny", "--nthreads", "1", **environment)

    def wait_for_workers(self, count):
        """Wait until so many workers have joined; on a busy machine Python takes its time to start."""
        from distributed import Client

        with Client(self.address, timeout=120, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=120)

    def close(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
