"""Drawing a scene: shapes with smooth edges, crops of photographs, blur and noise.

The distance of a pixel is the signed distance ``d`` from its center to the outline of a shape, negative inside. The
coverage of the pixel is ``clip(0.5 - d, 0, 1)``: 1 if the outline is half a pixel away, 0.5 if it passes through
the center. This one formula serves for every shape and gives smooth edges, and ``coverage > 0.5`` means "the center
of the pixel is inside". A shape of several parts is their union, the maximum of their coverages.

Arrays are C-contiguous: images ``(H, W, 3)`` float32 in 0..255, coverages ``(H, W)`` float32 in 0..1, owners
``(H, W)`` uint8 (number of the object that a pixel shows, from 1; 0 for none). Points are ``x, y`` in pixels, and
the center of pixel ``i`` is at ``i + 0.5``.

These functions are compiled with `minivision.core.compile.jit` directly. They are no operations: they have one
implementation, which no backend replaces, and they do not check their arguments.
"""

from __future__ import annotations

import math

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array


@jit
def _pixel_range(low, high, size):
    """Return the pixels ``start..stop`` of an axis that an outline from `low` to `high` can touch."""
    return max(int(math.floor(low - 0.5)), 0), min(int(math.ceil(high + 0.5)), size)


@jit
def _cover(coverage, i, j, distance):
    """Add a pixel at this distance from the outline to a coverage."""
    coverage[i, j] = max(coverage[i, j], np.float32(min(max(0.5 - distance, 0.0), 1.0)))


@jit
def draw_capsule(coverage: Array, x1: float, y1: float, x2: float, y2: float, radius: float) -> None:
    """Add a thick line with round ends: all points within `radius` of the segment from point 1 to point 2."""
    height, width = coverage.shape
    top, bottom = _pixel_range(min(y1, y2) - radius, max(y1, y2) + radius, height)
    left, right = _pixel_range(min(x1, x2) - radius, max(x1, x2) + radius, width)
    dx, dy = x2 - x1, y2 - y1
    squared_length = max(dx * dx + dy * dy, 1e-12)
    for i in range(top, bottom):
        for j in range(left, right):
            x, y = j + 0.5 - x1, i + 0.5 - y1
            along = min(max((x * dx + y * dy) / squared_length, 0.0), 1.0)  # the nearest point of the segment
            _cover(coverage, i, j, math.hypot(x - along * dx, y - along * dy) - radius)


@jit
def draw_ring(coverage: Array, x: float, y: float, outer: float, inner: float) -> None:
    """Add the ring between two circles with the same center; `outer` and `inner` are their radii."""
    height, width = coverage.shape
    top, bottom = _pixel_range(y - outer, y + outer, height)
    left, right = _pixel_range(x - outer, x + outer, width)
    for i in range(top, bottom):
        for j in range(left, right):
            r = math.hypot(j + 0.5 - x, i + 0.5 - y)
            _cover(coverage, i, j, max(r - outer, inner - r))


@jit
def draw_ellipse(coverage: Array, x: float, y: float, a: float, b: float, angle: float) -> None:
    """Add an ellipse with half axes `a` and `b`, rotated by `angle` radians.

    With ``f = |p / axes|``, which is 1 on the outline, the distance is ``(f - 1) / |gradient of f|`` to first
    order: exact for a circle, and accurate to a small fraction of a pixel near the outline of any ellipse.
    """
    height, width = coverage.shape
    reach = max(a, b)
    top, bottom = _pixel_range(y - reach, y + reach, height)
    left, right = _pixel_range(x - reach, x + reach, width)
    cos, sin = math.cos(angle), math.sin(angle)
    for i in range(top, bottom):
        for j in range(left, right):
            dx, dy = j + 0.5 - x, i + 0.5 - y
            u, v = (cos * dx + sin * dy) / a, (cos * dy - sin * dx) / b
            f = max(math.hypot(u, v), 1e-6)
            gradient = math.hypot(u / a, v / b) / f
            _cover(coverage, i, j, (f - 1) / max(gradient, 1e-6))


@jit
def draw_polygon(coverage: Array, points: Array, grow: float) -> None:
    """Add a closed polygon, its outline moved outward by `grow` pixels; ``points`` is ``(n, 2)`` float64.

    The distance is that to the nearest edge. It is negative if a ray from the pixel crosses the outline an odd
    number of times.
    """
    height, width = coverage.shape
    top, bottom = _pixel_range(points[:, 1].min() - grow, points[:, 1].max() + grow, height)
    left, right = _pixel_range(points[:, 0].min() - grow, points[:, 0].max() + grow, width)
    count = len(points)
    for i in range(top, bottom):
        for j in range(left, right):
            x, y = j + 0.5, i + 0.5
            nearest, inside = np.inf, False
            for k in range(count):
                x1, y1 = points[k - 1 if k else count - 1]
                x2, y2 = points[k]
                dx, dy = x2 - x1, y2 - y1
                along = min(max(((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy), 0.0), 1.0)
                ex, ey = x - x1 - along * dx, y - y1 - along * dy
                nearest = min(nearest, ex * ex + ey * ey)
                if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / dy * dx:
                    inside = not inside
            distance = math.sqrt(nearest)
            _cover(coverage, i, j, (-distance if inside else distance) - grow)


@jit
def resize_crop(
    photo: Array, top: int, left: int, side: int, mix: Array, mirror_x: bool, mirror_y: bool, out: Array
) -> None:
    """Shrink or enlarge a square crop of a photograph by averaging areas, and mix its colors.

    Each pixel of `out` is the mean of the part of the crop that it covers; pixels that it covers partly have a
    smaller weight. First the rows are added with their weights and their colors mixed, then the columns.

    Parameters
    ----------
    photo : uint8 ndarray of shape (H, 3 * W)
        A photograph with the three colors of a pixel in a row, so that a row is contiguous.
    top, left, side : int
        The crop, in pixels.
    mix : float32 ndarray of shape (C, 3)
        ``out[..., c]`` is the dot product of ``mix[c]`` and the color.
    mirror_x, mirror_y : bool
        Whether to mirror the result.
    out : float32 ndarray of shape (S, S, C)
        The result is written into it.
    """
    size, channels = out.shape[0], out.shape[2]
    scale = side / size
    edges = np.minimum(np.arange(1, size + 1) * scale, side)  # the end of each pixel of the result
    whole = edges.astype(np.int64)
    part = (edges - whole).astype(np.float32)
    row = np.empty(3 * side, np.float32)
    mixed = np.zeros((channels, side + 1), np.float32)  # one column more, for the right edge
    for i in range(size):
        start, stop = edges[i - 1] if i else 0.0, edges[i]
        row[:] = 0
        for y in range(int(start), int(math.ceil(stop))):
            weight = np.float32((min(stop, y + 1.0) - max(start, float(y))) / (scale * scale))
            source = photo[top + y, 3 * left : 3 * (left + side)]
            for x in range(3 * side):
                row[x] += weight * np.float32(source[x])
        for c in range(channels):
            target, (red, green, blue) = mixed[c], mix[c]
            for x in range(side):
                target[x] = red * row[3 * x] + green * row[3 * x + 1] + blue * row[3 * x + 2]
        to_i = size - 1 - i if mirror_y else i
        for c in range(channels):
            source_row, x, total = mixed[c], 0, np.float32(0)
            for j in range(size):
                while x < whole[j]:
                    total += source_row[x]
                    x += 1
                rest = part[j] * source_row[x]  # of a pixel that is shared with the next pixel of `out`
                out[to_i, size - 1 - j if mirror_x else j, c] = total + rest
                total = -rest


@jit
def measure(
    coverage: Array, image: Array, owners: Array, hidden: Array
) -> tuple[int, float, float, float, int, int, int, int]:
    """Measure the part of a scene that a shape would cover if it were drawn next.

    Parameters
    ----------
    coverage, image, owners : ndarray
        The shape, and the scene so far.
    hidden : int64 ndarray of shape (256,)
        The number of pixels that the shape would hide of each object is written into it.

    Returns
    -------
    area : int
        Number of pixels of the shape.
    red, green, blue : float
        Mean color of the image there.
    top, bottom, left, right : int
        The rows and columns in which the coverage is not 0, ends excluded.
    """
    height, width = coverage.shape
    hidden[:] = 0
    area, red, green, blue = 0, 0.0, 0.0, 0.0
    top, bottom, left, right = height, 0, width, 0
    for i in range(height):
        for j in range(width):
            if coverage[i, j] > 0:
                top, bottom = min(top, i), i + 1
                left, right = min(left, j), max(right, j + 1)
                if coverage[i, j] > 0.5:
                    area += 1
                    hidden[owners[i, j]] += 1
                    red += image[i, j, 0]
                    green += image[i, j, 1]
                    blue += image[i, j, 2]
    pixels = max(area, 1)
    return area, red / pixels, green / pixels, blue / pixels, top, bottom, left, right


@jit
def paint(
    image: Array,
    coverage: Array,
    extent: tuple[int, int, int, int],
    color: Array,
    texture: Array,
    texture_strength: float,
    x: float,
    y: float,
    shade_x: float,
    shade_y: float,
    opacity: float,
) -> None:
    """Blend a shape into the image: a color, plus a texture, plus a linear shading that is 0 at ``(x, y)``.

    ``texture`` is ``(H, W, 1)`` float32 with mean 0 and standard deviation 1; `shade_x` and `shade_y` are in
    brightness per pixel; `extent` is ``(top, bottom, left, right)`` as `measure` returns it.
    """
    top, bottom, left, right = extent
    for i in range(top, bottom):
        for j in range(left, right):
            alpha = np.float32(coverage[i, j] * opacity)
            if alpha > 0:
                light = (j - x) * shade_x + (i - y) * shade_y + texture[i, j, 0] * texture_strength
                for c in range(3):
                    image[i, j, c] += alpha * (np.float32(color[c] + light) - image[i, j, c])


@jit
def own(owners: Array, coverage: Array, extent: tuple[int, int, int, int], number: int) -> None:
    """Write `number`, of an object, into the owners of the pixels of its shape."""
    top, bottom, left, right = extent
    for i in range(top, bottom):
        for j in range(left, right):
            if coverage[i, j] > 0.5:
                owners[i, j] = number


@jit
def standardize(texture: Array) -> None:
    """Shift and scale an array to mean 0 and standard deviation 1, in place."""
    flat = texture.ravel()
    total, squares = 0.0, 0.0
    for i in range(flat.size):
        total += flat[i]
    mean = total / flat.size
    for i in range(flat.size):
        squares += (flat[i] - mean) ** 2
    scale = np.float32(1 / (math.sqrt(squares / flat.size) + 1e-3))  # 1e-3: a black crop stays black
    for i in range(flat.size):
        flat[i] = (flat[i] - np.float32(mean)) * scale


@jit
def blur(image: Array, sigma: float) -> Array:
    """Return the image convolved with a Gaussian of `sigma` pixels, mirrored at its borders; along rows first."""
    height, width, _ = image.shape
    radius = int(math.ceil(4 * sigma))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    along_rows = np.zeros_like(image)
    for i in range(height):
        for j in range(width):
            for k in range(2 * radius + 1):
                source = abs(j + k - radius)  # ... 2 1 0 1 2 ... : the border pixel itself is not repeated
                source = source if source < width else 2 * (width - 1) - source
                for c in range(3):
                    along_rows[i, j, c] += weights[k] * image[i, source, c]
    out = np.zeros((height, width * 3), np.float32)
    rows = along_rows.reshape(height, width * 3)
    for i in range(height):
        target = out[i]
        for k in range(2 * radius + 1):
            source = abs(i + k - radius)
            source = source if source < height else 2 * (height - 1) - source
            values, weight = rows[source], weights[k]
            for x in range(width * 3):
                target[x] += weight * values[x]
    return out.reshape(image.shape)


@jit
def add_noise(image: Array, noise: Array, sigma: float, out: Array) -> None:
    """Write ``image + sigma * noise`` to `out` as uint8: clipped to 0..255 and rounded down."""
    source, target, flat_noise = image.ravel(), out.ravel(), noise.ravel()
    sigma = np.float32(sigma)  # type: ignore[assignment]
    for i in range(source.size):
        value = source[i] + sigma * flat_noise[i]
        target[i] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))
