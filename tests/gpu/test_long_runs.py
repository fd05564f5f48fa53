"""Training runs of all systems, in the size in which they are trained, on a GPU and on the CPU; for a GPU alone."""

import numpy as np
import pytest

from minivision.data import Scenes
from minivision.models import make_model, system_class, systems
from minivision.training import Settings, train

STEPS = 40
# Noise grows from step to step; from the fourth on a box may be drawn on one of them that is not on the other, which
# alone changes a loss of Faster R-CNN by some percent. What remains is that both learn alike.
BEGINNING, FIRST_LOSSES, MEAN = 3, 2e-3, 0.1


@pytest.mark.parametrize("name", systems())
def test_a_run_has_the_loss_curve_of_the_cpu_within_the_noise_of_float32(name, card, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path))
    curves = {device: losses_of_a_run(name, device, STEPS) for device in ("numpy", "cupy")}
    gpu, cpu = curves["cupy"], curves["numpy"]
    np.testing.assert_allclose(gpu[:BEGINNING], cpu[:BEGINNING], rtol=FIRST_LOSSES)
    assert np.mean(gpu) == pytest.approx(np.mean(cpu), rel=MEAN)


def losses_of_a_run(name, device, steps):
    """Return the loss of each step of a run on 16 hard scenes, from the same weights in the same batches."""
    scenes = Scenes("hard", **system_class(name).scene_options).draw(16)
    model = make_model(name, scenes.classes, rng=np.random.default_rng(1)).to(device)
    result = train(model, scenes, Settings(batch_size=4), steps=steps, progress=False)
    return [entry["loss"] for entry in result.log]
