"""Time the steps of some systems on the ranks that there are; rank 0 prints their means in seconds as JSON.

mpiexec -n 2 python docs/scaling/steps.py       two ranks
python docs/scaling/steps.py                    one
"""

from __future__ import annotations

import contextlib
import json

from minivision.core.ranks import current_ranks, launched_rank
from minivision.data import Scenes
from minivision.models import make_model
from minivision.training import Settings, train
from minivision.training.mpi import mpi_ranks

SYSTEMS = ("encoder-decoder", "ssd", "faster-rcnn")
STEPS, WARM, BATCH = 30, 10, 8


def main() -> None:
    """Train each system a few steps, and print."""
    scenes, means = Scenes("mid", "train").draw(32), {}
    with contextlib.nullcontext() if launched_rank() is None else mpi_ranks():
        for system in SYSTEMS:
            model = make_model(system, scenes.classes)
            log = train(model, scenes, Settings(batch_size=BATCH), steps=STEPS, progress=False).log
            means[system] = (log[-1]["seconds"] - log[WARM - 1]["seconds"]) / (STEPS - WARM)
        if current_ranks().rank == 0:
            print(json.dumps(means))


if __name__ == "__main__":
    main()
