"""The run lengths of Label Studio's brush (label_studio_sdk/converter/brush.py, version 2.1.2; rle-pack of thi.ng).

Bits, the highest of each byte first: 32 for the number of values, 5 for the bits of a value less one, four times 4 for
the bits of a length less one. Then runs: a bit that is 1 if one value is repeated, 2 bits that choose the size of the
length, the length less one, and the value, or as many values as the length says. The values are red, green, blue and
opacity of each pixel, row by row; what is not transparent belongs to the mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minivision.core.types import Array, Size

__all__ = ["decode_brush"]

CHANNELS = 4


def decode_brush(numbers: Any, size: Size) -> Array:
    """Decode a brush's run lengths to a mask.

    Parameters
    ----------
    numbers : sequence of int
        Bytes.
    size : (height, width)
        Of the image.

    Returns
    -------
    mask : bool ndarray of shape (H, W)

    Raises
    ------
    ValueError
        If they are no bytes, or not for an image of this size, or end too early.
    """
    height, width = size
    if not isinstance(numbers, Sequence) or isinstance(numbers, str):
        raise ValueError(f"expected a list of numbers from 0 to 255, got {numbers!r:.60}")
    try:
        bits = _Bits(bytes(numbers))
    except (TypeError, ValueError) as error:
        raise ValueError("expected a list of numbers from 0 to 255") from error
    count = bits.read(32)
    if count != CHANNELS * height * width:
        raise ValueError(f"there are {count} values, but an image of {height}x{width} has {CHANNELS * height * width}")
    word = bits.read(5) + 1
    lengths = [bits.read(4) + 1 for _ in range(4)]
    mask = np.zeros(height * width, bool)
    start = 0
    while start < count:
        is_repeated = bits.read(1)
        end = start + 1 + bits.read(lengths[bits.read(2)])
        if end > count:
            raise ValueError(f"there are more values than {count}")
        if is_repeated:
            if bits.read(word):
                mask[start // CHANNELS : end // CHANNELS] = True  # pixels whose last channel is in the run
        else:
            values = start + np.flatnonzero(bits.are_not_zero(end - start, word))
            mask[values[values % CHANNELS == CHANNELS - 1] // CHANNELS] = True
        start = end
    return mask.reshape(height, width)


class _Bits:
    """Numbers of any number of bits, one behind the other."""

    def __init__(self, content):
        self.content, self.position = content, 0

    def _advance(self, count):
        first, self.position = self.position, self.position + count
        if self.position > 8 * len(self.content):
            raise ValueError("they end too early")
        return first

    def read(self, count):
        """Return the number of the next `count` bits."""
        first = self._advance(count)
        end = -(-self.position // 8)
        number = int.from_bytes(self.content[first // 8 : end], "big")
        return number >> (8 * end - self.position) & ((1 << count) - 1)

    def are_not_zero(self, count, word):
        """Return whether the next `count` numbers of `word` bits are not 0, as a bool array."""
        first = self._advance(count * word)
        part = np.frombuffer(self.content[first // 8 : -(-self.position // 8)], np.uint8)
        return np.unpackbits(part)[first % 8 :][: count * word].reshape(count, word).any(axis=1)
