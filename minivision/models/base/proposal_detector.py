"""Base class of R-CNN and Fast R-CNN, which classify the boxes of selective search."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.arguments import integer
from minivision.core.types import Array
from minivision.data.any_image import as_rgb_list
from minivision.data.threads import map_in_threads
from minivision.data.with_proposals import WithProposals
from minivision.detection import propose_dataset, selective_search
from minivision.detection.selective_search.search import MODES
from minivision.models.base.detection_trace import DetectionTrace
from minivision.models.base.detector import Detector
from minivision.models.base.model import logger

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset
    from minivision.data.instances import Instances


class ProposalDetector(Detector):
    """A detector whose regions come from selective search: images and proposals -> objects.

    A subclass defines ``forward``, ``losses``, ``backward`` and :meth:`detect_in`. Its ``forward`` has one more
    argument, ``rois``: the regions, where they are not drawn from the proposals of a batch.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    mode : str
        Mode of selective search: ``"single"``, ``"fast"`` or ``"quality"``.
    max_proposals : int
        Largest number of proposals per image in prediction.
    **options
        All other arguments of the subclass.
    """

    OPTIONS = {
        "mode": {"default": "fast", "choices": tuple(MODES), "help": "mode of selective search"},
        "max_proposals": {"default": 2000, "help": "largest number of proposals per image in prediction"},
    }

    def __init__(self, classes: Sequence[str], *, mode: str, max_proposals: int, **options: Any) -> None:
        super().__init__(classes, mode=mode, max_proposals=max_proposals, **options)
        self.max_proposals = integer("max_proposals", max_proposals, minimum=1)
        if mode not in MODES:
            raise ValueError(f"mode: expected one of {', '.join(MODES)}, got {mode!r}")

    def prepare(self, dataset: Dataset) -> Dataset:
        """Propose boxes for every training image, once; return the dataset with them."""
        logger.info("Proposing boxes for %d images (kept for the next run)", len(dataset))
        progress = sys.stderr.isatty() or logger.isEnabledFor(logging.INFO)  # a command also tells a file how far it is
        return WithProposals(dataset, propose_dataset(dataset, self.options["mode"], progress=progress))

    def proposals_of(self, batch: Batch) -> list[Array]:
        """Return the proposals of each image of a batch.

        Raises
        ------
        ValueError
            When an image has none, not even an empty list.
        """
        proposals = [each for each in batch.proposals if each is not None]
        if len(proposals) != len(batch.images):
            raise ValueError(
                f"{self.name} classifies proposals, and this batch has no proposals; train on what prepare(dataset) "
                "returns, or on a WithProposals"
            )
        return proposals

    def selective_search(self, images: Sequence[Array]) -> list[Array]:
        """Return the boxes ``(P, 4)`` proposed for each image ``(H, W, 3)``, the most promising first."""
        return list(map_in_threads(lambda image: selective_search(image, self.options["mode"]), images))

    def detect_in(self, images: Array, proposals: Sequence[Array]) -> list[Instances]:
        """Return the objects in a batch of images.

        Parameters
        ----------
        images : uint8 ndarray of shape (N, H, W, 3)
        proposals : list of ndarray of shape (P, 4)
            The boxes to classify in each image.

        Returns
        -------
        list of Instances
        """
        raise NotImplementedError(f"{self.name} cannot detect yet")

    def trace_in(self, images: Array, proposals: Sequence[Array]) -> list[DetectionTrace]:
        """Return how :meth:`detect_in` comes to the objects; `proposals` are all, of which the first are classified."""
        raise NotImplementedError(f"{self.name} does not say yet how it comes to its objects")

    def trace(self, images: Sequence[Array]) -> list[DetectionTrace]:
        """Return how :meth:`predict` comes to the objects in each image; see :meth:`Detector.trace`."""
        images = as_rgb_list(images)
        return self.map_batches(images, self.trace_in, self.selective_search(images))

    def stages_of(self, proposals: Sequence[Array]) -> list[tuple[tuple[str, Array], ...]]:
        """Return all proposals of each image, and those that are classified, as a `DetectionTrace` has them."""
        return [(("no proposal", each), ("proposal ranked low", each[: self.max_proposals])) for each in proposals]

    def predict(self, images: Sequence[Array], proposals: Sequence[Array] | None = None) -> list[Instances]:
        """Return the objects in each image.

        Parameters
        ----------
        images : sequence of images
            As :func:`minivision.data.as_rgb` takes them; they may have several sizes.
        proposals : sequence of ndarray of shape (P, 4), optional
            The boxes to classify in each image; by default those of :meth:`selective_search`.

        Returns
        -------
        list of Instances
        """
        images = as_rgb_list(images)
        proposals = self.selective_search(images) if proposals is None else proposals
        return self.map_batches(images, self.detect_in, [each[: self.max_proposals] for each in proposals])


def whole_images(images: Array) -> Array:
    """Return one region ``(N, 5)`` for each image ``(N, 3, H, W)``: all of it."""
    N, _, height, width = images.shape
    return np.array([[n, 0, 0, width, height] for n in range(N)], np.float32).reshape(N, 5)
