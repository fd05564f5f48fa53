"""Training runs of all systems in their full size, compared with the CPU; only with a GPU."""

import numpy as np
import pytest

from minivision.data import Scenes
from minivision.models import make_model, system_class, systems
from minivision.training import Settings, train

STEPS = 40
# Rounding errors grow from step to step; from the fourth on, different boxes may be sampled, and a single one changes a
# loss of Faster R-CNN by some percent. Then only the mean losses are compared.
FIRST_STEPS, FIRST_TOLERANCE, MEAN_TOLERANCE = 3, 2e-3, 0.1


@pytest.mark.parametrize("name", systems())
def test_a_run_has_the_losses_of_the_cpu_up_to_rounding(name, gpu, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path))
    curves = {device: losses_of_a_run(name, device, STEPS) for device in ("numpy", "cupy")}
    on_gpu, on_cpu = curves["cupy"], curves["numpy"]
    np.testing.assert_allclose(on_gpu[:FIRST_STEPS], on_cpu[:FIRST_STEPS], rtol=FIRST_TOLERANCE)
    assert np.mean(on_gpu) == pytest.approx(np.mean(on_cpu), rel=MEAN_TOLERANCE)


def losses_of_a_run(name, device, steps):
    """Return the loss of each step of a run on 16 hard scenes, from the same weights in the same batches."""
    scenes = Scenes("hard", **system_class(name).scene_options).draw(16)
    model = make_model(name, scenes.classes, rng=np.random.default_rng(1)).to(device)
    result = train(model, scenes, Settings(batch_size=4), steps=steps, progress=False)
    return [entry["loss"] for entry in result.log]
