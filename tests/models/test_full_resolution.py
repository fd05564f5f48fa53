"""The network at full resolution: the size of its maps and its field of view."""

import numpy as np
import pytest

from minivision.core.dispatch import observe
from minivision.models.full_resolution import FullResolution

CLASSES = ("background", "disc", "square")


@pytest.mark.parametrize(("dilated", "blocks", "side"), [(True, 6, 67), (False, 8, 19), (True, 0, 3), (False, 1, 5)])
def test_a_score_depends_on_the_square_in_the_documentation(dilated, blocks, side, rng):
    model = FullResolution(CLASSES, width=4, blocks=blocks, dilated=dilated, rng=rng).astype(np.float64)
    for parameter in model.parameters():
        parameter.value[...] = np.abs(parameter.value) + 0.01  # so that nothing is cut off by a ReLU
    x = rng.random((1, 3, 81, 81))
    changed = x.copy()
    changed[0, :, 40, 40] += 1
    rows, columns = np.nonzero((model.forward(changed) != model.forward(x)).any(axis=(0, 1)))
    half = side // 2
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (40 - half, 40 + half)


def test_every_map_has_the_size_of_the_image(rng):
    model, sizes = FullResolution(CLASSES, width=4, rng=rng), set()
    with observe(lambda operation, values, result: sizes.add(result.shape[2:] if hasattr(result, "shape") else None)):
        scores = model.forward(np.zeros((1, 3, 13, 22), np.float32))
    assert scores.shape == (1, len(CLASSES), 13, 22) and sizes - {None} == {(13, 22)}


@pytest.mark.parametrize(("width", "blocks"), [(0, 3), (4, -1)])
def test_impossible_sizes_are_named(width, blocks):
    with pytest.raises(ValueError, match=f"got {width} and {blocks}"):
        FullResolution(CLASSES, width=width, blocks=blocks)
