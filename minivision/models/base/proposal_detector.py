"""What R-CNN and Fast R-CNN share: somebody else says where to look."""

import sys

from minivision.core.arguments import integer
from minivision.data.in_memory import map_in_threads
from minivision.data.with_proposals import WithProposals
from minivision.detection import propose_dataset, selective_search
from minivision.detection.selective_search.search import MODES
from minivision.models.base.detector import Detector
from minivision.models.base.model import groups_of_one_size, pad_to_multiple


class ProposalDetector(Detector):
    """A detector that judges the boxes of selective search.

    A subclass gives ``forward``, ``losses``, ``backward`` and :meth:`detect_in`.

    Parameters
    ----------
    classes : sequence of str
        Class names, the background first.
    mode : str
        Of selective search: ``"single"``, ``"fast"`` or ``"quality"``.
    proposals : int
        How many of an image are looked at in prediction, at most.
    **options
        Everything else the subclass was made with.
    """

    OPTIONS = {
        "mode": {"default": "fast", "choices": tuple(MODES), "help": "of selective search"},
        "proposals": {"default": 2000, "help": "how many of an image are looked at in prediction, at most"},
    }

    def __init__(self, classes, *, mode, proposals, **options):
        super().__init__(classes, mode=mode, proposals=proposals, **options)
        self.proposals = integer("proposals", proposals, minimum=1)
        if mode not in MODES:
            raise ValueError(f"mode: expected one of {', '.join(MODES)}, got {mode!r}")

    def prepare(self, dataset):
        """Propose boxes for every training image, once; return the dataset with them."""
        print(f"Proposing boxes for {len(dataset)} images (kept for the next run)", flush=True)
        watched = sys.stderr.isatty()
        return WithProposals(dataset, propose_dataset(dataset, self.options["mode"], progress=watched))

    def proposals_of(self, batch):
        """Return the proposals of each image of a batch.

        Raises
        ------
        ValueError
            When there are none, not even empty lists.
        """
        if len(batch.proposals) != len(batch.images) or any(each is None for each in batch.proposals):
            raise ValueError(
                f"{self.name} is told where to look, and this batch has no proposals; train on what prepare(dataset) "
                "returns, or on a WithProposals"
            )
        return batch.proposals

    def selective_search(self, images):
        """Return the boxes ``(P, 4)`` proposed for each image ``(H, W, 3)``, the most promising first."""
        return list(map_in_threads(lambda image: selective_search(image, self.options["mode"]), images))

    def detect_in(self, images, proposals, size):
        """Return the objects in a batch of images, one ``Instances`` for each.

        Parameters
        ----------
        images : uint8 ndarray, (N, H, W, 3)
            Height and width divide by `stride`.
        proposals : list of (P, 4) arrays
            Where to look in each.
        size : (int, int)
            Height and width of the images before their last row and column were repeated.
        """
        raise NotImplementedError(f"{self.name} cannot detect yet")

    def predict(self, images, proposals=None):
        """Return the objects in each image.

        Parameters
        ----------
        images : sequence of uint8 ndarray, (H, W, 3)
            They may have several sizes.
        proposals : sequence of (P, 4) arrays, optional
            Where to look in each; by default what :meth:`selective_search` says.
        """
        proposals = self.selective_search(images) if proposals is None else proposals
        proposals = [each[: self.proposals] for each in proposals]
        predictions = [None] * len(images)
        for indices, batch in groups_of_one_size(images, self.predicted_together):
            padded = pad_to_multiple(batch, self.stride)
            found = self.detect_in(padded, [proposals[index] for index in indices], batch.shape[1:3])
            for index, instances in zip(indices, found, strict=True):
                predictions[index] = instances
        return predictions
