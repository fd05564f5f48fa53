"""The innermost loops of every convolution and matrix product: a block of sums that stays in the processor's registers.

A multiply-add needs two operands, and loading them costs as much as the arithmetic. So each loaded vector must be
used several times. `multiply_rows` keeps a tile of ROWS x (up to 3 vectors) of the result in registers: one step
loads 3 vectors of x and ROWS weights, and does ROWS * 3 vector multiply-adds with them. `dot_rows` does the same
for sums over pixels. Plain loops, with rows of the result in the first-level cache, ran at 0.70 of this speed.

To try another tile, only this file and the constants of ``vectors.py`` have to change.
"""

from numba import types
from numba.extending import intrinsic

from minivision.core.numba_internals import element_address
from minivision.kernels.numba.engine.vectors import LONG, ROWS, VECTORS, Vectors, accumulate, index_constant, load_index


def _tap_of_rows(builder, v, x, offsets, w, vectors, rows=ROWS):
    """Return a function that emits one step of a tile: each vector of x times the first `rows` weights of a tap."""

    def one_tap(tap, sums):
        source = v.at(x, load_index(builder, offsets, tap))
        inputs = [v.load(source, index_constant(k * v.lanes)) for k in range(vectors)]
        weights = v.at(w, builder.mul(tap, index_constant(ROWS)))
        updated = []
        for row in range(rows):
            weight = v.broadcast(v.load_scalar(v.at(weights, index_constant(row))))
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
            v = Vectors(context, builder, kinds["x"].dtype)
            x = element_address(context, builder, kinds["x"], x, x_start)
            w = element_address(context, builder, kinds["w"], w, w_start)
            b = element_address(context, builder, kinds["b"], b, b_start)
            y = element_address(context, builder, kinds["y"], y, y_start)
            offsets = element_address(context, builder, kinds["offsets"], offsets, index_constant(0))

            one_tap = _tap_of_rows(builder, v, x, offsets, w, vectors, rows)
            bias = [v.broadcast(v.load_scalar(v.at(b, index_constant(row)))) for row in range(rows)]
            start = [bias[row] for row in range(rows) for _ in range(vectors)]
            sums = accumulate(builder, count, 1, start, one_tap)
            for row in range(rows):
                for k in range(vectors):
                    offset = builder.add(builder.mul(y_stride, index_constant(row)), index_constant(k * v.lanes))
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
            v = Vectors(context, builder, signature.args[0].dtype)
            x = element_address(context, builder, signature.args[0], x, x_start)
            w = element_address(context, builder, signature.args[4], w, w_start)
            y = element_address(context, builder, signature.args[6], y, y_start)
            offsets = element_address(context, builder, signature.args[2], offsets, index_constant(0))
            places = [
                builder.add(builder.mul(y_stride, index_constant(row)), index_constant(k * v.lanes))
                for row in range(ROWS)
                for k in range(vectors)
            ]
            one_tap = _tap_of_rows(builder, v, x, offsets, w, vectors)
            sums = accumulate(builder, count, 1, [v.load(y, place) for place in places], one_tap)
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
            v = Vectors(context, builder, signature.args[0].dtype)
            a = element_address(context, builder, signature.args[0], a, a_start)
            x = element_address(context, builder, signature.args[3], x, index_constant(0))
            offsets = element_address(context, builder, signature.args[4], offsets, offsets_start)
            c = element_address(context, builder, signature.args[7], c, c_start)
            left_sides = [v.at(a, builder.mul(a_stride, index_constant(row))) for row in range(rows)]
            columns = [v.at(x, load_index(builder, offsets, index_constant(k))) for k in range(vectors)]

            def one_vector(position, sums):
                left = [v.load(pointer, position) for pointer in left_sides]
                right = [v.load(pointer, position) for pointer in columns]
                pairs = [(row, k) for row in range(rows) for k in range(vectors)]
                return [v.multiply_add(left[row], right[k], sums[row * vectors + k]) for row, k in pairs]

            sums = accumulate(builder, count, v.lanes, [v.zero] * (rows * vectors), one_vector)
            for row in range(rows):
                for k in range(vectors):
                    target = v.at(c, builder.add(builder.mul(c_stride, index_constant(row)), index_constant(k)))
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
