"""The picture of precision over recall shows the curves and the figures of the result it is given."""

import numpy as np
import pytest
from PIL import Image

from minivision.data.instances import Instances
from minivision.metrics import average_precision
from minivision.viz import draw_precision_recall

BOX, FAR = [10, 10, 50, 50], [60, 60, 90, 90]


def result_of(count, protocol="coco"):
    """Return a result in which class k is found k times out of ``count``."""
    classes = ["background", *(f"class {k}" for k in range(count)), "never seen"]
    labels = np.arange(1, count + 1)
    truths = [Instances([BOX] * count, labels)] * count
    predictions = [
        Instances([BOX if k > i else FAR for k in range(count)], labels, scores=np.full(count, (i + 1) / count))
        for i in range(count)
    ]
    return average_precision(truths, predictions, classes, protocol=protocol)


def texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.texts]


def test_lines_are_the_curves_and_the_legend_says_their_average_precision(tmp_path):
    result = result_of(4)
    figure = draw_precision_recall(result)
    (axis,) = figure.axes
    raw, interpolated = axis.lines[-2:]  # class 3: a false one, then three found
    np.testing.assert_allclose(raw.get_xdata(), [0, 1 / 4, 2 / 4, 3 / 4])
    np.testing.assert_allclose(raw.get_ydata(), [0, 1 / 2, 2 / 3, 3 / 4])
    np.testing.assert_allclose(interpolated.get_xdata(), [0, 0, 1 / 4, 2 / 4, 3 / 4, 3 / 4])
    np.testing.assert_allclose(interpolated.get_ydata(), [3 / 4] * 5 + [0])
    shown = texts(figure)
    assert shown == [f"class {k}  {result.by_class[f'class {k}']['AP50']:.3f}" for k in range(4)]
    assert axis.get_title("left") == f"AP50 (COCO, 101 points, boxes), mean over classes {result.metrics['AP50']:.3f}"
    figure.savefig(tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").width > 500


def test_a_threshold_and_classes_may_be_chosen():
    figure = draw_precision_recall(result_of(4), iou=0.75, classes=["class 2"])
    assert figure.axes[0].get_title("left").startswith("AP75 (COCO") and len(texts(figure)) == 1
    with pytest.raises(ValueError, match="expected a threshold of the evaluation .*0.75"):
        draw_precision_recall(result_of(2), iou=0.3)
    with pytest.raises(ValueError, match="no curve for 'never seen'"):
        draw_precision_recall(result_of(2), classes=["never seen"])


def test_of_many_classes_the_best_and_the_worst_are_drawn():
    figure = draw_precision_recall(result_of(15, "voc"))
    assert [text.split("  ")[0] for text in texts(figure)] == [
        f"class {k}" for k in (14, 13, 12, 11, 10, 9, *range(5, -1, -1))
    ]
    assert figure.legends[0].get_title().get_text() == "12 of 15 classes"


def test_nothing_to_be_found_is_said():
    empty = average_precision([], [], ["background", "cat"], protocol="voc11")
    figure = draw_precision_recall(empty)
    assert figure.axes[0].get_title("left") == "VOC, 11 points, boxes: there is nothing to be found"
    truth, nothing = Instances([BOX], [1]), Instances.empty()
    draw_precision_recall(average_precision([truth], [nothing], ["background", "cat"]))
