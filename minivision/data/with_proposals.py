"""A dataset with boxes that may contain an object, for each image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minivision.core.types import Array, Size
from minivision.data.dataset import Dataset, Sample

__all__ = ["WithProposals"]


class WithProposals(Dataset):
    """The samples of a dataset, each with its proposals: boxes that may contain an object.

    Parameters
    ----------
    dataset : Dataset
    proposals : sequence of ndarray of shape (P, 4)
        Proposals of each image, ``x1, y1, x2, y2`` in pixels.
    """

    def __init__(self, dataset: Dataset, proposals: Sequence[Array]) -> None:
        if len(proposals) != len(dataset):
            raise ValueError(f"proposals: expected those of {len(dataset)} images, got those of {len(proposals)}")
        self.dataset, self.proposals = dataset, proposals
        self.facts = dataset.facts

    def __len__(self) -> int:
        return len(self.dataset)

    def image_sizes(self) -> list[Size]:
        return self.dataset.image_sizes()

    def image_path(self, index: int) -> Path | None:
        return self.dataset.image_path(index)

    def _sample(self, index: int) -> Sample:
        return self.dataset[index]._replace(proposals=self.proposals[index])
