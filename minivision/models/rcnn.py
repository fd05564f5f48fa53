"""R-CNN: regions with CNN features, trained as in its paper, in three separate steps.

::

    image ─ selective search ─ proposals ─ warp each to a square ─ network ─ features ─┬─ an SVM for each class
                                                                                       └─ a better box

    1. fine-tune    the network learns to classify warped proposals     softmax loss        :meth:`RCNN.step`
    2. SVMs         a linear classifier for each class on its features  hinge loss          :meth:`RCNN.finish`
    3. boxes        a linear regression for each class                  least squares       :meth:`RCNN.finish`

Every proposal goes through the network by itself, and the features of the training images have to be kept for steps
2 and 3: this is why it is slow, and why it needs a lot of memory.

References
----------
Girshick, Donahue, Darrell and Malik, "Rich feature hierarchies for accurate object detection and semantic
segmentation", CVPR 2014; thresholds and constants from its sections 2.3 and 3.5 and its appendices A to C.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.core.ranks import current_ranks, generators_of_images, share_of_mean
from minivision.core.types import Array
from minivision.detection import match_instances, sample, select_detections
from minivision.detection.postprocessing import SELECTION
from minivision.layers import Flatten, Linear, ReLU, Sequential
from minivision.layers.watching import named_layers
from minivision.models.base.detection_trace import DetectionTrace
from minivision.models.base.model import logger
from minivision.models.base.proposal_detector import ProposalDetector, whole_images
from minivision.models.parts.backbone import Backbone
from minivision.models.parts.linear_models import fit_boxes, fit_svms, fit_svms_seconds
from minivision.models.parts.roi_head import rois_of

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset
    from minivision.data.instances import Instances

CONTEXT = 16 / 227  # margin around the box on each side, as a fraction of the side of the warped square
# Fine-tuning: the IoU with an object from which a proposal is a positive example, and their largest fraction.
FG_IOU_THRESH, POSITIVE_FRACTION = 0.5, 0.25
NMS_THRESH = 0.3
TIMED_IMAGES = 8  # whose features are timed, to estimate how long those of all images will take
PREDICTION_BATCH_SIZE = 256  # proposals that go through the network at once in prediction


class RCNNOutputs(NamedTuple):
    """Outputs for K regions of a batch.

    Attributes
    ----------
    features : ndarray of shape (K, hidden)
    scores : ndarray of shape (K, classes)
        Class scores, the background first.
    labels : int64 ndarray of shape (K,) or None
        The true classes, where the regions were sampled from a batch.
    """

    features: Array
    scores: Array
    labels: Array | None


class RCNN(ProposalDetector):
    """The first region-based CNN: image and proposals -> boxes, classes and scores of the objects.

    Its parts, in order: `backbone` and `fc` (features of a warped region), `classifier` (class scores), and behind
    them the SVMs and the box regression, which are fitted after training.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    mode : str
        Mode of selective search: ``"single"``, ``"fast"`` or ``"quality"``.
    max_proposals : int
        Largest number of proposals per image in prediction; 2000 in the paper.
    batch_size_per_image : int
        Proposals of each image in a training step. The paper's step has 128 in all.
    svm_images : int
        Largest number of training images that SVMs and box regression are fitted to.
    side : int
        Side of the square that proposals are warped to, in pixels.
    hidden : int
        Number of features of a proposal.
    widths, depths : sequence of int
        Channels and residual blocks of the :class:`Backbone`.
    rng : numpy.random.Generator

    Attributes
    ----------
    svm_weights, svm_biases : ndarray of shape (classes - 1, hidden) and (classes - 1,)
        Zero before :meth:`finish`; until then the scores are those of the classifier.
    box_weights, box_biases : ndarray of shape (classes - 1, 4, hidden) and (classes - 1, 4)
    feature_scale : ndarray of shape (1,)
        Mean length of the features, by which they are divided.

    References
    ----------
    Girshick, Donahue, Darrell and Malik, "Rich feature hierarchies ...", CVPR 2014.
    """

    name = "rcnn"
    recipe = {"batch_size": 8, "rate": 2e-3, "weight_decay": 0.05, "flips": True, "minutes": 6}
    OPTIONS = {
        **ProposalDetector.OPTIONS,
        "batch_size_per_image": {"default": 16, "help": "proposals of each image in a training step"},
        "svm_images": {"default": 1000, "help": "training images that the SVMs are fitted to"},
    }
    buffers = ("svm_weights", "svm_biases", "box_weights", "box_biases", "feature_scale")

    def __init__(
        self,
        classes: Sequence[str],
        *,
        mode: str = "fast",
        max_proposals: int = 2000,
        batch_size_per_image: int = 16,
        svm_images: int = 1000,
        side: int = 32,
        hidden: int = 128,
        widths: Sequence[int] = (16, 32, 64),
        depths: Sequence[int] = (0, 1, 2),
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            classes,
            mode=mode,
            max_proposals=max_proposals,
            batch_size_per_image=batch_size_per_image,
            svm_images=svm_images,
            side=side,
            hidden=hidden,
            widths=tuple(widths),
            depths=tuple(depths),
        )
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.batch_size_per_image, self.svm_images, self.side = batch_size_per_image, svm_images, side
        self.backbone = Backbone(widths, depths, rng=self.rng)
        if side % self.backbone.stride:
            raise ValueError(f"side: expected a multiple of the backbone's stride {self.backbone.stride}, got {side}")
        cells = (side // self.backbone.stride) ** 2
        self.fc = Sequential(Flatten(), Linear(self.backbone.channels * cells, hidden, rng=self.rng), ReLU())
        self.classifier = Linear(hidden, len(self.classes), rng=self.rng)
        self.classifier.w.value *= 0.1  # all classes begin with about the same score
        objects = len(self.classes) - 1
        self.svm_weights, self.svm_biases = np.zeros((objects, hidden), np.float32), np.zeros(objects, np.float32)
        self.box_weights = np.zeros((objects, 4, hidden), np.float32)
        self.box_biases = np.zeros((objects, 4), np.float32)
        self.feature_scale = np.ones(1, np.float32)

    def warp(self, images: Array, rois: Array) -> Array:
        """Crop each region with its context out of normalized images, and warp it to a square."""
        x1, y1, x2, y2 = rois[:, 1:].T
        margin = CONTEXT / (1 - 2 * CONTEXT)  # in sides of the box
        margin_x, margin_y = margin * (x2 - x1), margin * (y2 - y1)
        with_context = np.column_stack([rois[:, 0], x1 - margin_x, y1 - margin_y, x2 + margin_x, y2 + margin_y])
        return ops.crop_and_resize(images, to_device_of(with_context.astype(rois.dtype), images), self.side)

    def classify(self, regions: Array, training: bool = False) -> tuple[Array, Array]:
        """Return features ``(K, hidden)`` and class scores ``(K, classes)`` of regions ``(K, 3, side, side)``."""
        features = self.fc(self.backbone(regions, training), training)
        return features, self.classifier(features, training)

    # ---- 1. fine-tuning ----------------------------------------------------------------------------------------

    def forward(
        self, images: Array, training: bool = False, batch: Batch | None = None, *, rois: Array | None = None
    ) -> RCNNOutputs:
        """Warp regions of the images, and compute their features and class scores.

        Parameters
        ----------
        images : ndarray of shape (N, 3, H, W)
        training : bool
            Whether to keep what :meth:`backward` needs.
        batch : Batch, optional
            Ground truth and proposals. With it the regions are a sample of the proposals, returned with their labels.
        rois : ndarray of shape (K, 5), optional
            The regions, where there is no batch; by default the whole images.

        Returns
        -------
        RCNNOutputs
        """
        labels = None
        if batch is not None:
            rois, labels = self.sample(batch)
        rois = whole_images(images) if rois is None else rois
        if not self._has_regions(rois, training):  # no proposals and no objects in any image
            empty = to_device_of(np.zeros((0, len(self.classes)), self.dtype), images)
            return RCNNOutputs(empty[:, :0], empty, labels)
        return RCNNOutputs(*self.classify(self.warp(images, rois), training), labels)

    def _has_regions(self, rois, training):
        """Return whether there are regions; where ranks normalize together, whether some rank has any."""
        if training and any(getattr(layer, "synchronized", False) for _, layer in named_layers(self.backbone)):
            return current_ranks().any(len(rois) > 0)
        return len(rois) > 0

    def sample(self, batch: Batch) -> tuple[Array, Array]:
        """Sample proposals of each image, a quarter of them positive if there are as many.

        Returns
        -------
        rois : ndarray of shape (K, 5)
        labels : int64 ndarray of shape (K,)
        """
        boxes, labels = [], []
        generators = generators_of_images(self.rng, len(batch.instances))
        for proposals, instances, rng in zip(self.proposals_of(batch), batch.instances, generators, strict=True):
            candidates = np.concatenate([proposals, instances.boxes], dtype=np.float32)
            matches = match_instances(
                candidates,
                instances,
                fg_iou_thresh=FG_IOU_THRESH,
                bg_iou_thresh=FG_IOU_THRESH,
                allow_low_quality_matches=False,
            )
            positive, negative = sample(matches, self.batch_size_per_image, POSITIVE_FRACTION, rng)
            boxes.append(candidates[np.concatenate([positive, negative])])
            labels += [instances.labels[matches[positive]], np.zeros(len(negative), np.int64)]
        return rois_of(boxes), np.concatenate(labels)

    def losses(self, outputs: RCNNOutputs, batch: Batch) -> tuple[dict[str, Any], Array]:
        """Return the softmax loss of the classes of the sampled regions, and its gradient."""
        assert outputs.labels is not None
        loss, gradient = ops.softmax_cross_entropy(outputs.scores, to_device_of(outputs.labels, outputs.scores))
        loss, gradient = share_of_mean(len(outputs.labels), loss, gradient)
        return {"class": loss}, gradient

    def backward(self, dscores: Array) -> None:
        """Backpropagate from the scores to the first layer; the images need no gradient."""
        if self.classifier.remembered():  # there were regions
            self.backbone.backward(self.fc.backward(self.classifier.backward(dscores)))

    # ---- 2. and 3.: on features that do not change any more -----------------------------------------------------

    def finish(self, dataset: Dataset) -> None:
        """Fit the SVMs and the box regression to the features of proposals and true boxes."""
        chosen = self.rng.permutation(len(dataset))[: self.svm_images]
        images = [self._with_features(dataset[int(index)]) for index in chosen]
        features = np.concatenate([each for each, _, _ in images])
        scale = features.dtype.type(np.linalg.norm(features, axis=1).mean() or 1)
        images = [(each / scale, boxes, instances) for each, boxes, instances in images]
        size = sum(each.nbytes for each, _, _ in images) / 2**20
        logger.info(
            "Fitting SVMs and boxes to the features of %d boxes in %d images, %.0f MB", len(features), len(images), size
        )
        objects = len(self.classes) - 1
        fitted = *fit_svms(images, objects), *fit_boxes(images, objects), scale
        for name, array in zip(self.buffers, fitted, strict=True):
            buffer = getattr(self, name)
            buffer[...] = to_device_of(array, buffer)

    def finish_seconds(self, dataset: Dataset) -> float:
        """Estimate how long :meth:`finish` will take, from the features of a few images and the fitting of one SVM."""
        count = min(self.svm_images, len(dataset))
        few = [dataset[int(index)] for index in np.linspace(0, len(dataset) - 1, min(count, TIMED_IMAGES))]
        self._with_features(few[0])  # compiles, if that has not been done
        start = time.perf_counter()
        timed = [self._with_features(sample)[0] for sample in few]
        of_features = (time.perf_counter() - start) / len(few) * count
        objects = sum(len(sample.instances) for sample in few) / len(few) * count / (len(self.classes) - 1)
        return of_features + fit_svms_seconds(np.concatenate(timed), int(objects), len(self.classes) - 1)

    def _with_features(self, sample):
        """Return the features of a sample's proposals and, after them, of its true boxes; the boxes; the objects."""
        boxes = np.concatenate([sample.proposals, sample.instances.boxes], dtype=np.float32)
        features, _ = self.extract_features(sample.image[None], rois_of([boxes]))
        return features, boxes, sample.instances

    def extract_features(self, images: Array, rois: Array) -> tuple[Array, Array]:
        """Return features and class scores of regions of uint8 images, warped some at a time; both on the host."""
        x = self.normalize(images)
        features = np.empty((len(rois), self.options["hidden"]), self.dtype)
        scores = np.empty((len(rois), len(self.classes)), self.dtype)
        for start in range(0, len(rois), PREDICTION_BATCH_SIZE):
            some = slice(start, start + PREDICTION_BATCH_SIZE)
            features[some], scores[some] = map(on_host, self.classify(self.warp(x, rois[some])))
        return features, scores

    # ---- prediction --------------------------------------------------------------------------------------------

    def detect_in(self, images: Array, proposals: Sequence[Array]) -> list[Instances]:
        """Return the objects in a batch of images; see :class:`ProposalDetector`.

        Scores are the sigmoid of the SVMs' margins, which keeps their order and lies between 0 and 1.
        """
        size = images.shape[1:3]
        return [
            select_detections(boxes, probabilities, size, iou_threshold=NMS_THRESH)
            for _, boxes, probabilities, _ in self._classified(images, proposals)
        ]

    def trace_in(self, images: Array, proposals: Sequence[Array]) -> list[DetectionTrace]:
        """Return how :meth:`detect_in` comes to the objects; see :class:`ProposalDetector`."""
        stages, size = self.stages_of(proposals), images.shape[1:3]
        classified = self._classified(images, [boxes for *_, (_, boxes) in stages])
        return [
            DetectionTrace(
                boxes, probabilities, background, steps, sources, size, {**SELECTION, "iou_threshold": NMS_THRESH}
            )
            for steps, (sources, boxes, probabilities, background) in zip(stages, classified, strict=True)
        ]

    def _classified(self, images, proposals):
        """Return for each image its regions, a box for each class, the classes' probabilities, and the background's.

        SVMs do not know the background: it is as probable as the best class is not.
        """
        rois = rois_of(proposals)
        features, scores = self.extract_features(images, rois)
        svm_weights, svm_biases, box_weights, box_biases, scale = (
            on_host(getattr(self, name)) for name in self.buffers
        )
        features /= scale
        if svm_weights.any():
            probabilities = ops.sigmoid(features @ svm_weights.T + svm_biases)
            background = 1 - probabilities.max(axis=1, initial=0)
        else:
            probabilities = ops.softmax(scores)
            probabilities, background = probabilities[:, 1:], probabilities[:, 0]
        deltas = np.einsum("kd,cjd->kcj", features, box_weights) + box_biases
        boxes = ops.decode_boxes(deltas, rois[:, None, 1:])  # (K, classes - 1, 4)
        of_image = [np.flatnonzero(rois[:, 0] == n) for n in range(len(images))]
        return [(rois[rows, 1:], boxes[rows], probabilities[rows], background[rows]) for rows in of_image]
