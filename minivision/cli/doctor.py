"""Show what is installed and which code runs."""

import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import sys

from minivision.core.progress import progress_bar

LAYERS = {  # what a threading layer of Numba cannot do
    "omp": "; a forked process cannot use them, so start processes by spawn",
    "workqueue": "; they serve one Python thread at a time, so operations of other threads wait",
}
EPILOG = """\
examples:
  minivision doctor
  minivision doctor --warm
"""


def add_arguments(parser, system):
    parser.add_argument("--warm", action="store_true", help="compile all kernels now")


def run(args):
    from minivision import __version__
    from minivision.core import backends

    backend, reason = backends.active_backend()
    rows = [
        ("minivision", __version__),
        ("Python", f"{platform.python_version()}, {sys.executable}"),
        ("system", f"{platform.platform()}, {_cores()} cores"),
        *((name, _version(name)) for name in ("numpy", "scikit-image", "matplotlib")),
        ("numba", _numba()),
        *_waiting(),
        ("cupy", _cupy()),
        ("backend", f"{backend.name}, {reason}"),
    ]
    rows += [("kernel cache", _folder(_kernel_cache())), ("data cache", _folder(_data_cache()))]
    for name, value in rows:
        print(f"{name:<14}{value}")
    healthy = all([_print_kernels(name) for name in ("numba", "cupy")])
    if args.warm:
        healthy &= _warm(backend)
    return 0 if healthy else 1


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _numba():
    """Return Numba's version and threading layer, which Numba chooses when it first launches threads."""
    try:
        import numba

        from minivision.core.numba_internals import openmp_library

        threads = numba.get_num_threads()  # launches them
        layer = f"threading layer {numba.threading_layer()}, {threads} threads{LAYERS.get(numba.threading_layer(), '')}"
        library = openmp_library()
        layer += f" (OpenMP of {library})" if library else ""
    except ImportError as error:
        return f"{_version('numba')}: {error}; operations run as reference implementations, hundreds of times slower"
    except Exception as error:  # no layer works: NumPy and kernels without threads still work
        return f"{_version('numba')}, no threading layer: {error}"
    return f"{numba.__version__}, {layer}"


def _waiting():
    """Return a row about threads that wait, where they are in the way of others."""
    try:
        from minivision.core.numba_internals import openmp_library, threads_spin
    except ImportError:
        return []
    if openmp_library() is None or not threads_spin():
        return []
    advice = "on a busy machine start Python with OMP_WAIT_POLICY=passive in the environment"
    return [
        ("threads", f"in scripts and notebooks they spin while they wait, as PyTorch's in the same OpenMP; {advice}")
    ]


def _cupy():
    try:
        import cupy
    except ImportError:
        return "not installed, so the GPU is not used (pip install minivision[gpu12], or gpu13 for CUDA 13)"
    try:
        device = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
        free, total = cupy.cuda.Device().mem_info
    except Exception as error:  # CUDA's own errors: no driver, no device
        return f"{cupy.__version__}, but no GPU can be used: {error}"
    return f"{cupy.__version__}, {device['name'].decode()}, {free >> 20} of {total >> 20} MiB free"


def _kernel_cache():
    """Return the folder of Numba's compiled kernels, or None."""
    from minivision.core import backends, registry

    try:
        from minivision.core.numba_internals import cache_folder
    except ImportError:  # reported with Numba
        return None
    for operation in registry.operations().values():
        try:
            kernel = backends.get_backend("numba").kernel(operation)
        except Exception:  # reported with the kernels
            return None
        for function in (kernel, *getattr(kernel, "__globals__", {}).values()):
            folder = cache_folder(function)
            if folder:
                return pathlib.Path(folder)
    return None


def _data_cache():
    from minivision.data.cache import cache_folder

    return cache_folder()


def _folder(path):
    """Return a folder with the information whether it can be written to (if it does not exist: whether it could be)."""
    if path is None:
        return "none: nothing is kept between runs"
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    state = "writable" if os.access(existing, os.W_OK) else "NOT writable: nothing is kept between runs"
    return f"{path}, {state}"


def _print_kernels(name):
    """Print which operations have no kernel in a backend; return whether its kernels can be loaded."""
    from minivision.core import backends, registry

    if name == "cupy" and importlib.util.find_spec("cupy") is None:
        print(f"{'cupy kernels':<14}not loaded: CuPy is not installed")
        return True
    operations = registry.operations().values()
    try:
        missing = [op.__name__ for op in operations if backends.get_backend(name).kernel(op) is None]
    except Exception as error:  # any error in a module of kernels
        print(f"{name + ' kernels':<14}cannot be loaded: {error}")
        return False
    print(f"{name + ' kernels':<14}{len(operations) - len(missing)} of {len(operations)} operations")
    if missing:
        print(f"{'':<14}none for {', '.join(missing)}: the reference implementation runs")
    return True


def _warm(backend):
    """Run every operation once on small float32 arrays; return whether all of them ran."""
    import time
    import warnings

    import numpy as np

    from minivision.checks.cases import cases_of
    from minivision.core import registry

    start, failed = time.perf_counter(), {}
    operations = registry.operations()
    with progress_bar(operations.items(), unit="operation", leave=False) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, operation in bar:
            bar.set_postfix_str(name)
            try:
                for arguments, keywords in cases_of(operation, np.random.default_rng(0)):
                    keywords = {key: _float32(value) for key, value in keywords.items()}
                    operation(*map(_float32, arguments), **keywords)
            except Exception as error:  # go on with the other operations
                failed[name] = error
    print(f"warmed up     {len(operations) - len(failed)} operations of backend {backend.name} "
          f"in {time.perf_counter() - start:.1f} s")  # fmt: skip
    for name, reason in failed.items():
        print(f"{'':<14}{name} failed: {type(reason).__name__}: {' '.join(str(reason).split())[:200]}")
    return not failed


def _float32(value):
    """Convert the float64 arrays of a case to float32, which models use."""
    import numpy as np

    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype(np.float32)
    return type(value)(map(_float32, value)) if type(value) in (tuple, list) else value
