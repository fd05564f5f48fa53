"""The instructions that read and set the switch, for every thread of the kernels."""

import platform

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minivision.core.compile import jit

_IS_ARM = platform.machine().lower() in ("aarch64", "arm64")
# x86: MXCSR, whose bit 15 flushes results and bit 6 operands. ARM: FPCR, whose bit 24 does both.
_SWITCH = 1 << 24 if _IS_ARM else 1 << 15 | 1 << 6
_ADDRESS = ir.IntType(8).as_pointer()


@intrinsic
def _read_control(typing):
    def generate(context, builder, signature, arguments):
        if _IS_ARM:
            read = ir.InlineAsm(ir.FunctionType(ir.IntType(64), []), "mrs $0, fpcr", "=r", side_effect=True)
            return builder.call(read, [])
        word = builder.alloca(ir.IntType(32))
        _call(builder, "llvm.x86.sse.stmxcsr", word)
        return builder.zext(builder.load(word, typ=ir.IntType(32)), ir.IntType(64))

    return types.int64(), generate


@intrinsic
def _write_control(typing, value):
    def generate(context, builder, signature, arguments):
        if _IS_ARM:
            kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
            builder.call(ir.InlineAsm(kind, "msr fpcr, $0", "r", side_effect=True), arguments)
        else:
            word = builder.alloca(ir.IntType(32))
            builder.store(builder.trunc(arguments[0], ir.IntType(32)), word)
            _call(builder, "llvm.x86.sse.ldmxcsr", word)
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _call(builder, name, address):
    function = builder.module.declare_intrinsic(name, (), ir.FunctionType(ir.VoidType(), [_ADDRESS]))
    builder.call(function, [builder.bitcast(address, _ADDRESS)])


@jit
def is_on():
    """Return whether subnormal results become zero in this thread."""
    return _read_control() & _SWITCH == _SWITCH


@jit(parallel=True)
def switch(on, threads):
    """Set the switch in this thread and in each of the threads of the kernels."""
    for _ in numba.prange(threads):
        _set(on)
    _set(on)


@jit
def _set(on):
    control = _read_control()
    _write_control(control | _SWITCH if on else control & ~_SWITCH)
