"""Images decoded once, before training, where they fit into memory."""

import time

from minivision.data import Dataset, InMemory, in_memory, resize

LIMIT = 2 << 30  # bytes of decoded images that are held in memory
BYTES = 5  # for each pixel: three colours, the class, the object


class Resized(Dataset):
    """A dataset whose images are all brought to one size when they are asked for.

    Parameters
    ----------
    dataset : Dataset
    size : (int, int)
        Height and width.
    """

    def __init__(self, dataset, size):
        self.dataset, self.size = dataset, tuple(size)
        for name in ("classes", "keypoint_names", "has_boxes", "has_masks", "has_label_maps"):
            setattr(self, name, getattr(dataset, name))

    def __len__(self):
        return len(self.dataset)

    def image_sizes(self):
        return [self.size] * len(self)

    def _sample(self, index):
        return resize(self.dataset[index], self.size)


def hold_in_memory(dataset, *, size=None, progress=False):
    """Return `dataset` held in memory where it fits into 2 GiB, else as it is; both of the given size.

    Parameters
    ----------
    dataset : Dataset
    size : (int, int), optional
        Height and width to bring every image to.
    progress : bool
        Whether to show a progress bar, and to print how long it took.
    """
    if isinstance(dataset, InMemory) and size is None:
        return dataset
    sizes = [size] * len(dataset) if size is not None else dataset.image_sizes()
    if BYTES * sum(height * width for height, width in sizes) > LIMIT:
        return dataset if size is None else Resized(dataset, size)
    start = time.perf_counter()
    dataset = in_memory(dataset, size=size, progress=progress)
    if progress:
        print(f"Read {len(dataset)} images into memory in {time.perf_counter() - start:.1f} s", flush=True)
    return dataset
