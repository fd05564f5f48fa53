"""R-CNN's linear models, compared with solvers of SciPy and NumPy."""

import numpy as np
import pytest
from scipy.optimize import minimize

from minivision.data.instances import Instances
from minivision.models.parts import linear_models
from minivision.models.parts.linear_models import SVM_C, fit_boxes, fit_svm, fit_svms
from minivision.ops import decode_boxes


def objective(w, b, x, targets):
    """The SVM's: half the squared length of the weights over SVM_C, and the hinge losses, one half for each side."""
    hinge = np.maximum(0, 1 - targets * (x @ w + b))
    return w @ w / 2 / SVM_C + hinge[targets > 0].mean() / 2 + hinge[targets < 0].mean() / 2


@pytest.mark.parametrize("gap", [0.0, 1.5])
def test_an_svm_reaches_the_solution_of_its_quadratic_program(gap, rng, monkeypatch):
    monkeypatch.setattr(linear_models, "SVM_C", 10.0)
    monkeypatch.setitem(globals(), "SVM_C", 10.0)
    targets = np.repeat([1.0, -1.0], [12, 30])
    x = rng.standard_normal((42, 3)) + np.outer(targets, [gap, 0, 0])
    share = np.where(targets > 0, 0.5 / 12, 0.5 / 30)
    solution = minimize(  # weights, bias, and a slack for each example
        lambda v: v[:3] @ v[:3] / 2 / 10 + share @ v[4:],
        np.concatenate([np.zeros(4), np.ones(42)]),
        jac=lambda v: np.concatenate([v[:3] / 10, [0], share]),
        constraints=[
            {"type": "ineq", "fun": lambda v: targets * (x @ v[:3] + v[3]) - 1 + v[4:]},
            {"type": "ineq", "fun": lambda v: v[4:]},
        ],
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-10},
    )
    assert solution.success
    best = objective(solution.x[:3], solution.x[3], x, targets)
    ours = objective(*fit_svm(x, targets), x, targets)
    assert best - 1e-6 <= ours <= 1.03 * best + 1e-3


def image_of(features, boxes, true, labels):
    return np.asarray(features, float), np.asarray(boxes, np.float32), Instances(true, labels)


def test_svms_learn_true_boxes_against_boxes_of_low_iou(rng):
    """Feature 0 stands for class 1, feature 1 for class 2, feature 2 for a box halfway (neither one nor the other)."""
    true = [[0, 0, 10, 10], [30, 0, 40, 10]]
    boxes = [[60, 60, 70, 70], [0, 0, 10, 14], *true]
    features = np.eye(4)[[3, 2, 0, 1]]
    weights, biases = fit_svms([image_of(features, boxes, true, [1, 2])] * 3, 3)
    margins = features @ weights.T + biases
    assert margins[2, 0] > 0.5 and margins[3, 1] > 0.5  # each object is one of its class
    assert margins[0].max() < -0.5 and margins[3, 0] < -0.5 and margins[2, 1] < -0.5  # and nothing else is
    assert weights[0, 2] == 0 and weights[1, 2] < 0  # the box halfway is no example of class 1, and not one of class 2
    assert not weights[2].any() and biases[2] == -1  # the class that never occurs


def test_hard_negatives_are_found_among_many_easy_ones(rng, monkeypatch):
    monkeypatch.setattr(linear_models, "FIRST_NEGATIVES", 10)
    true = [[0, 0, 10, 10]]
    easy = rng.standard_normal((1000, 4)) * 0.1 - [1, 0, 0, 0]
    hard = np.tile([0.9, 1.0, 0, 0], (7, 1))  # nearly an object
    features = np.concatenate([easy[:501], hard, easy[501:], np.tile([1.0, 0, 0, 0], (1, 1))])
    boxes = np.concatenate([np.tile([50, 50, 60, 60], (len(features) - 1, 1)), true])
    weights, biases = fit_svms([image_of(features, boxes, true, [1])], 1)
    margins = features @ weights[0] + biases[0]
    assert margins[-1] > 0 > margins[501:508].max()


def test_boxes_are_those_of_ridge_regression(rng):
    true = np.array([[10.0, 10, 30, 30]])
    boxes = true + rng.uniform(-1.5, 1.5, (40, 4))
    features = rng.standard_normal((40, 5))
    weights, biases = fit_boxes([image_of(features, boxes, true, [2])], 3)
    from minivision.ops import encode_boxes

    targets = encode_boxes(np.repeat(true, 40, 0), boxes.astype(np.float32).astype(float))
    centered = features - features.mean(axis=0)
    rows = np.concatenate([centered, np.sqrt(linear_models.RIDGE_LAMBDA) * np.eye(5)])
    values = np.concatenate([targets - targets.mean(axis=0), np.zeros((5, 4))])
    expected, *_ = np.linalg.lstsq(rows, values, rcond=None)
    np.testing.assert_allclose(weights[1], expected.T, atol=1e-5)
    np.testing.assert_allclose(features.mean(axis=0) @ weights[1].T + biases[1], targets.mean(axis=0), atol=1e-5)
    assert not weights[[0, 2]].any() and not biases[[0, 2]].any()


def test_the_regression_is_fitted_to_boxes_near_an_object_and_moves_them_to_it(rng):
    true = np.array([[20.0, 20, 40, 40]])
    shift = rng.uniform(-3, 3, 60)
    near = true + shift[:, None] * [1, 0, 1, 0]
    far = true + [200, 0, 200, 0]
    features = np.column_stack([np.append(shift, 50.0), np.ones(61)])
    weights, biases = fit_boxes([image_of(features, np.concatenate([near, far]), true, [1])], 1)
    deltas = features[:60] @ weights[0].T + biases[0]
    np.testing.assert_allclose(decode_boxes(deltas, near), np.repeat(true, 60, 0), atol=0.2)


def test_the_time_of_fitting_is_estimated_about_right(rng, monkeypatch):
    """Each row of an SVM's examples costs a second on this clock; every mined round adds as many as may be added."""
    clock = [0.0]
    monkeypatch.setattr(linear_models.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(linear_models, "FIRST_NEGATIVES", 30)
    monkeypatch.setattr(linear_models, "MAX_ADDED_NEGATIVES", 50)

    def fit(features, targets):
        clock[0] += len(features)
        return rng.normal(size=features.shape[1]), 100.0  # all negatives are hard, each time others the hardest

    monkeypatch.setattr(linear_models, "fit_svm", fit)
    boxes = np.array([[x, 0, x + 5, 5] for x in range(0, 20000, 10)] + [[0, 20, 10, 30], [20, 20, 30, 30]], np.float32)
    features = rng.normal(size=(len(boxes), 6))
    images = [(features, boxes, Instances(boxes[-2:], [1, 2]))]
    linear_models.fit_svms(images, 2)
    took, clock[0] = clock[0], 0.0
    assert linear_models.fit_svms_seconds(features[:50], 1, 2) == pytest.approx(took, rel=0.05)
