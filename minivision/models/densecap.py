"""DenseCap: Faster R-CNN that says a sentence about each object instead of naming its class.

::

              ┌─ region proposal network ─ proposals ─┐            ┌─ objectness, box
    image ─ backbone ─ features ─────────────── RoIAlign ─ code of ┼─ LSTM ─ "a red star next to a ring"
                                                          a region ┘

New is the captioner alone (``parts/captioner.py``). Five losses train one network: objectness and box of each stage,
and the words. In the backward pass the code of a region gets three gradients, and the features get two.

References
----------
Johnson, Karpathy and Fei-Fei, "DenseCap: Fully Convolutional Localization Networks for Dense Captioning", CVPR 2016.
Here RoIAlign samples bilinearly what the paper's own layer does (without a gradient of the coordinates of the boxes),
and in prediction the sentence is about the final box, as the mask of Mask R-CNN is, not about the proposal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.core.arguments import integer
from minivision.core.devices import to_device_of
from minivision.core.ranks import generators_of_images
from minivision.core.types import Array, Size
from minivision.detection import paired_iou
from minivision.models.base.model import logger
from minivision.models.faster_rcnn import FasterRCNN, FasterRCNNOutputs
from minivision.models.parts.captioner import Captioner, words_of
from minivision.models.parts.roi_head import rois_of

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset
    from minivision.data.instances import Instances

# Of the four losses of boxes and objectness; that of the words has 1. The paper has 0.1 (section 3.4).
DETECTION_WEIGHT = 0.3
# IoU with an object from which a region has its captions: that of the paper's positive regions (section 3.2, box
# sampling). Objectness and box are learned from .5 on, as in Faster R-CNN; but words fit a box with much else in it
# less: after 2,500 steps on *mid* scenes .83 of the sentences were true, otherwise .82, and a step takes less time.
CAPTION_IOU = 0.7
NOUN = 0.6  # a word stands for a class if it is said of that class in so large a share of the captions


class DenseCapOutputs(NamedTuple):
    """Outputs for a batch of images with ground truth.

    Attributes
    ----------
    faster_rcnn : FasterRCNNOutputs
        Those of both stages; the head knows only objects and background.
    positive : int64 ndarray of shape (P,)
        Which of the regions have an object to speak about.
    targets : int64 ndarray of shape (T, P)
        The words of the captions.
    words : ndarray of shape (T * P, words + 1)
        Scores of the next word.
    """

    faster_rcnn: FasterRCNNOutputs
    positive: Array
    targets: Array
    words: Array


class DenseCap(FasterRCNN):
    """Dense captioning: image -> boxes, each with a sentence.

    Its parts, in order: those of :class:`FasterRCNN`, and `captioner`.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first. The network does not learn them: an object has the class that its caption
        names.
    vocabulary : sequence of str
        The words. :meth:`prepare` takes them from the training set.
    nouns : sequence of (str, int)
        Words that stand for a class, each with its label; from the training set too.
    min_count : int
        Words of the training set that occur less often are left out.
    max_words : int
        Longest sentence.
    word_width, lstm_hidden : int
        Length of the vector of a word, and of the state of the LSTM; both 512 in the paper.
    look : {"once", "always"}
        When the captioner reads the region: before the first word, as in the paper, or with each word.
    beams : int
        Beginnings of a sentence that are continued at each step in prediction; 1 is greedy search, as in the paper.
        Of 1,034 sentences about *mid* scenes .898 were true with one, and .907 with three.
    rng : numpy.random.Generator
    hidden : int
        Length of a region's code: more than in Faster R-CNN, since more is said of it than a class.
    ratios : sequence of float
        Height by width of the anchors: squares alone, from which the box regression goes on. For objects that are far
        longer than wide, as those of photographs may be, give more.
    output_size : int
        Rows and columns of the grid that RoIAlign makes of each region. With squares and a grid of 5 x 5 a step on
        *mid* scenes takes an eighth less time than with Faster R-CNN's anchors and grid, and after 2,500 steps .85 of
        the sentences were true instead of .84.
    **options
        Arguments of :class:`FasterRCNN`.

    Attributes
    ----------
    min_features : int
        4 along the smallest anchor, where the training set chooses the stride. Of an object that is partly hidden, few
        features have its color and shape.

    References
    ----------
    Johnson, Karpathy and Fei-Fei, "DenseCap", CVPR 2016.
    """

    name = "densecap"
    task = "captioning"
    min_features = 4
    recipe = {**FasterRCNN.recipe, "minutes": 8, "flips": False}
    scene_options = {"captions": True}
    OPTIONS = {
        **FasterRCNN.OPTIONS,
        "stride": {
            **FasterRCNN.OPTIONS["stride"],
            "help": "pixels from one feature to the next: 4, 8 or 16; auto: at most a quarter of the smallest anchor",
        },
        "ratios": {**FasterRCNN.OPTIONS["ratios"], "default": (1.0,)},
        "min_count": {"default": 1, "help": "words of the training set that occur less often are left out"},
        "max_words": {"default": 15, "help": "longest sentence"},
        "look": {
            "default": "once",
            "choices": ("once", "always"),
            "help": "when the captioner reads the region: before the first word, as in the paper, or with each word",
        },
        "beams": {"default": 3, "help": "beginnings of a sentence that are continued at each step; 1: greedy search"},
    }

    def __init__(
        self,
        classes: Sequence[str],
        *,
        vocabulary: Sequence[str] = (),
        nouns: Sequence[tuple[str, int]] = (),
        min_count: int = 1,
        max_words: int = 15,
        word_width: int = 64,
        lstm_hidden: int = 128,
        look: str = "once",
        beams: int = 3,
        hidden: int = 256,
        ratios: Sequence[float] = (1.0,),
        output_size: int = 5,
        rng: np.random.Generator | None = None,
        **options: Any,
    ) -> None:
        if look not in ("once", "always"):
            raise ValueError(f"look: expected 'once' or 'always', got {look!r}")
        super().__init__(classes, hidden=hidden, ratios=ratios, output_size=output_size, rng=rng, **options)
        self.options.update(
            vocabulary=tuple(vocabulary),
            nouns=tuple((word, int(label)) for word, label in nouns),
            min_count=integer("min_count", min_count, minimum=1),
            max_words=integer("max_words", max_words, minimum=1),
            word_width=integer("word_width", word_width, minimum=1),
            lstm_hidden=integer("lstm_hidden", lstm_hidden, minimum=1),
            look=look,
            beams=integer("beams", beams, minimum=1),
        )
        self._build_captioner()

    @property
    def detected_classes(self) -> tuple[str, ...]:
        """An object, or background: what it is the caption says."""
        return ("background", "object")

    def as_detected(self, objects: Instances) -> Instances:
        """Return the objects as objects, whatever their class."""
        return objects.replace(labels=np.ones_like(objects.labels))

    def _build_captioner(self):
        """Make the captioner, for as many words as are known; without any it can say nothing, and is replaced later."""
        options = self.options
        self.captioner: Captioner = Captioner(
            options["hidden"],
            options["vocabulary"],
            width=options["word_width"],
            hidden=options["lstm_hidden"],
            max_words=options["max_words"],
            look=options["look"],
            rng=self.rng,
        )

    def prepare(self, dataset: Dataset) -> None:
        """Collect the words of the training set, then choose anchors and stride as Faster R-CNN does."""
        device = self.device
        if not self.options["vocabulary"]:
            words, nouns = _words_of(dataset, self.options["min_count"])
            self.options.update(vocabulary=words, nouns=nouns)
            self._build_captioner()
            logger.info("Vocabulary: %d words, of which %d stand for a class", len(words), len(nouns))
        super().prepare(dataset)
        self.to(device)

    def forward(
        self, images: Array, training: bool = False, batch: Batch | None = None, *, size: Size | None = None
    ) -> Any:
        """Run both stages of Faster R-CNN, and with ground truth the captioner on the regions that have an object.

        Returns
        -------
        DenseCapOutputs, or FasterRCNNOutputs without `batch`
        """
        if batch is None:
            return super().forward(images, training, size=size)
        truths = [self.as_detected(each) for each in batch.instances]
        outputs = self._look_for_regions(images, training, batch._replace(instances=truths), size)
        regions = outputs.regions
        codes = self.head.encode(outputs.features, regions.rois, training)
        outputs = outputs._replace(head=self.head.read(codes, training))
        positive = _with_captions(regions, batch.instances)
        generators = generators_of_images(self.rng, len(batch.instances))
        of_regions = [generators[int(n)] for n in regions.rois[positive, 0]]
        inputs, targets = self.captioner.sample(_captions_of(regions, positive, batch.instances), of_regions)
        words = self.captioner.forward(codes[to_device_of(positive, codes)], inputs, training)
        return DenseCapOutputs(outputs, positive, targets, words)

    def losses(self, outputs: Any, batch: Batch) -> tuple[dict[str, Any], Any]:
        """Return the five losses, and the gradients of the outputs of both stages and of the captioner."""
        losses, gradients = super().losses(outputs.faster_rcnn, batch)
        losses["object"] = losses.pop("class")
        losses = {name: DETECTION_WEIGHT * loss for name, loss in losses.items()}
        rpn_gradients, head_gradients = (tuple(DETECTION_WEIGHT * each for each in pair) for pair in gradients)
        caption_losses, dwords = self.captioner.losses(outputs.words, outputs.targets)
        return {**losses, **caption_losses}, (rpn_gradients, head_gradients, dwords, outputs.positive)

    def backward(self, gradients: Any) -> None:
        """Backpropagate through all branches, and add their gradients where they meet."""
        rpn_gradients, head_gradients, dwords, positive = gradients
        dcodes = self.head.read_backward(head_gradients)  # the sum of two: objectness and box
        dcodes[to_device_of(positive, dcodes)] += self.captioner.backward(dwords)  # a region is also spoken about
        dfeatures = self.head.encode_backward(dcodes)
        dfeatures += self.rpn.backward(rpn_gradients)  # the two losses of the proposals
        self.backbone.backward(dfeatures)

    # ---- prediction --------------------------------------------------------------------------------------------

    def detect(self, images: Array) -> list[Instances]:
        """Return the objects in a batch of images with a caption each; see :meth:`Detector.detect`."""
        size = images.shape[1:3]
        outputs = self.forward(self.normalize(images), size=size)
        found = self.head.detect(outputs.head, outputs.rois, len(images), size)
        return self._describe(outputs.features, found)

    def describe(self, images: Sequence[Array], boxes: Sequence[Array], beams: int | None = None) -> list[Instances]:
        """Return the captions of given boxes, such as the true ones: what is said if detection is perfect.

        Parameters
        ----------
        images : sequence of uint8 ndarray of shape (H, W, 3)
        boxes : sequence of ndarray of shape (K, 4)
            For each image.
        beams : int, optional
            By default as in prediction.

        Returns
        -------
        list of Instances
            With these boxes, captions, and the probability of each caption as its score.
        """
        from minivision.data.instances import Instances

        def describe(batch, parts):
            features = self.backbone(self.normalize(batch))
            return self._describe(
                features, [Instances(each, np.ones(len(each), np.int64)) for each in parts], beams=beams
            )

        return self.map_batches(images, describe, [np.asarray(each, np.float32).reshape(-1, 4) for each in boxes])

    def _describe(self, features, found, beams=None):
        """Return objects with a caption of what is in their boxes, and with the class that it names."""
        codes = self.head.encode(features, rois_of([each.boxes for each in found]))
        sentences = iter(self.captioner.write(codes, beams or self.options["beams"]))
        described = []
        for each in found:
            captions, chances = (
                zip(*(next(sentences) for _ in range(len(each))), strict=True) if len(each) else ((), ())
            )
            labels = np.array([self.label_of(caption) for caption in captions], np.int64)
            scores = np.exp(np.array(chances)) if each.scores is None else each.scores
            described.append(each.replace(labels=labels, captions=captions, scores=scores))
        return described

    def label_of(self, caption: str) -> int:
        """Return the label of the class that a caption names first; 1 if it names none."""
        nouns = dict(self.options["nouns"])
        return next((nouns[word] for word in words_of(caption) if word in nouns), 1)


def _with_captions(regions, instances):
    """Return the indices of the regions that lie well enough on their object."""
    positive = np.flatnonzero(regions.labels)
    images = regions.rois[positive, 0].astype(int).tolist()
    objects = regions.objects[positive].tolist()
    boxes = np.array([instances[n].boxes[k] for n, k in zip(images, objects, strict=True)], np.float32).reshape(-1, 4)
    return positive[paired_iou(regions.rois[positive, 1:], boxes) >= CAPTION_IOU]


def _captions_of(regions, positive, instances):
    """Return the captions of the object of each positive region."""
    captions = []
    for k in positive:
        truth = instances[int(regions.rois[k, 0])]
        captions.append(() if truth.captions is None else truth.captions[regions.objects[k]])
    return captions


def _words_of(dataset, min_count):
    """Return the words of a dataset's captions that occur often enough, and those that stand for a class."""
    counts: Counter[str] = Counter()
    by_class: Counter[tuple[str, int]] = Counter()
    for sample in dataset:
        instances = sample.instances
        if instances.captions is None:
            continue
        for label, captions in zip(instances.labels.tolist(), instances.captions, strict=True):
            for caption in captions:
                words = words_of(caption)
                counts.update(words)
                by_class.update((word, label) for word in set(words))
    words = tuple(sorted(word for word, count in counts.items() if count >= min_count))
    nouns = []
    for word in words:
        shares = {label: count for (each, label), count in by_class.items() if each == word}
        label = max(shares, key=lambda each: shares[each])
        if shares[label] >= NOUN * sum(shares.values()):
            nouns.append((word, label))
    return words, tuple(nouns)
