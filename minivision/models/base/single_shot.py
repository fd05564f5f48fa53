"""What detectors without proposals share: every place of a grid says its boxes and scores, and the best are kept."""

import numpy as np

from minivision import ops
from minivision.core.devices import on_host
from minivision.data.instances import Instances
from minivision.detection import select_detections
from minivision.models.base.detector import Detector


class SingleShot(Detector):
    """One pass of one network, then non-maximum suppression.

    A subclass gives ``forward``, ``losses``, ``backward`` and :meth:`read`.

    Attributes
    ----------
    score_threshold, iou_threshold : float
        As of :func:`minivision.detection.select_detections`.
    candidates : int
        Scores of an image that go into the suppression, at most: the best. Further ones would cost time and bring
        nothing.
    """

    score_threshold = 0.01
    iou_threshold = 0.5
    candidates = 400

    def __init__(self, classes, **options):
        super().__init__(classes, **options)
        if len(classes) < 2:
            raise ValueError(f"classes: expected the background and at least one class, got {tuple(classes)}")

    def read(self, outputs, size):
        """Return what the outputs of the network say.

        Parameters
        ----------
        outputs : what ``forward`` returned, on the host
        size : (int, int)
            Height and width of the images.

        Returns
        -------
        boxes : (N, K, 4) array
            In pixels.
        scores : (N, K, C) array
            For each class but the background.
        """
        raise NotImplementedError(f"{self.name} cannot read its outputs yet")

    def detect(self, images, size):
        boxes, scores = self.read(on_host(self.forward(self.normalize(images))), images.shape[1:3])
        found = []
        for its_boxes, its_scores in zip(boxes, scores, strict=True):
            threshold = _threshold_that_leaves(self.candidates, its_scores, self.score_threshold)
            found.append(
                select_detections(
                    its_boxes, its_scores, size, score_threshold=threshold, iou_threshold=self.iou_threshold
                )
            )
        return found

    def check_size(self, images):
        """Raise ValueError unless height and width of images ``(N, 3, H, W)`` divide by the stride."""
        height, width = images.shape[2:]
        if height % self.stride or width % self.stride:
            raise ValueError(
                f"{self.name}: images of {height} x {width} do not divide into cells of {self.stride} x {self.stride} "
                f"pixels; bring them to such a size, or train on crops of one"
            )


def _threshold_that_leaves(most, scores, threshold):
    """Return `threshold`, or one so much higher that no more than `most` scores lie above it."""
    above = scores[scores > threshold]
    rank = above.size - most - 1  # counted from the lowest
    return threshold if rank < 0 else np.partition(above, rank)[rank]


def within(instances, size):
    """Return instances with boxes cut off at the image's border; objects without area, which none can find, go.

    Parameters
    ----------
    instances : Instances
    size : (int, int)
        Height and width of the image.
    """
    height, width = size
    boxes = np.clip(instances.boxes, 0, (width, height, width, height))
    solid = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return Instances(boxes[solid], instances.labels[solid], crowd=instances.crowd[solid])


def box_sizes(dataset):
    """Return widths and heights ``(K, 2)`` of all objects of a dataset that have an area.

    Raises
    ------
    ValueError
        When there is none.
    """
    kept = [within(sample.instances, sample.image.shape[:2]) for sample in dataset]
    boxes = np.concatenate([np.zeros((0, 4)), *(instances.boxes[~instances.crowd] for instances in kept)])
    if len(boxes) == 0:
        raise ValueError("the dataset holds no objects, so there is nothing to choose the sizes of boxes by")
    return boxes[:, 2:] - boxes[:, :2]


def softmax(scores):
    """Turn scores along the last axis into probabilities."""
    N, C = len(scores), scores.shape[-1]
    planes = scores.reshape(N, -1, C).transpose(0, 2, 1)[..., None]  # (N, ..., C) -> (N, C, L, 1)
    return ops.softmax(planes)[..., 0].transpose(0, 2, 1).reshape(scores.shape)


def cells_inside(boxes, S, size):
    """Return which cells of a grid have their centre in one of the boxes.

    Parameters
    ----------
    boxes : (K, 4) array
    S : (int, int)
        Rows and columns of the grid.
    size : (int, int)
        Height and width of the image.

    Returns
    -------
    (S, S) bool array
    """
    x = (np.arange(S[1]) + 0.5) * (size[1] / S[1])
    y = (np.arange(S[0])[:, None] + 0.5) * (size[0] / S[0])
    covered = np.zeros(S, bool)
    for x1, y1, x2, y2 in boxes:
        covered |= (x > x1) & (x < x2) & (y > y1) & (y < y2)
    return covered
