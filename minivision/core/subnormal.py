"""The switch of the processor that counts subnormal numbers as zero.

Numbers below 1.2e-38 (float32) or 2.2e-308 (float64) are stored with fewer digits, and Intel's processors take some 150
cycles for an instruction that meets or makes one. The kernels of this package make none out of ordinary numbers. Data
that have some, such as tails of a Gaussian, slow every library down: here is what helps.
"""

from __future__ import annotations

import platform

from minivision.core.arguments import flag

__all__ = ["flush_subnormals"]

_X86 = ("x86_64", "AMD64", "i386", "i686", "x86")
_ARM = ("aarch64", "arm64", "ARM64")


def flush_subnormals(on: bool = True) -> bool:
    """Let this thread and the threads of the kernels count subnormal numbers as zero, as operands and as results.

    It holds in this process until it is switched off, also for NumPy and other libraries where they compute in these
    threads, and for threads that these start. Results that were subnormal become zero; others are the same bits.
    NumPy may say that "the smallest subnormal is zero", which is now so.

    Parameters
    ----------
    on : bool
        False: as the processor does by itself.

    Returns
    -------
    before : bool
        Whether it was on, in this thread.

    Raises
    ------
    TypeError
        If `on` is no bool.
    RuntimeError
        Without Numba, or on a processor that is neither x86 nor ARM.

    Examples
    --------
    >>> import numpy as np
    >>> import minivision
    >>> before = minivision.flush_subnormals()
    >>> float(np.float32(1e-38) * np.float32(0.1))
    0.0
    >>> minivision.flush_subnormals(before)
    True
    """
    on = flag("on", on)
    if platform.machine() not in _X86 + _ARM:
        raise RuntimeError(f"the switch of the processor {platform.machine()!r} is not known")
    try:
        import numba

        from minivision.core.subnormal_switch import is_on, switch
    except ImportError as error:
        raise RuntimeError(f"the switch is set by compiled code, which needs Numba: {error}") from error
    before = is_on()
    switch(on, numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    return before
