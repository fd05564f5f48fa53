"""Numbers moved, or multiplied by a small constant matrix, whole vectors at a time.

The compiler turns the plain loops into moves of single numbers, or into instructions that are as slow.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minivision.core.numba_internals import clear_memory, copy_memory, element_address
from minivision.kernels.numba.engine.vectors import ROWS, VECTORS, Vectors, accumulate, index_constant, load_index


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
            v = Vectors(context, builder, signature.args[0].dtype)
            x = element_address(context, builder, signature.args[0], x, x_start)
            y = element_address(context, builder, signature.args[3], y, y_start)
            offsets = element_address(context, builder, signature.args[2], offsets, index_constant(0))
            sources = [v.at(x, load_index(builder, offsets, index_constant(k))) for k in range(len(matrix[0]))]
            targets = [v.at(y, builder.mul(y_step, index_constant(r))) for r in range(len(matrix))]

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

            accumulate(builder, count, v.lanes, [], one_vector)
            return context.get_dummy_value()

        return signature, generate

    return apply_matrix


def make_apply_on_both_sides(matrix):
    """Return an intrinsic that computes ``M x Mᵀ`` for ROWS small squares x at once, a lane each.

    ``apply(x, x_start, x_step, y, y_start, y_step)`` reads element k of the squares, counted row by row, from
    ``x[x_start + k * x_step]`` on, and writes element k of the results from ``y[y_start + k * y_step]`` on. It
    computes in double precision.
    """
    size = len(matrix[0])

    @intrinsic
    def apply_on_both_sides(typing, x, x_start, x_step, y, y_start, y_step):
        i = types.int64

        def generate(context, builder, signature, arguments):
            x, x_start, x_step, y, y_start, y_step = arguments
            v = Vectors(context, builder, signature.args[0].dtype, lanes=ROWS)
            double = Vectors(context, builder, types.float64, lanes=ROWS)
            x = element_address(context, builder, signature.args[0], x, x_start)
            y = element_address(context, builder, signature.args[3], y, y_start)

            def product(row, values):
                total = None
                for factor, value in zip(row, values, strict=True):
                    if factor != 0:
                        constant = ir.Constant(double.type, [float(factor)] * ROWS)
                        if total is None:
                            total = builder.fmul(constant, value)
                        else:
                            total = double.multiply_add(constant, value, total)
                return total

            loaded = [v.load(x, builder.mul(x_step, index_constant(k))) for k in range(size * size)]
            if v.type != double.type:
                loaded = [builder.fpext(value, double.type) for value in loaded]
            half = [[product(row, loaded[j::size]) for j in range(size)] for row in matrix]  # M x
            for i, values in enumerate(half):
                for j, row in enumerate(matrix):
                    value = product(row, values)
                    if v.type != double.type:
                        value = builder.fptrunc(value, v.type)
                    v.store(value, y, builder.mul(y_step, index_constant(i * len(matrix) + j)))
            return context.get_dummy_value()

        return types.void(x, i, i, y, i, i), generate

    return apply_on_both_sides


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
            v = Vectors(context, builder, signature.args[0].dtype)
            x = element_address(context, builder, signature.args[0], x, x_start)
            y = element_address(context, builder, signature.args[2], y, y_start)

            def one_vector(position, _):
                source = v.at(x, builder.mul(position, index_constant(step)))
                parts = [v.load(source, index_constant(k * v.lanes)) for k in range(step)]
                width = v.lanes
                while len(parts) > 1:  # concatenate pairs until one long vector holds all
                    width *= 2
                    parts = [v.shuffle(a, b, list(range(width))) for a, b in zip(parts[::2], parts[1::2], strict=True)]
                for k in range(step):
                    target = v.at(y, builder.mul(distance, index_constant(k)))
                    stream = v.shuffle(parts[0], parts[0], [k + step * lane for lane in range(v.lanes)])
                    v.store(stream, target, position)
                return []

            accumulate(builder, count, v.lanes, [], one_vector)
            return context.get_dummy_value()

        return signature, generate

    return split


@intrinsic
def take_every_second(typing, x, x_start, y, y_start, count):
    """Copy every second number: ``y[y_start + i] = x[x_start + 2 * i]`` for i < count.

    Whole vectors are read and written, up to two vectors beyond the last number of `x` and one beyond that of `y`.
    """
    i = types.int64

    def generate(context, builder, signature, arguments):
        x, x_start, y, y_start, count = arguments
        v = Vectors(context, builder, signature.args[0].dtype)
        x = element_address(context, builder, signature.args[0], x, x_start)
        y = element_address(context, builder, signature.args[2], y, y_start)

        def one_vector(position, _):
            source = v.at(x, builder.mul(position, index_constant(2)))
            first, second = v.load(source, index_constant(0)), v.load(source, index_constant(v.lanes))
            v.store(v.shuffle(first, second, list(range(0, 2 * v.lanes, 2))), y, position)
            return []

        accumulate(builder, count, v.lanes, [], one_vector)
        return context.get_dummy_value()

    return types.void(x, i, y, i, i), generate


def make_merge(step):
    """Return an intrinsic that does the reverse of `make_split`: numbers of `step` (2 or 4) streams in turn, plus one.

    ``merge(x, x_start, distance, plus, y, y_start, count)`` sets, for each i < count and k < step,
    ``y[y_start + step * i + k] = x[x_start + k * distance + i] + plus``. Whole vectors are read and written, up to
    `step` vectors beyond the end.
    """

    @intrinsic
    def merge(typing, x, x_start, distance, plus, y, y_start, count):
        i = types.int64

        def generate(context, builder, signature, arguments):
            x, x_start, distance, plus, y, y_start, count = arguments
            v = Vectors(context, builder, signature.args[0].dtype)
            x = element_address(context, builder, signature.args[0], x, x_start)
            y = element_address(context, builder, signature.args[4], y, y_start)
            constant = v.broadcast(plus)
            low = [k // 2 + k % 2 * v.lanes for k in range(v.lanes)]
            high = [k + v.lanes // 2 for k in low]

            def one_vector(position, _):
                sources = [v.at(x, builder.mul(distance, index_constant(k))) for k in range(step)]
                parts = [builder.fadd(v.load(source, position), constant) for source in sources]
                width = 1  # vectors that belong together
                while width < step:  # two and two become one of twice the length, numbers in turn
                    half = len(parts) // 2
                    groups = [parts[k : k + width] for k in range(0, len(parts), width)]
                    pairs = zip(groups[: half // width], groups[half // width :], strict=True)
                    parts = []
                    for first, second in pairs:
                        for a, b in zip(first, second, strict=True):
                            parts += [v.shuffle(a, b, low), v.shuffle(a, b, high)]
                    width *= 2
                target = v.at(y, builder.mul(position, index_constant(step)))
                for k, part in enumerate(parts):
                    v.store(part, target, index_constant(k * v.lanes))
                return []

            accumulate(builder, count, v.lanes, [], one_vector)
            return context.get_dummy_value()

        return types.void(x, i, i, x.dtype, y, i, i), generate

    return merge


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
        v = Vectors(context, builder, signature.args[0].dtype, lanes=ROWS)
        x = element_address(context, builder, signature.args[0], x, x_start)
        y = element_address(context, builder, signature.args[3], y, y_start)
        rows = [v.load(x, builder.mul(x_stride, index_constant(r))) for r in range(ROWS)]
        step = 1
        while step < ROWS:
            for r in range(ROWS):
                if not r & step:
                    upper, lower = rows[r], rows[r + step]
                    rows[r] = v.shuffle(upper, lower, [k - step + ROWS if k & step else k for k in range(ROWS)])
                    rows[r + step] = v.shuffle(upper, lower, [k + ROWS if k & step else k + step for k in range(ROWS)])
            step *= 2
        for k in range(ROWS):
            v.store(rows[k], y, builder.mul(y_stride, index_constant(k)))
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
        with builder.if_then(builder.icmp_signed(">", count, index_constant(0))):
            source = element_address(context, builder, signature.args[0], x, x_start)
            target = element_address(context, builder, signature.args[2], y, y_start)
            copy_memory(builder, target, source, count, signature.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(x, i, y, i, i), generate


def _make_copy(vectors):
    @intrinsic
    def copy(typing, x, x_start, y, y_start):
        i = types.int64

        def generate(context, builder, signature, arguments):
            x, x_start, y, y_start = arguments
            v = Vectors(context, builder, signature.args[0].dtype)
            source = element_address(context, builder, signature.args[0], x, x_start)
            target = element_address(context, builder, signature.args[2], y, y_start)
            values = [v.load(source, index_constant(k * v.lanes)) for k in range(vectors)]
            for k, value in enumerate(values):
                v.store(value, target, index_constant(k * v.lanes))
            return context.get_dummy_value()

        return types.void(x, i, y, i), generate

    copy.__doc__ = f"""Copy {vectors} vector(s): ``y[y_start + i] = x[x_start + i]``.

    For so few numbers, `copy_run` would call the C library.
    """
    return copy


copy_vector, copy_vectors = _make_copy(1), _make_copy(VECTORS)


@intrinsic
def clear_run(typing, y, y_start, count):
    """Set a run of numbers to zero: ``y[y_start + i] = 0`` for i < count; none if count is negative."""
    i = types.int64

    def generate(context, builder, signature, arguments):
        y, y_start, count = arguments
        with builder.if_then(builder.icmp_signed(">", count, index_constant(0))):
            target = element_address(context, builder, signature.args[0], y, y_start)
            size = builder.mul(count, index_constant(signature.args[0].dtype.bitwidth // 8))
            clear_memory(builder, target, size)
        return context.get_dummy_value()

    return types.void(y, i, i), generate
