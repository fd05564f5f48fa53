"""All uses of private parts of Numba.

Tested with Numba 0.61 to 0.68. If private parts of the cache are missing, the cache works without them. The functions
from `target_processor` on are needed for convolutions.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import pathlib
import sys
from typing import Any

import numba
from numba.core import cgutils

logger = logging.getLogger("minivision")


def start_threads() -> None:
    """Start Numba's threads such that a waiting thread soon releases its core, where that changes no other library.

    In GNU's OpenMP a waiting thread spins for milliseconds. If another program needs the core, threads that have work
    wait for those that spin, and a training step took ten times as long; on an idle machine there is no difference.
    PyTorch uses the same library in the same process, whichever is imported first, and its small operations are two
    to three times slower if its threads do not spin. So nothing is set where PyTorch is installed, except in this
    package's own commands. Settings of the user are kept.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys() and (is_own_process() or not _has_torch()):
        os.environ["GOMP_SPINCOUNT"] = "1000"
        numba.get_num_threads()  # starts the threads; OpenMP reads its variables only once
        del os.environ["GOMP_SPINCOUNT"]


def threads_spin() -> bool:
    """Return whether threads that wait keep their core for milliseconds in scripts and notebooks here."""
    if "OMP_WAIT_POLICY" in os.environ:
        return os.environ["OMP_WAIT_POLICY"].lower() == "active"
    return "GOMP_SPINCOUNT" not in os.environ and _has_torch()


def is_own_process() -> bool:
    """Return whether this process runs a command of the package, and no other library computes in it."""
    main = sys.modules.get("__main__")
    names = {pathlib.Path(getattr(main, "__file__", None) or "").name, getattr(main, "__package__", None)}
    return bool(names & {"minivision", "minivision.exe"})


def _has_torch():
    return importlib.util.find_spec("torch") is not None


def threading_layer() -> str:
    """Return which library Numba's threads come from: ``"tbb"``, ``"omp"`` or ``"workqueue"``; starts them."""
    numba.get_num_threads()
    return numba.threading_layer()


def openmp_library() -> str | None:
    """Return the file of GNU's OpenMP that this process uses; None if there is none, or the system does not tell."""
    try:
        lines = pathlib.Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(maxsplit=5)[-1] for line in lines if "libgomp" in line), None)


def compile_where_cache_fails(kernel: Any) -> None:
    """Let a kernel be compiled where its cached machine code cannot be read or written.

    A file of the cache that was cut short raises ``EOFError`` or whatever else unpickling meets, and a full disk an
    ``OSError``, at every call until somebody finds the cache. Without these private methods that is still so.
    """
    cache = getattr(kernel, "_cache", None)
    for name in ("load_overload", "save_overload"):
        method = getattr(cache, name, None)
        if method is None or not hasattr(cache, "__dict__"):
            return

        def attempt(*args, method=method):
            try:
                return method(*args)
            except Exception as error:
                _renew_cache(cache, error)
                return None  # "not in the cache": it is compiled

        setattr(cache, name, attempt)


_told: set[str] = set()  # folders whose trouble has been told


def _renew_cache(cache, error):
    """Forget what is damaged, so that it is written anew; tell about a folder once."""
    folder = str(getattr(cache, "cache_path", "?"))
    if folder not in _told:
        _told.add(folder)
        logger.warning("Kernels are compiled anew, since their cache in %s cannot be used: %r", folder, error)
    if not isinstance(error, OSError):  # which means a full disk, or a folder that cannot be written
        with contextlib.suppress(Exception):
            cache.flush()


def set_cache_stamp(kernel: Any, stamp: object) -> None:
    """Let the cached machine code of a kernel be valid as long as `stamp` is the same.

    Numba's own stamp is the time of the kernel's file (its content since Numba 0.68): a copy of a package with its
    cache, in an image of a container or a wheel, would compile everything again.
    """
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        index._source_stamp = stamp  # type: ignore[union-attr]


def cache_stamp(kernel: Any) -> Any:
    """Return the stamp of the cached machine code of a kernel, or None."""
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    return getattr(index, "_source_stamp", None)


def cache_folder(kernel: Any) -> str | None:
    """Return the folder in which the machine code of a kernel is cached, or None."""
    return getattr(getattr(kernel, "_cache", None), "cache_path", None)


def target_processor() -> tuple[str, str]:
    """Return the name and the features, such as ``"+avx2,+fma"``, of the processor that Numba compiles for."""
    from numba.core.registry import cpu_target

    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    return name, features


# For intrinsics (numba.extending.intrinsic): `context` and `builder` are what their code generators get.


def element_address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Return the address of ``array[index]`` as an LLVM value."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], source_etype=context.get_data_type(array_type.dtype))


def copy_memory(builder: Any, target: Any, source: Any, count: Any, item_size: int) -> None:
    """Emit a copy of `count` items of `item_size` bytes; `target` and `source` are addresses that do not overlap."""
    cgutils.raw_memcpy(builder, target, source, count, item_size)


def clear_memory(builder: Any, target: Any, size: Any) -> None:
    """Emit code that sets `size` bytes from the address `target` on to zero."""
    cgutils.memset(builder, target, size, 0)
