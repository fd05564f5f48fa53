"""Kill trainings at random moments, resume them, and compare the end with a training that was never stopped.

Each run is killed several times, by SIGKILL or SIGTERM in turn; at every moment the checkpoint must be readable, and
the last one must hold the same parameters, optimizer and losses, bit for bit.
"""

import argparse
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

SYSTEMS = (
    "sliding-window", "full-resolution", "encoder-decoder", "localizer", "pose", "rcnn", "fast-rcnn", "faster-rcnn",
    "yolo", "ssd",
)  # fmt: skip
TRAIN = """
import sys
from minivision.data import Scenes
from minivision.models import make_model, system_class
from minivision.training import Settings, train
import numpy as np
system, folder, steps, resume = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "resume"
options = dict(system_class(system).scene_options)
classes = options.pop("classes", ("disc", "star"))
scenes = Scenes("easy", "train", classes=classes, size=64, **options).draw(24)
model = make_model(system, scenes.classes, rng=np.random.default_rng(7 if resume else 0))
settings = None if resume else Settings(batch_size=2, seed=3)
steps = None if resume else steps
train(model, scenes, settings, steps=steps, out=folder, resume=resume, save_every=0.0, progress=False)
"""


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", default=SYSTEMS, metavar="SYSTEM", help=f"default: {', '.join(SYSTEMS)}")
    parser.add_argument("--kills", type=int, default=5, help="of each system (default: 5)")
    parser.add_argument("--steps", type=int, default=60, help="of each training (default: 60)")
    parser.add_argument("--minutes", type=float, default=20.0, help="begin no system after this time (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args(argv)
    start, failed, tried = time.monotonic(), [], 0
    moments = random.Random(args.seed)
    for system in args.systems:
        if time.monotonic() > start + 60 * args.minutes:
            print(f"the time is up: {system} and those after it were not tried")
            break
        tried += 1
        with tempfile.TemporaryDirectory() as folder:
            problem = _try(system, pathlib.Path(folder), args.kills, args.steps, moments)
        print(f"{system}: {problem or 'the same bits'}", flush=True)
        failed += [system] if problem else []
    print(f"{tried} systems, {tried * args.kills} kills, {len(failed)} failed, {time.monotonic() - start:.0f} s")
    return 1 if failed or tried < len(args.systems) else 0


def _try(system, folder, kills, steps, moments):
    """Return what went wrong, or None."""
    began = time.monotonic()
    if _start(system, folder / "whole", steps, "new").wait() != 0:
        return "the training itself fails"
    seconds = time.monotonic() - began
    mode = "new"
    for kill in range(kills):
        process = _start(system, folder / "killed", steps, mode)
        time.sleep(moments.uniform(0.3, 1.0) * seconds / 2)
        process.send_signal((signal.SIGKILL, signal.SIGTERM)[kill % 2])
        process.wait()
        checkpoint = folder / "killed" / "checkpoint.npz"
        if checkpoint.exists():
            try:
                _arrays(checkpoint)
            except Exception as error:
                return f"an unreadable checkpoint after kill {kill + 1}: {error}"
        mode = "resume" if checkpoint.exists() else "new"
    if _start(system, folder / "killed", steps, mode).wait() != 0:
        return "it cannot be resumed"
    whole, killed = (_arrays(folder / name / "checkpoint.npz") for name in ("whole", "killed"))
    different = [name for name in whole if not np.array_equal(whole[name], killed[name], equal_nan=True)]
    if different or whole.keys() != killed.keys():
        return f"other bits: {', '.join(different[:5])}"
    logs = [_log(folder / name / "log.jsonl") for name in ("whole", "killed")]
    return None if logs[0] == logs[1] else "another log"


def _start(system, folder, steps, mode):
    return subprocess.Popen([sys.executable, "-c", TRAIN, system, str(folder), str(steps), mode])


def _arrays(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files if name != "metadata"}


def _log(path):
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in entries]


if __name__ == "__main__":
    sys.exit(main())
