#!/usr/bin/env bash
# Numba and torch in one process: one or two OpenMP libraries, as the order of imports has it.
#
# One would expect: the order of two imports does not change what is loaded.
# What happens: torch brings its own libgomp, Numba's OpenMP layer takes the one of
#   the system. Numba first: torch finds a libgomp loaded and uses that; there is
#   one. torch first: Numba loads the other in addition; there are two, each with
#   its own pool of threads.
# Versions tried: torch 2.14.1 (the build from the package index), Numba 0.61.2, NumPy
#   2.2.6, Python 3.11, Linux x86-64 with libgomp of the system. Date: 2026-11-29.
# Why it matters: a loader with Numba kernels beside torch then runs twice the threads,
#   which wait for work on the same cores. Timings of one program differ after an
#   "import sorting" commit, and thread limits set for one pool miss the other.
# What to do: import and run a Numba kernel before torch, or set
#   NUMBA_THREADING_LAYER=workqueue; count the files in /proc/self/maps as below.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.2.6 numba==0.61.2 torch==2.14.1
cat > "$tmp/load.py" <<'PY'
import sys
from importlib.metadata import version

def load_numba():
    import numpy
    from numba import njit, prange, threading_layer

    @njit(parallel=True)
    def total(x):
        s = 0.0
        for i in prange(x.shape[0]):
            s += x[i]
        return s

    total(numpy.ones(1000))
    if threading_layer() != "omp":
        sys.exit("Numba did not take the OpenMP layer.")

def load_torch():
    import torch
    torch.ones(1000, 1000).sum()

for name in sys.argv[1:]:
    {"numba": load_numba, "torch": load_torch}[name]()
with open("/proc/self/maps") as maps:
    files = {line.split()[-1] for line in maps if "libgomp" in line}
owners = sorted("torch's" if "/torch/lib/" in file else "the system's" for file in files)
print(f"{' then '.join(sys.argv[1:])}: {len(files)} libgomp ({', '.join(owners)})",
      "numba", version("numba"), "torch", version("torch"), file=sys.stderr)
print(len(files))
PY
export NUMBA_THREADING_LAYER=omp NUMBA_NUM_THREADS=2
first=$("$tmp/venv/bin/python" "$tmp/load.py" numba torch)
second=$("$tmp/venv/bin/python" "$tmp/load.py" torch numba)
if [ "$first" != 1 ] || [ "$second" != 2 ]; then
  echo "CHANGED: the order of imports no longer decides how many libgomp are loaded." >&2
  exit 1
fi
