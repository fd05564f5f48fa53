"""Dividing images into groups that fit into memory together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from minivision.core.types import Size

USUAL_PIXELS = 512 * 512  # of an image; of larger ones, fewer are taken at once


def chunks_by_pixels(sizes: Sequence[Size], most: int) -> Iterator[range]:
    """Divide images into groups of neighbors, for which a network needs about the same memory at most.

    Parameters
    ----------
    sizes : sequence of (height, width)
    most : int
        Largest number of images in a group; and a group of several has no more pixels than so many images of 512 x 512.

    Yields
    ------
    indices : range
        One image or more.

    Examples
    --------
    >>> from minivision.core.chunks import chunks_by_pixels
    >>> list(chunks_by_pixels([(512, 512)] * 3, 2))
    [range(0, 2), range(2, 3)]
    >>> list(chunks_by_pixels([(2000, 3000)] * 3, 16))
    [range(0, 1), range(1, 2), range(2, 3)]
    """
    if most < 1:
        raise ValueError(f"most: expected at least 1 image at once, got {most}")
    start, pixels = 0, 0
    for index, (height, width) in enumerate(sizes):
        if index > start and (index - start == most or pixels + height * width > most * USUAL_PIXELS):
            yield range(start, index)
            start, pixels = index, 0
        pixels += height * width
    if start < len(sizes):
        yield range(start, len(sizes))
