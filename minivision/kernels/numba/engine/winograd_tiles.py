"""The tiles of Winograd's algorithm: which images and rows a block holds, and how its 36 streams are made.

The input of a block is divided into 4 x 4 phases, so that element (i, j) of all tiles is one contiguous stream: phase
(i % 4, j % 4), shifted by one tile if i or j is 4 or 5. For these a row of tiles has one column more than tiles, and a
block one row more. Each transform then multiplies whole streams by a small constant matrix, first along the columns of
every tile, then along the rows.

Small maps are stacked: a block holds several images. There the additional columns and rows would be a large part of it,
so they are left out after the transform.
"""

import functools
from typing import NamedTuple

import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.vector_moves import (
    clear_run,
    copy_run,
    copy_vector,
    make_apply_matrix,
    make_merge,
    make_split,
)
from minivision.kernels.numba.engine.vectors import lanes_of

BT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=float,
)
AT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=float)

G = np.array(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]],
    dtype=float,
) / [[24]]
_apply_BT = make_apply_matrix(BT.tolist())
_apply_A = make_apply_matrix(AT.T.tolist())
_apply_AT = make_apply_matrix(AT.tolist())
_split_4, _merge_4 = make_split(4), make_merge(4)

CACHE_BYTES = 2_600_000  # for the two transformed arrays of a block
LINE = 16  # numbers of float32 in a line of the cache

TILE_COST = (
    500  # of the transform of a tile of one channel or filter, in multiplications of a direct convolution (Zen 4)
)


class Tiles(NamedTuple):
    """How the tiles of a problem are divided into blocks, and how a block is laid out."""

    first_row: int  # input row and column at which tile (0, 0) begins; they may be outside the input
    first_column: int
    columns: int  # tiles in a row, and one
    block_rows: int  # rows of tiles in a block
    stack: int  # images in a block; if several, all rows of each
    closed: bool  # whether streams end up without the additional columns and rows
    width: int  # places in a row of a stream
    slot_stream: int  # distance between streams before gaps are closed
    stream: int  # and between those that are multiplied


def is_worthwhile(images, channels, filters, output_size, filter_cost):
    """Return whether the algorithm takes less time than a direct convolution, with its transforms.

    `filter_cost` is the cost of the transform of a filter of one channel, as `TILE_COST` is that of a tile.
    """
    height, width = output_size
    lanes = lanes_of(np.float32)
    tiles = images * -(-height // 4) * -(-width // 4)
    products = -(-tiles // lanes) * lanes * 36 * channels * filters
    transforms = tiles * TILE_COST * (channels + filters) + filter_cost * channels * filters
    return products + transforms < images * height * width * 9 * channels * filters


@functools.lru_cache(maxsize=512)
def plan_tiles(images, channels, filters, output_size, padding, threads):
    """Choose blocks that fit the cache and divide evenly among threads, and fill whole vectors."""
    lanes = lanes_of(np.float32)
    rows, columns = -(-output_size[0] // 4), -(-output_size[1] // 4)
    closed = columns < lanes
    width = columns if closed else columns + 1
    best = None
    stacks = [(n, rows) for n in range(2, images + 1)] if closed else []
    for stack, block in [(1, block) for block in range(1, rows + 1)] + stacks:
        tiles = stack * block * width
        if best and 36 * 4 * (channels + filters) * tiles > CACHE_BYTES:
            continue
        busiest = -(-(-(-images // stack) * -(-rows // block)) // threads)  # largest number of blocks of a thread
        cost = busiest * (-(-tiles // lanes) * lanes + 4)
        if best is None or cost < best[0]:
            best = cost, stack, block
    _, stack, block = best
    (top, _), (left, _) = padding
    slots, tiles = stack * (block + 1) * (columns + 1), stack * block * width
    return Tiles(-top, -left, columns + 1, block, stack, closed, width, _stream(slots, lanes), _stream(tiles, lanes))


def _stream(tiles, lanes):
    """Return the distance between streams: whole vectors, and no power of two, which would cause cache conflicts."""
    return (tiles + 2 * lanes - 1) // lanes * lanes + lanes


def plan_gradient(tiles):
    """Return the layout of the gradient of the outputs: the same tiles, which begin at row and column 0."""
    return tiles._replace(first_row=0, first_column=0)


@jit
def apart(size):
    """Return the distance between 36 blocks of `size` numbers: a line of the cache more.

    At a power of two all 36 would compete for the same few places of the cache.
    """
    return size + LINE


class Block(NamedTuple):
    """A block of tiles: its images, and its rows of tiles."""

    image: int
    images: int
    row: int
    rows: int


@jit
def blocks_of(N, all_rows, tiles):
    """Return into how many blocks the images are divided, and how many there are for a stack of images."""
    in_a_stack = (all_rows + tiles.block_rows - 1) // tiles.block_rows
    return (N + tiles.stack - 1) // tiles.stack * in_a_stack, in_a_stack


@jit
def block_at(number, in_a_stack, N, all_rows, tiles):
    image, row = number // in_a_stack * tiles.stack, number % in_a_stack * tiles.block_rows
    return Block(image, min(tiles.stack, N - image), row, min(tiles.block_rows, all_rows - row))


@jit
def count_of(block, tiles):
    """Return the length of the streams of a block."""
    return block.images * block.rows * tiles.width


@jit
def space_for_blocks(tiles):
    """Return how many numbers the functions below need besides their results: rows, phases, streams in two stages."""
    return 16 * tiles.slot_stream + 16 * tiles.slot_stream + 24 * tiles.slot_stream + 36 * tiles.slot_stream


@jit
def start_block(tiles, space):
    """Set the rows of a block to zero; each channel then writes those that are inside the images."""
    clear_run(space, 0, 16 * tiles.slot_stream)


@jit
def transform_input(x, c, block, tiles, space, v, start, distance):
    """Compute ``Bᵀ d B`` of one channel of all tiles of a block: 36 streams of `v`, from `start`, with a `distance`."""
    stream = tiles.slot_stream
    slots = _load(x, c, block, tiles, space)
    down, along = np.empty(6, np.int64), np.empty(6, np.int64)
    for k in range(6):
        down[k] = k % 4 * 4 * stream + k // 4 * tiles.columns
        along[k] = k % 4 * stream + k // 4
    for j in range(4):
        _apply_BT(space, (16 + j) * stream, down, space, (32 + j) * stream, 4 * stream, slots + 1)
    result, first, step = (space, 56 * stream, stream) if tiles.closed else (v, start, distance)
    for i in range(6):
        _apply_BT(space, (32 + i * 4) * stream, along, result, first + i * 6 * step, step, slots)
    if tiles.closed:
        _close_gaps(space, block, tiles, v, start, distance)


@jit
def transform_gradient(dy, f, block, tiles, space, v, start, distance):
    """Compute ``A dy Aᵀ`` of one filter of all tiles of a block, as `transform_input` does ``Bᵀ d B``."""
    stream = tiles.slot_stream
    slots = _load(dy, f, block, tiles, space)
    down, along = np.empty(4, np.int64), np.empty(4, np.int64)
    for k in range(4):
        down[k] = k * 4 * stream
        along[k] = k * stream
    for j in range(4):
        _apply_A(space, (16 + j) * stream, down, space, (32 + j) * stream, 4 * stream, slots)
    result, first, step = (space, 56 * stream, stream) if tiles.closed else (v, start, distance)
    for i in range(6):
        _apply_A(space, (32 + i * 4) * stream, along, result, first + i * 6 * step, step, slots)
    if tiles.closed:
        _close_gaps(space, block, tiles, v, start, distance)


@jit
def _load(x, c, block, tiles, space):
    """Copy one channel of the images of a block, and divide it into phases; return the number of places it takes.

    Rows of the same phase lie one after the other, so that one pass divides all of them.
    """
    N, C, H, W = x.shape
    numbers = x.reshape(x.size)
    columns, stream = tiles.columns, tiles.slot_stream
    before = max(0, -tiles.first_column)
    skipped = max(0, tiles.first_column)
    width = min(W - skipped, 4 * columns - before)
    for level in range(block.images):
        plane = ((block.image + level) * C + c) * H * W
        for i in range(4 * (block.rows + 1)):
            row = tiles.first_row + 4 * block.row + i
            if 0 <= row < H:
                place = i % 4 * 4 * stream + 4 * (level * (tiles.block_rows + 1) + i // 4) * columns + before
                copy_run(numbers, plane + row * W + skipped, space, place, width)
    slots = (block.images * (tiles.block_rows + 1) - 1) * columns
    for i in range(4):
        _split_4(space, i * 4 * stream, space, (16 + i * 4) * stream, stream, slots + columns)
    return slots


@jit
def _close_gaps(space, block, tiles, v, start, distance):
    """Copy the tiles of 36 streams without the places between them; a vector is copied for each row of tiles."""
    for element in range(36):
        target = start + element * distance
        for level in range(block.images):
            source = (56 + element) * tiles.slot_stream + level * (tiles.block_rows + 1) * tiles.columns
            for _ in range(block.rows):
                copy_vector(space, source, v, target)
                source += tiles.columns
                target += tiles.width


@jit
def transform_output(m, start, block, tiles, space, plus, y, f):
    """Compute ``Aᵀ m A + plus`` of one filter, and write it: (6, 6) streams become rows of `y`."""
    N, F, H, W = y.shape
    numbers = y.reshape(y.size)
    stream, count = tiles.stream, count_of(block, tiles)
    down, along = np.empty(6, np.int64), np.empty(6, np.int64)
    for k in range(6):
        down[k] = k * 6 * stream
        along[k] = k * stream
    for j in range(6):
        _apply_AT(m, start + j * stream, down, space, j * stream, 6 * stream, count)
    for i in range(4):
        _apply_AT(space, i * 6 * stream, along, space, (24 + i * 4) * stream, stream, count)
        _merge_4(space, (24 + i * 4) * stream, stream, plus, space, 0, count)
        for level in range(block.images):
            place = ((block.image + level) * F + f) * H + 4 * block.row + i
            for row in range(min(block.rows, (H - 4 * block.row - i + 3) // 4)):
                source = 4 * (level * block.rows + row) * tiles.width
                copy_run(space, source, numbers, (place + 4 * row) * W, W)
