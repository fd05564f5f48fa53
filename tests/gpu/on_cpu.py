"""CUDA kernels, compiled by g++ and run on the CPU: a replacement of ``cupy.RawModule``."""

import ctypes
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy as np

SHIM = pathlib.Path(__file__).with_name("cuda_shim.h")
COMPILER = shutil.which("g++")
MARGIN = 1024  # elements before and after each array that a kernel must not change
LETTERS = {"float32": "f", "float64": "d", "int32": "i", "int64": "q", "uint64": "u"}
backwards = False  # whether the threads run from last to first


class RawModule:
    """CUDA source, compiled when the first kernel is used."""

    def __init__(self, *, code, options=()):
        self._code, self._options = code, tuple(options)

    def get_function(self, name):
        return functools.partial(_launch, _library(self._code, self._options), name)


@functools.cache
def _library(code, options):
    """Compile, or load from the cache folder; the file name is a hash of everything that determines the result."""
    options = [option for option in options if option != "--fmad=false"]  # -ffp-contract=off for g++
    command = [COMPILER, "-x", "c++", "-std=c++17", "-O1", "-ffp-contract=off", "-Wall", "-shared", "-fPIC", *options]
    kernels = re.findall(r"__global__\s+void\s+(\w+)", code)
    text = f'{SHIM.read_text()}\n#line 1 "kernels.cu"\n{code}\n' + "\n".join(f"LAUNCHER({name})" for name in kernels)
    key = hashlib.sha256("\0".join([_version(), *command, text]).encode()).hexdigest()
    path = cache_folder() / f"{key}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            compiled = pathlib.Path(folder) / "compiled.so"
            result = subprocess.run([*command, "-", "-o", compiled], input=text, capture_output=True, text=True)
            assert result.returncode == 0, result.stderr
            compiled.replace(path)
    return ctypes.CDLL(str(path))


def cache_folder():
    """Return the folder that keeps compiled files between runs of the tests."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"minivision-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@functools.cache
def _version():
    return subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True).stdout


def _launch(library, name, grid, block, arguments):
    """Check the types of the arguments, then run a kernel; a write outside an array is an error."""
    import cupy

    letters_of = getattr(library, f"letters_of_{name}")
    letters_of.restype = ctypes.c_char_p
    actual = "".join(_letter(argument, cupy.ndarray) for argument in arguments)
    expected = letters_of().decode()
    assert actual == expected, f"{name} takes {expected}, but is called with {actual}"
    guarded = [_Guarded(argument) if isinstance(argument, cupy.ndarray) else argument for argument in arguments]
    passed = [
        ctypes.c_void_p(argument.inside.ctypes.data) if isinstance(argument, _Guarded)
        else np.ctypeslib.as_ctypes_type(argument.dtype)(argument.item())
        for argument in guarded
    ]  # fmt: skip
    pointers = (ctypes.c_void_p * len(passed))(*(ctypes.addressof(value) for value in passed))
    getattr(library, f"launch_{name}")(
        ctypes.c_uint(grid[0]), ctypes.c_uint(block[0]), ctypes.c_bool(backwards), pointers
    )
    for argument in guarded:
        if isinstance(argument, _Guarded):
            argument.give_back(name)


def _letter(argument, array_type):
    if isinstance(argument, array_type):
        assert argument.flags.c_contiguous, "a kernel got an array that is not contiguous"
        return LETTERS[argument.dtype.name].upper()
    assert isinstance(argument, np.generic), f"a kernel got {argument!r}, which has no fixed size in bytes"
    return LETTERS[argument.dtype.name]


class _Guarded:
    """A copy of an array between margins of NaN (for integers, of huge numbers)."""

    def __init__(self, array):
        self.host = array.host
        filler = np.nan if self.host.dtype.kind == "f" else np.iinfo(self.host.dtype).max // 2
        self.buffer = np.full(self.host.size + 2 * MARGIN, filler, self.host.dtype)
        self.inside = self.buffer[MARGIN : MARGIN + self.host.size]
        self.inside[...] = self.host.ravel()
        self.before = self.buffer.copy()

    def give_back(self, name):
        for part in (slice(None, MARGIN), slice(-MARGIN, None)):
            np.testing.assert_array_equal(self.buffer[part], self.before[part], f"{name} wrote outside an array")
        self.host[...] = self.inside.reshape(self.host.shape)
