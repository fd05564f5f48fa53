"""Train the localizer with several weights of its box loss, and write what the page ``loss-weight.html`` shows.

::

    python docs/toys/train_loss_weights.py

Everything that decides the numbers is in `RUN`, and is written next to them. Steps are counted, not minutes, so a run
on another machine gives about the same curves.
"""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

import minivision
from minivision.core.atomic import atomic_write
from minivision.data import Scenes
from minivision.models import make_model
from minivision.tasks import evaluate
from minivision.training import Settings, train

OUT = Path(__file__).with_name("loss-weight-results.js")
WEIGHTS = (0, 1, 10, 50, 250, 1000, 5000)
RUN = {
    "level": "mid",
    "size": 64,
    "training_images": 2000,
    "held_out_images": 300,
    "steps": 1000,
    "every": 100,  # steps from one point of the curves to the next
    "batch_size": 8,
    "rate": 4e-3,
    "seeds": [0, 1],
}
HEADER = """// Written by train_loss_weights.py: trained results, not computed in the page.
// A page that is opened as a file may not fetch JSON, so it is a script with one name.
"""


def main() -> None:
    """Train every weight with every seed and write the file."""
    training, held_out = (
        Scenes(RUN["level"], split, objects=1, size=RUN["size"]).draw(count)
        for split, count in (("train", RUN["training_images"]), ("val", RUN["held_out_images"]))
    )
    results = []
    for weight in WEIGHTS:
        curves = [train_once(weight, seed, training, held_out) for seed in RUN["seeds"]]
        results.append({"weight": weight, "curves": curves})
        reached = (np.mean([curve[-1][name] for curve in curves]) for name in ("accuracy", "mean_iou"))
        print(weight, *(f"{each:.3f}" for each in reached), flush=True)
    facts = {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "versions": {
            "minivision": minivision.__version__,
            "numpy": np.__version__,
            "numba": numba.__version__,
            "python": platform.python_version(),
        },
        "classes": list(training.classes[1:]),
    }
    content = json.dumps({**RUN, **facts, "results": results}, separators=(",", ":"))
    with atomic_write(OUT) as file:
        file.write_text(f"{HEADER}const LOSS_WEIGHTS = {content};\n", encoding="utf-8")


def train_once(weight: float, seed: int, training: Any, held_out: Any) -> list[dict[str, float]]:
    """Train one network; return accuracy and mean IoU on the held-out images after every few steps."""
    rng = np.random.default_rng(seed)
    model = make_model("localizer", training.classes, regression_loss="l2", box_weight=weight, rng=rng)
    curve: list[dict[str, float]] = []
    settings = Settings(batch_size=RUN["batch_size"], rate=RUN["rate"], seed=seed)
    on_step = _validate(model, held_out, curve)
    if train(model, training, settings, steps=RUN["steps"], progress=False, on_step=on_step).stopped:
        raise SystemExit("stopped: nothing is written")
    return curve


def _validate(model: Any, held_out: Any, curve: list[dict[str, float]]) -> Callable[[int, int], None]:
    def on_step(step: int, total: int) -> None:
        if step % RUN["every"] == 0:
            metrics = evaluate(model, held_out)
            curve.append({"step": step, **{name: round(metrics[name], 4) for name in ("accuracy", "mean_iou")}})

    return on_step


def processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
