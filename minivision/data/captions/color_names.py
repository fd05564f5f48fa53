"""What people call a color: the nearest of a hundred colors that a survey knows the names of.

The eleven names are the basic color terms of English (Berlin and Kay, "Basic Color Terms", 1969). The examples of each
are the colors of the xkcd color survey (https://xkcd.com/color/rgb/, CC0) that are called by it, alone or with a word
such as dark, light or dusty.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike

from minivision.core.types import Array

__all__ = ["COLOR_NAMES", "color_names", "lightness"]

_EXAMPLES = {
    "red": "840000 9a0200 b9484e bb3f3f d3494e d9544d db5856 e50000 ff000d ff474c",
    "orange": "c65102 c87606 d8863b dc4d01 f0833a f0944d f97306 fdaa48 ff5b00 ff964f ffa756",
    "yellow": "cdc50a d5b60a eedc5b feff7f fffd01 fffe71 fffe7a ffff14 ffff84",
    "green": "01ff07 02590f 033500 062e03 089404 15b01a 2fef10 33b864 39ad48 5fa052 667e2c 6fc276 74a662 76a973 7bb274 "
    "96f97b b0ff9d c7fdb5 cffdbc d1ffbd",
    "blue": "000133 00035b 010fcc 0165fc 0203e2 021bf9 0343df 040273 0804f9 0c06f7 152eff 2c6fbb 3b719f 3f829d 49759c "
    "4984b8 4b57db 5a86ad 6488ea 658cbb 95d0fc a2bffe d0fefe d5ffff d6fffe",
    "purple": "2a0134 35063e 36013f 720058 734a65 7e1e9c 805b87 825f87 84597e 916e99 952e8f 9900fa 9e43a2 a66fb5 "
    "b790d4 be03fd bf77f6 caa0ff f6cefc",
    "pink": "ca7b80 cb0162 cb416b d1768f d5869d d58a94 de9dac f36196 fb5581 fdb0c0 fe01b1 ff0789 ff81c0 ffbacd ffcfdc "
    "ffd1df",
    "brown": "1d0200 341c02 410200 653700 7f5112 876e4b 964e02 ad8150 b1916e d3b683",
    "black": "000000",
    "white": "ffffff",
    "gray": "363737 7d7f7c 929591 95a3a6 978a84 d8dcd6",
}
COLOR_NAMES = tuple(_EXAMPLES)

# A second name is accepted as well if its nearest example is hardly further away than the first one's: people do not
# agree where blue ends and green begins. The unit is the distance in Lab, of which 2.3 is just noticeable.
MARGIN = 7


def color_names(rgb: ArrayLike) -> tuple[str, ...]:
    """Return what people may call a color, the best name first.

    Parameters
    ----------
    rgb : array_like of 3 numbers
        Red, green and blue, 0 to 255 (sRGB).

    Returns
    -------
    names : tuple of str
        Of `COLOR_NAMES`: that of the nearest example, and those of others that are nearly as near in Lab.

    Examples
    --------
    >>> from minivision.data.captions import color_names
    >>> color_names((230, 20, 20)), color_names((200, 100, 60))
    (('red',), ('red', 'orange', 'brown'))
    """
    lab, owners = _examples()
    distances = np.linalg.norm(lab - _lab(np.asarray(rgb, np.float64)), axis=1)
    nearest = [distances[owners == number].min() for number in range(len(COLOR_NAMES))]
    order = np.argsort(nearest, kind="stable")
    limit = nearest[order[0]] + MARGIN
    return tuple(COLOR_NAMES[number] for number in order if nearest[number] <= limit)


def lightness(rgb: ArrayLike) -> float:
    """Return the lightness L of a color (sRGB, 0 to 255) in Lab: 0 for black, 100 for white."""
    return float(_lab(np.asarray(rgb, np.float64))[0])


@functools.cache
def _examples() -> tuple[Array, Array]:
    """Return the examples of all names in Lab, and the number of the name of each."""
    texts = [(number, text) for number, name in enumerate(COLOR_NAMES) for text in _EXAMPLES[name].split()]
    colors = np.array([list(bytes.fromhex(text)) for _, text in texts], np.float64)
    return _lab(colors), np.array([number for number, _ in texts])


def _lab(rgb):
    """Convert sRGB from 0 to 255 to CIE L*a*b* with the white point D65; the last axis has the three numbers."""
    linear = np.where(rgb <= 0.04045 * 255, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / (0.9505, 1.0, 1.089)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
