"""Vectors of the processor, for functions that are written as LLVM instructions (`numba.extending.intrinsic`).

Numba has no vector type. Where the compiler would not see that several numbers can be computed at once, functions are
built from these parts: ``register_tile.py`` multiplies, ``vector_moves.py`` moves. Everything that uses those is plain
Numba.
"""

import numpy as np
from llvmlite import ir

from minivision.core.numba_internals import target_processor


def _has_wide_registers():
    name, features = target_processor()
    return "+avx512f" in features or name in ("skylake-avx512", "icelake-server", "sapphirerapids", "znver4", "znver5")


# 32 registers of 64 bytes hold 8 x 3 sums with room for the operands; 16 registers of 32 bytes hold 4 x 3.
ROWS, VECTOR_BYTES = (8, 64) if _has_wide_registers() else (4, 32)
VECTORS = 3
LONG = 8  # vectors of a tile of one row

INDEX = ir.IntType(64)


def lanes_of(dtype):
    """Return how many numbers of `dtype` one vector holds."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def index_constant(value):
    return ir.Constant(INDEX, value)


def load_index(builder, offsets, k):
    """Return ``offsets[k]``, an index of 64 bits."""
    return builder.load(builder.gep(offsets, [k], source_etype=INDEX), typ=INDEX)


class Vectors:
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


def accumulate(builder, count, step, sums, body):
    """Emit ``for i in range(0, count, step): sums = body(i, sums)`` with the sums in registers; return the sums."""
    before = builder.block
    loop = builder.append_basic_block("tile")
    after = builder.append_basic_block("tile.end")
    builder.cbranch(builder.icmp_signed(">", count, index_constant(0)), loop, after)

    builder.position_at_end(loop)
    i = builder.phi(INDEX)
    i.add_incoming(index_constant(0), before)
    running = []
    for value in sums:
        phi = builder.phi(value.type)
        phi.add_incoming(value, before)
        running.append(phi)
    updated = body(i, running)
    following = builder.add(i, index_constant(step))
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
