"""A dataset whose samples know where an object may be."""

from minivision.data.dataset import Dataset

__all__ = ["WithProposals"]


class WithProposals(Dataset):
    """The samples of a dataset, each with boxes that may hold an object.

    Parameters
    ----------
    dataset : Dataset
    proposals : sequence of (P, 4) arrays
        Of each image, ``x1, y1, x2, y2`` in pixels.
    """

    def __init__(self, dataset, proposals):
        if len(proposals) != len(dataset):
            raise ValueError(f"proposals: expected those of {len(dataset)} images, got those of {len(proposals)}")
        self.dataset, self.proposals = dataset, proposals
        for name in ("classes", "keypoint_names", "has_boxes", "has_masks", "has_label_maps"):
            setattr(self, name, getattr(dataset, name))

    def __len__(self):
        return len(self.dataset)

    def image_sizes(self):
        return self.dataset.image_sizes()

    def _sample(self, index):
        return self.dataset[index]._replace(proposals=self.proposals[index])
