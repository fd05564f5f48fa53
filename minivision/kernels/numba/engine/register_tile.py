"""The two innermost loops of every convolution: a block of sums that stays in the processor's registers.

A multiply-add needs two operands, and loading them costs as much as the arithmetic. So each loaded vector must be
used several times. `multiply_rows` keeps a tile of ROWS x (up to 3 vectors) of the result in registers: one step
loads 3 vectors of x and ROWS weights, and does ROWS * 3 vector multiply-adds with them. `dot_rows` does the same
for sums over pixels. Plain loops, with rows of the result in the first-level cache, ran at 0.70 of this speed.

Numba has no vector type, so these functions are written as LLVM instructions (`numba.extending.intrinsic`);
everything that uses them is plain Numba. To try another tile, only this file has to change.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minivision.core.numba_internals import clear_memory, copy_memory, element_address, target_processor


def _has_wide_registers():
    name, features = target_processor()
    return "+avx512f" in features or name in ("skylake-avx512", "icelake-server", "sapphirerapids", "znver4", "znver5")


# 32 registers of 64 bytes hold 8 x 3 sums with room for the operands; 16 registers of 32 bytes hold 4 x 3.
ROWS, VECTOR_BYTES = (8, 64) if _has_wide_registers() else (4, 32)
VECTORS = 3
LONG = 8  # vectors of a tile of one row

_INDEX = ir.IntType(64)


def lanes_of(dtype):
    """Return how many numbers of `dtype` one vector holds."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def _index(value):
    return ir.Constant(_INDEX, value)


def _load_index(builder, offsets, k):
    """Return ``offsets[k]``, an index of 64 bits."""
    return builder.load(builder.gep(offsets, [k], source_etype=_INDEX), typ=_INDEX)


class _Vectors:
    """Emits loads, stores and multiply-adds of whole vectors."""

    def __init__(self, context, builder, scalar_type, lanes=None):
        self.builder = builder
        self.element = context.get_value_type(scalar_type)
        self.lanes = lanes or VECTOR_BYTES * 8 // scalar_type.bitwidth
        self.type = ir.VectorType(self.element, self.lanes)
        self.bytes = scalar_type.bitwidth // 8
        self.zero = ir.Constant(self.type, [0.0] * self.lanes)

    def at(self, pointer, offset):
        """Return the address of the number that lies `offset` numbers behind `pointer`."""
        return self.builder.gep(pointer, [offset], source_etype=self.element)

    def address(self, pointer, offset):
        vector = self.at(pointer, offset)
        if hasattr(vector.type, "pointee"):  # llvmlite before its pointers became opaque
            return self.builder.bitcast(vector, self.type.as_pointer())
        return vector

    def load(self, pointer, offset):
        return self.builder.load(self.address(pointer, offset), align=self.bytes, typ=self.type)

    def load_scalar(self, pointer):
        return self.builder.load(pointer, typ=self.element)

    def store(self, value, pointer, offset):
        self.builder.store(value, self.address(pointer, offset), align=self.bytes)

    def broadcast(self, scalar):
        """Return a vector with `scalar` in every lane."""
        undefined = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(first, undefined, [0] * self.lanes)

    def shuffle(self, a, b, lanes):
        """Return the given lanes of `a` and `b` as a vector; the lanes of `b` are counted after those of `a`."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))

    def multiply_add(self, a, b, total):
        """Return ``a * b + total``; "contract" allows a single fused instruction."""
        product = self.builder.fmul(a, b, flags=("contract",))
        return self.builder.fadd(product, total, flags=("contract",))

    def sum(self, vector):
        """Return the sum of the lanes: add the upper half to the lower half until one lane is left."""
        width = self.lanes
        while width > 1:
            width //= 2
            upper = self.shuffle(vector, vector, [(i + width) % self.lanes for i in range(self.lanes)])
            vector = self.builder.fadd(vector, upper)
        return self.builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _accumulate(builder, count, step, sums, body):
    """Emit ``for i in range(0, count, step): sums = body(i, sums)`` with the sums in registers; return the sums."""
    before = builder.block
    loop = builder.append_basic_block("tile")
    after = builder.append_basic_block("tile.end")
    builder.cbranch(builder.icmp_signed(">", count, _index(0)), loop, after)

    builder.position_at_end(loop)
    i = builder.phi(_INDEX)
    i.add_incoming(_index(0), before)
    running = []
    for value in sums:
        phi = builder.phi(value.type)
        phi.add_incoming(value, before)
        running.append(phi)
    updated = body(i, running)
    following = builder.add(i, _index(step))
    i.add_incoming(following, builder.block)
    for phi, value in zip(running, updated, strict=True):
        phi.add_incoming(value, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    last = builder.block

    builder.position_at_end(after)
    results = []
    for start, value in zip(sums, updated, strict=True):
        phi = builder.phi(value.type)
        phi.add_incoming(start, before)
        phi.add_incoming(value, last)
        results.append(phi)
    return results


def _tap_of_rows(builder, v, x, offsets, w, vectors, rows=ROWS):
    """Return a function that emits one step of a tile: each vector of x times the first `rows` weights of a tap."""

    def one_tap(tap, sums):
        source = v.at(x, _load_index(builder, offsets, tap))
        inputs = [v.load(source, _index(k * v.lanes)) for k in range(vectors)]
        weights = v.at(w, builder.mul(tap, _index(ROWS)))
        updated = []
        for row in range(rows):
            weight = v.broadcast(v.load_scalar(v.at(weights, _index(row))))
            for k in range(vectors):
                updated.append(v.multiply_add(weight, inputs[k], sums[row * vectors + k]))
        return updated

    return one_tap


def _make_multiply_rows(vectors, rows=ROWS):
    @intrinsic
    def multiply_rows(typing, x, x_start, offsets, count, w, w_start, b, b_start, y, y_start, y_stride):
        i = types.int64
        signature = types.void(x, i, offsets, i, w, i, b, i, y, i, i)

        def generate(context, builder, signature, arguments):
            x, x_start, offsets, count, w, w_start, b, b_start, y, y_start, y_stride = arguments
            kinds = dict(
                zip(("x", "offsets", "w", "b", "y"), (signature.args[k] for k in (0, 2, 4, 6, 8)), strict=True)
            )
            v = _Vectors(context, builder, kinds["x"].dtype)
            x = element_address(context, builder, kinds["x"], x, x_start)
            w = element_address(context, builder, kinds["w"], w, w_start)
            b = element_address(context, builder, kinds["b"], b, b_start)
            y = element_address(context, builder, kinds["y"], y, y_start)
            offsets = element_address(context, builder, kinds["offsets"], offsets, _index(0))

            one_tap = _tap_of_rows(builder, v, x, offsets, w, vectors, rows)
            bias = [v.broadcast(v.load_scalar(v.at(b, _index(row)))) for row in range(rows)]
            start = [bias[row] for row in range(rows) for _ in range(vectors)]
            sums = _accumulate(builder, count, 1, start, one_tap)
            for row in range(rows):
                for k in range(vectors):
                    offset = builder.add(builder.mul(y_stride, _index(row)), _index(k * v.lanes))
                    v.store(sums[row * vectors + k], y, offset)
            return context.get_dummy_value()

        return signature, generate

    multiply_rows.__doc__ = f"""Compute a tile of {rows} rows and {vectors} vector(s).

    ``y[y_start + row * y_stride + i] = b[b_start + row]
    + sum over tap < count of w[w_start + tap * ROWS + row] * x[x_start + offsets[tap] + i]``
    """
    return multiply_rows


multiply_rows_3 = _make_multiply_rows(3)
multiply_rows_2 = _make_multiply_rows(2)
multiply_rows_1 = _make_multiply_rows(1)
# Of a single filter, as in depthwise convolutions: many vectors, so that the sums of one need not wait for each other.
multiply_row_8 = _make_multiply_rows(LONG, rows=1)
multiply_row_3 = _make_multiply_rows(3, rows=1)
multiply_row_1 = _make_multiply_rows(1, rows=1)


def _make_add_rows(vectors):
    @intrinsic
    def add_rows(typing, x, x_start, offsets, count, w, w_start, y, y_start, y_stride):
        i = types.int64
        signature = types.void(x, i, offsets, i, w, i, y, i, i)

        def generate(context, builder, signature, arguments):
            x, x_start, offsets, count, w, w_start, y, y_start, y_stride = arguments
            v = _Vectors(context, builder, signature.args[0].dtype)
            x = element_address(context, builder, signature.args[0], x, x_start)
            w = element_address(context, builder, signature.args[4], w, w_start)
            y = element_address(context, builder, signature.args[6], y, y_start)
            offsets = element_address(context, builder, signature.args[2], offsets, _index(0))
            places = [
                builder.add(builder.mul(y_stride, _index(row)), _index(k * v.lanes))
                for row in range(ROWS)
                for k in range(vectors)
            ]
            one_tap = _tap_of_rows(builder, v, x, offsets, w, vectors)
            sums = _accumulate(builder, count, 1, [v.load(y, place) for place in places], one_tap)
            for total, place in zip(sums, places, strict=True):
                v.store(total, y, place)
            return context.get_dummy_value()

        return signature, generate

    add_rows.__doc__ = f"""Add a tile of ROWS rows and {vectors} vector(s) to `y`.

    ``y[y_start + row * y_stride + i]
    += sum over tap < count of w[w_start + tap * ROWS + row] * x[x_start + offsets[tap] + i]``
    """
    return add_rows


add_rows_3 = _make_add_rows(3)
add_rows_2 = _make_add_rows(2)
add_rows_1 = _make_add_rows(1)


def _make_dot_rows(rows, vectors):
    @intrinsic
    def dot_rows(typing, a, a_start, a_stride, x, offsets, offsets_start, count, c, c_start, c_stride):
        i = types.int64
        signature = types.void(a, i, i, x, offsets, i, i, c, i, i)

        def generate(context, builder, signature, arguments):
            a, a_start, a_stride, x, offsets, offsets_start, count, c, c_start, c_stride = arguments
            v = _Vectors(context, builder, signature.args[0].dtype)
            a = element_address(context, builder, signature.args[0], a, a_start)
            x = element_address(context, builder, signature.args[3], x, _index(0))
            offsets = element_address(context, builder, signature.args[4], offsets, offsets_start)
            c = element_address(context, builder, signature.args[7], c, c_start)
            left_sides = [v.at(a, builder.mul(a_stride, _index(row))) for row in range(rows)]
            columns = [v.at(x, _load_index(builder, offsets, _index(k))) for k in range(vectors)]

            def one_vector(position, sums):
                left = [v.load(pointer, position) for pointer in left_sides]
                right = [v.load(pointer, position) for pointer in columns]
                pairs = [(row, k) for row in range(rows) for k in range(vectors)]
                return [v.multiply_add(left[row], right[k], sums[row * vectors + k]) for row, k in pairs]

            sums = _accumulate(builder, count, v.lanes, [v.zero] * (rows * vectors), one_vector)
            for row in range(rows):
                for k in range(vectors):
                    target = v.at(c, builder.add(builder.mul(c_stride, _index(row)), _index(k)))
                    builder.store(builder.fadd(v.load_scalar(target), v.sum(sums[row * vectors + k])), target)
            return context.get_dummy_value()

        return signature, generate

    dot_rows.__doc__ = f"""Add {rows} x {vectors} dot products over `count` numbers (a multiple of the lanes) to `c`.

    ``c[c_start + row * c_stride + k] += sum over i < count of
    a[a_start + row * a_stride + i] * x[offsets[offsets_start + k] + i]``
    """
    return dot_rows


dot_rows = _make_dot_rows(ROWS, VECTORS)
dot_row = _make_dot_rows(1, LONG)  # of a single filter


def make_apply_matrix(matrix):
    """Return an intrinsic that multiplies by a small constant matrix, lane by lane.

    ``apply(x, x_start, offsets, y, y_start, y_step, count)`` sets, for each i < count,
    ``y[y_start + r * y_step + i] = sum over k of matrix[r][k] * x[x_start + offsets[k] + i]``.
    Up to a vector more than `count` is written.
    """

    @intrinsic
    def apply_matrix(typing, x, x_start, offsets, y, y_start, y_step, count):
        i = types.int64
        signature = types.void(x, i, offsets, y, i, i, i)

        def generate(context, builder, signature, arguments):
            x, x_start, offsets, y, y_start, y_step, count = arguments
            v = _Vectors(context, builder, signature.args[0].dtype)
            x = element_address(context, builder, signature.args[0], x, x_start)
            y = element_address(context, builder, signature.args[3], y, y_start)
            offsets = element_address(context, builder, signature.args[2], offsets, _index(0))
            sources = [v.at(x, _load_index(builder, offsets, _index(k))) for k in range(len(matrix[0]))]
            targets = [v.at(y, builder.mul(y_step, _index(r))) for r in range(len(matrix))]

            def one_vector(position, _):
                inputs = [v.load(source, position) for source in sources]
                for target, row in zip(targets, matrix, strict=True):
                    total = None
                    for factor, value in zip(row, inputs, strict=True):
                        if factor == 0:
                            continue
                        constant = ir.Constant(v.type, [float(factor)] * v.lanes)
                        if total is not None:
                            total = v.multiply_add(constant, value, total)
                        else:
                            total = value if factor == 1 else builder.fmul(constant, value)
                    v.store(total, target, position)
                return []

            _accumulate(builder, count, v.lanes, [], one_vector)
            return context.get_dummy_value()

        return signature, generate

    return apply_matrix


def make_split(step):
    """Return an intrinsic that distributes a row of numbers over `step` (2 or 4) streams in turn.

    ``split(x, x_start, y, y_start, distance, count)`` sets, for each i < count and k < step,
    ``y[y_start + k * distance + i] = x[x_start + step * i + k]``. Whole vectors are read and written, up to a
    vector beyond the end of each stream.
    """

    @intrinsic
    def split(typing, x, x_start, y, y_start, distance, count):
        i = types.int64
        signature = types.void(x, i, y, i, i, i)

        def generate(context, builder, signature, arguments):
            x, x_start, y, y_start, distance, count = arguments
            v = _Vectors(context, builder, signature.args[0].dtype)
            x = element_address(context, builder, signature.args[0], x, x_start)
            y = element_address(context, builder, signature.args[2], y, y_start)

            def one_vector(position, _):
                source = v.at(x, builder.mul(position, _index(step)))
                parts = [v.load(source, _index(k * v.lanes)) for k in range(step)]
                width = v.lanes
                while len(parts) > 1:  # concatenate pairs until one long vector holds all
                    width *= 2
                    parts = [v.shuffle(a, b, list(range(width))) for a, b in zip(parts[::2], parts[1::2], strict=True)]
                for k in range(step):
                    target = v.at(y, builder.mul(distance, _index(k)))
                    stream = v.shuffle(parts[0], parts[0], [k + step * lane for lane in range(v.lanes)])
                    v.store(stream, target, position)
                return []

            _accumulate(builder, count, v.lanes, [], one_vector)
            return context.get_dummy_value()

        return signature, generate

    return split


@intrinsic
def transpose_tile(typing, x, x_start, x_stride, y, y_start, y_stride):
    """Copy a square of ROWS x ROWS numbers, transposed.

    ``y[y_start + k * y_stride + r] = x[x_start + r * x_stride + k]``

    Half of each vector is exchanged with half of another, first in steps of one number, then of two, and so on. The
    compiler would write the numbers one by one, or with instructions that are as slow.
    """
    i = types.int64

    def generate(context, builder, signature, arguments):
        x, x_start, x_stride, y, y_start, y_stride = arguments
        v = _Vectors(context, builder, signature.args[0].dtype, lanes=ROWS)
        x = element_address(context, builder, signature.args[0], x, x_start)
        y = element_address(context, builder, signature.args[3], y, y_start)
        rows = [v.load(x, builder.mul(x_stride, _index(r))) for r in range(ROWS)]
        step = 1
        while step < ROWS:
            for r in range(ROWS):
                if not r & step:
                    upper, lower = rows[r], rows[r + step]
                    rows[r] = v.shuffle(upper, lower, [k - step + ROWS if k & step else k for k in range(ROWS)])
                    rows[r + step] = v.shuffle(upper, lower, [k + ROWS if k & step else k + step for k in range(ROWS)])
            step *= 2
        for k in range(ROWS):
            v.store(rows[k], y, builder.mul(y_stride, _index(k)))
        return context.get_dummy_value()

    return types.void(x, i, i, y, i, i), generate


@intrinsic
def copy_run(typing, x, x_start, y, y_start, count):
    """Copy a run of numbers: ``y[y_start + i] = x[x_start + i]`` for i < count; none if count is negative.

    An assignment of slices does the same, but it counts references to the arrays, which costs more than copying a
    short row.
    """
    i = types.int64

    def generate(context, builder, signature, arguments):
        x, x_start, y, y_start, count = arguments
        with builder.if_then(builder.icmp_signed(">", count, _index(0))):
            source = element_address(context, builder, signature.args[0], x, x_start)
            target = element_address(context, builder, signature.args[2], y, y_start)
            copy_memory(builder, target, source, count, signature.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(x, i, y, i, i), generate


@intrinsic
def copy_vectors(typing, x, x_start, y, y_start):
    """Copy VECTORS vectors: ``y[y_start + i] = x[x_start + i]``. For so few, `copy_run` would call the C library."""
    i = types.int64

    def generate(context, builder, signature, arguments):
        x, x_start, y, y_start = arguments
        v = _Vectors(context, builder, signature.args[0].dtype)
        source = element_address(context, builder, signature.args[0], x, x_start)
        target = element_address(context, builder, signature.args[2], y, y_start)
        values = [v.load(source, _index(k * v.lanes)) for k in range(VECTORS)]
        for k, value in enumerate(values):
            v.store(value, target, _index(k * v.lanes))
        return context.get_dummy_value()

    return types.void(x, i, y, i), generate


@intrinsic
def clear_run(typing, y, y_start, count):
    """Set a run of numbers to zero: ``y[y_start + i] = 0`` for i < count; none if count is negative."""
    i = types.int64

    def generate(context, builder, signature, arguments):
        y, y_start, count = arguments
        with builder.if_then(builder.icmp_signed(">", count, _index(0))):
            target = element_address(context, builder, signature.args[0], y, y_start)
            size = builder.mul(count, _index(signature.args[0].dtype.bitwidth // 8))
            clear_memory(builder, target, size)
        return context.get_dummy_value()

    return types.void(y, i, i), generate
