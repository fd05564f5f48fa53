"""R-CNN: regions with CNN features, trained as its paper trains it, in three steps that know nothing of each other.

::

    image ─ selective search ─ proposals ─ warp each to a square ─ network ─ features ─┬─ an SVM for each class
                                                                                       └─ a better box

    1. fine-tune    the network learns to classify warped proposals     softmax loss        :meth:`RCNN.step`
    2. SVMs         a linear classifier for each class on its features  hinge loss          :meth:`RCNN.finish`
    3. boxes        a linear regression for each class                  least squares       :meth:`RCNN.finish`

Every proposal goes through the network by itself, and the features of the training images have to be kept for steps
2 and 3: this is why it is slow, and why it filled disks.

References
----------
Girshick, Donahue, Darrell and Malik, "Rich feature hierarchies for accurate object detection and semantic
segmentation", CVPR 2014; thresholds and constants from its sections 2.3 and 3.5 and its appendices A to C.
"""

import numpy as np

from minivision import ops
from minivision.core.devices import on_host, to_device_of
from minivision.detection import match_instances, sample, select_detections
from minivision.layers import Flatten, Linear, ReLU, Sequential
from minivision.models.base.proposal_detector import ProposalDetector
from minivision.models.parts.backbone import Backbone
from minivision.models.parts.linear_models import fit_boxes, fit_svms
from minivision.models.parts.roi_head import rois_of

CONTEXT = 16 / 227  # of the square that shows what is around the box, on each side
FOUND, POSITIVE = 0.5, 0.25  # fine-tuning: IoU with an object from which a proposal is one; their part, at most
NMS = 0.3
WARPED_TOGETHER = 256  # proposals that go through the network at once in prediction


class RCNN(ProposalDetector):
    """Objects among the proposals of selective search, each looked at by itself.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    mode : str
        Of selective search: ``"single"``, ``"fast"`` or ``"quality"``.
    proposals : int
        How many of an image are looked at in prediction, at most; 2000 in the paper.
    sampled : int
        Proposals of each image that a training step looks at. The paper's step has 128 in all.
    svm_images : int
        Training images, at most, whose features the SVMs and the regression are fitted to.
    side : int
        Of the square that proposals are warped to, in pixels.
    hidden : int
        Features of a proposal.
    widths, depths : sequence of int
        Of the :class:`Backbone`.
    rng : numpy.random.Generator

    Attributes
    ----------
    svm_weights, svm_biases : arrays, (classes - 1, hidden) and (classes - 1,)
        Zero before :meth:`finish`; the classifier's own scores are used then.
    box_weights, box_biases : arrays, (classes - 1, 4, hidden) and (classes - 1, 4)
    feature_scale : array, (1,)
        What features are divided by, so that their mean length is 1.
    """

    name = "rcnn"
    recipe = {"batch_size": 8, "rate": 2e-3, "weight_decay": 0.05, "flips": True, "minutes": 6}
    OPTIONS = {
        **ProposalDetector.OPTIONS,
        "sampled": {"default": 16, "help": "proposals of each image that a training step looks at"},
        "svm_images": {"default": 1000, "help": "training images that the SVMs are fitted to"},
    }
    buffers = ("svm_weights", "svm_biases", "box_weights", "box_biases", "feature_scale")

    def __init__(
        self, classes, *, mode="fast", proposals=2000,
        sampled=16, svm_images=1000, side=32, hidden=128, widths=(16, 32, 64),
        depths=(0, 1, 2), rng=None,
    ):  # fmt: skip
        options = {"sampled": sampled, "svm_images": svm_images, "side": side, "hidden": hidden}
        super().__init__(classes, mode=mode, proposals=proposals, widths=tuple(widths), depths=tuple(depths), **options)
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.sampled, self.svm_images, self.side = sampled, svm_images, side
        self.backbone = Backbone(widths, depths, rng=self.rng)
        if side % self.backbone.stride:
            raise ValueError(f"side: expected a multiple of the backbone's stride {self.backbone.stride}, got {side}")
        cells = (side // self.backbone.stride) ** 2
        self.fc = Sequential(Flatten(), Linear(self.backbone.channels * cells, hidden, rng=self.rng), ReLU())
        self.classifier = Linear(hidden, len(self.classes), rng=self.rng)
        self.classifier.w.value *= 0.1  # begin undecided
        objects = len(self.classes) - 1
        self.svm_weights, self.svm_biases = np.zeros((objects, hidden), np.float32), np.zeros(objects, np.float32)
        self.box_weights = np.zeros((objects, 4, hidden), np.float32)
        self.box_biases = np.zeros((objects, 4), np.float32)
        self.feature_scale = np.ones(1, np.float32)

    def warp(self, images, rois):
        """Cut each region out of the normalised images and bring it to a square, with what is around it."""
        x1, y1, x2, y2 = rois[:, 1:].T
        margin = CONTEXT / (1 - 2 * CONTEXT)  # in sides of the box
        wide, high = margin * (x2 - x1), margin * (y2 - y1)
        around = np.column_stack([rois[:, 0], x1 - wide, y1 - high, x2 + wide, y2 + high])
        return ops.crop_and_resize(images, to_device_of(around.astype(rois.dtype), images), self.side)

    def forward(self, regions, training=False):
        """Return features ``(K, hidden)`` and class scores ``(K, classes)`` of regions ``(K, 3, side, side)``."""
        features = self.fc(self.backbone(regions, training), training)
        return features, self.classifier(features, training)

    # ---- 1. fine-tuning ----------------------------------------------------------------------------------------

    def step(self, batch):
        """Train the network to classify a sample of the batch's proposals; return the loss by name."""
        self.zero_gradients()
        rois, labels = self.sample(batch)
        if not len(rois):  # no proposals and no objects in any image
            return {"class": 0.0}
        outputs = self.forward(self.warp(self.normalize(batch.images), rois), training=True)
        losses, gradients = self.losses(outputs, labels)
        self.backward(gradients)
        return losses

    def sample(self, batch):
        """Draw proposals of each image, a quarter of them objects if there are as many; return rois and labels."""
        boxes, labels = [], []
        for proposals, instances in zip(self.proposals_of(batch), batch.instances, strict=True):
            candidates = np.concatenate([proposals, instances.boxes], dtype=np.float32)
            matches = match_instances(
                candidates, instances, fg_iou_thresh=FOUND, bg_iou_thresh=FOUND, allow_low_quality_matches=False
            )
            positive, negative = sample(matches, self.sampled, POSITIVE, self.rng)
            boxes.append(candidates[np.concatenate([positive, negative])])
            labels += [instances.labels[matches[positive]], np.zeros(len(negative), np.int64)]
        return rois_of(boxes), np.concatenate(labels)

    def losses(self, outputs, labels):
        """Return the softmax loss of the regions' classes, and its gradient."""
        _, scores = outputs
        loss, gradient = ops.softmax_cross_entropy(scores, to_device_of(labels, scores))
        return {"class": loss}, gradient

    def backward(self, gradient):
        """Walk back from the scores; the images themselves need no gradient."""
        self.backbone.backward(self.fc.backward(self.classifier.backward(gradient)))

    # ---- 2. and 3.: on features that do not change any more -----------------------------------------------------

    def finish(self, dataset):
        """Fit the SVMs and the regression to the features of proposals and true boxes."""
        chosen = self.rng.permutation(len(dataset))[: self.svm_images]
        images = [self._with_features(dataset[int(index)]) for index in chosen]
        features = np.concatenate([each for each, _, _ in images])
        scale = self.dtype.type(np.linalg.norm(features, axis=1).mean() or 1)
        images = [(each / scale, boxes, instances) for each, boxes, instances in images]
        size = sum(each.nbytes for each, _, _ in images) / 2**20
        print(f"Fitting SVMs and boxes to the features of {len(features)} boxes in {len(images)} images, {size:.0f} MB")
        objects = len(self.classes) - 1
        fitted = *fit_svms(images, objects), *fit_boxes(images, objects), scale
        for name, array in zip(self.buffers, fitted, strict=True):
            kept = getattr(self, name)
            kept[...] = to_device_of(array, kept)

    def _with_features(self, sample):
        """Return the features of a sample's proposals and, behind them, of its true boxes; the boxes; the objects."""
        boxes = np.concatenate([sample.proposals, sample.instances.boxes], dtype=np.float32)
        features, _ = self.describe(sample.image[None], rois_of([boxes]))
        return features, boxes, sample.instances

    # ---- prediction --------------------------------------------------------------------------------------------

    def describe(self, images, rois):
        """Return features and class scores of regions of uint8 images, warped some at a time; both on the host."""
        x = self.normalize(images)
        features = np.empty((len(rois), self.fc.layers[1].b.value.size), self.dtype)
        scores = np.empty((len(rois), len(self.classes)), self.dtype)
        for start in range(0, len(rois), WARPED_TOGETHER):
            some = slice(start, start + WARPED_TOGETHER)
            features[some], scores[some] = map(on_host, self.forward(self.warp(x, rois[some])))
        return features, scores

    def detect_in(self, images, proposals, size):
        """Return the objects in a batch of images; see :class:`ProposalDetector`.

        Scores are the sigmoid of the SVMs' margins, which keeps their order and lies between 0 and 1.
        """
        rois = rois_of(proposals)
        features, scores = self.describe(images, rois)
        svm_weights, svm_biases, box_weights, box_biases, scale = (
            on_host(getattr(self, name)) for name in self.buffers
        )
        features /= scale
        if svm_weights.any():
            chances = ops.sigmoid(features @ svm_weights.T + svm_biases)
        else:
            chances = ops.softmax(scores)[:, 1:]
        deltas = np.einsum("kd,cjd->kcj", features, box_weights) + box_biases
        boxes = ops.decode_boxes(deltas, rois[:, None, 1:])  # (K, classes - 1, 4)
        of_image = [np.flatnonzero(rois[:, 0] == n) for n in range(len(images))]
        return [select_detections(boxes[rows], chances[rows], size, iou_threshold=NMS) for rows in of_image]
