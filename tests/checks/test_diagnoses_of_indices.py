"""Diagnoses of indices that are counted, divided or read wrongly; right ones have none."""

import numpy as np
import pytest
from wrong_functions import register, written_wrongly

from minivision.checks import check_operation
from minivision.checks.diagnoses.positions import counted_in_padded_map, indices_misread
from minivision.checks.evidence import Evidence
from minivision.ops import max_pool2d_backward

MISTAKES = [
    ("max_pool2d", "row * W + col", "(row + top) * (W + left + right) + col + left", "They count in the padded map"),
    ("max_pool2d_backward", "indices[n, c, i, j]", "indices[n, 0, i, j]", "indices of the first channel for all"),
    ("max_pool2d_backward", "indices[n, c, i, j]", "indices[0, c, i, j]", "indices of the first image for all"),
    (
        "max_pool2d_backward",
        "divmod(indices[n, c, i, j], W)",
        "i * (H // dy.shape[2]), j * (W // dy.shape[3])",
        "the corner of each block",
    ),
    ("max_unpool2d", "indices[n, c, i, j]", "indices[n, 0, i, j]", "indices of the first channel for all"),
    (
        "max_unpool2d_backward",
        "divmod(indices[n, c, i, j], W)",
        "i * (dy.shape[2] // indices.shape[2]), j * (W // indices.shape[3])",
        "the corner of each block",
    ),
]


@pytest.mark.parametrize("name, old, new, sentence", MISTAKES)
def test_wrong_indices_are_diagnosed(name, old, new, sentence):
    report = check_operation(name, register(**{name: written_wrongly(name, (old, new))}))
    assert any(sentence in (failure.diagnosis or "") for failure in report.failures), str(report)


def evidence_of(got_from, shape=(3, 4), indices=((0, 5), (7, 3))):
    indices = np.array(indices)[None, None]
    arguments = {"dy": np.arange(1.0, 5).reshape(1, 1, 2, 2), "indices": indices, "input_size": shape}
    return Evidence(max_pool2d_backward, arguments, "dx", got_from(indices, shape))


def test_an_index_divided_by_the_height_is_diagnosed():
    def wrong(indices, shape):
        dx = np.zeros((1, 1, *shape))
        for value, index in zip((1.0, 2, 3, 4), indices.ravel(), strict=True):
            dx[0, 0][divmod(index, shape[0])] += value
        return dx

    assert "divided by the height of the map" in indices_misread(evidence_of(wrong))


def test_numbers_that_no_other_indices_explain_have_no_diagnosis():
    evidence = evidence_of(lambda indices, shape: np.random.default_rng(0).normal(size=(1, 1, *shape)))
    assert indices_misread(evidence) is None


def test_right_numbers_have_no_diagnosis():
    def right(indices, shape):
        return max_pool2d_backward(np.arange(1.0, 5).reshape(1, 1, 2, 2), indices, shape)

    assert indices_misread(evidence_of(right)) is None
    assert counted_in_padded_map(evidence_of(right)) is None
