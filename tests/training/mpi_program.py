"""A program that mpiexec starts: it trains the tiny system, and does on one rank what the test wants."""

import os
import signal
import sys

import numpy as np
from tiny_system import Blobs, TinySystem

from minivision.training import Settings, overlap, train
from minivision.training.mpi import mpi_ranks


class Faulty(TinySystem):
    """Does something on rank 1 in a step: die, get Ctrl-C, stop, fail, or take another way than the others."""

    def __init__(self, what, at, ranks):
        super().__init__(Blobs.classes, noisy=False, rng=np.random.default_rng(ranks.rank))
        self.what, self.left, self.ranks = what, at, ranks

    def step(self, batch):
        self.left -= 1
        if self.ranks.rank == 1 and self.left == 0:
            if self.what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            elif self.what == "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
            elif self.what == "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            elif self.what == "fail":
                raise MemoryError("no memory is left on this machine")
            elif self.what == "stray":
                self.ranks.sum(np.zeros(3))
        return super().step(batch)


def main(out, what, at, resume):
    with mpi_ranks() as ranks:
        ranks.overlaps, overlap.group_bytes = what == "overlap", lambda ranks: 32
        model = Faulty(what, int(at), ranks)
        result = train(
            model, Blobs(), Settings(), steps=None if resume == "resume" else 12, out=out, resume=resume == "resume",
            save_every=0, progress=False,
        )  # fmt: skip
        assert len(overlap._groups.get(model, [])) == 2 * (what == "overlap")
        if ranks.rank == 0:
            print(f"step {result.step}, {ranks.size} ranks")


if __name__ == "__main__":
    main(*sys.argv[1:])
