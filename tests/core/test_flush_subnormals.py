"""The switch that counts subnormal numbers as zero, in every thread that computes."""

import os
import subprocess
import sys

import pytest

import minivision

CODE = """
import threading
import numpy as np
import minivision
from minivision import ops

dy, half = np.full((512, 512), 2e-38, np.float32), np.full((512, 512), 0.5, np.float32)

def subnormal():
    parts = ops.sigmoid_backward(dy, half)  # a quarter of ordinary numbers, in all threads of the kernels
    bits = parts.view(np.uint32)  # not the numbers, which a comparison would count as zero too
    count = int(((bits != 0) & (bits < 0x00800000)).sum())
    return count, float(np.float32(1e-38) * np.float32(0.1)) != 0

print(subnormal())
print(minivision.flush_subnormals(), subnormal())
seen = []
thread = threading.Thread(target=lambda: seen.append(subnormal()))
thread.start()
thread.join()
print(*seen)
print(minivision.flush_subnormals(False), subnormal())
"""


def test_every_thread_counts_subnormal_numbers_as_zero_until_it_is_switched_off():
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE], env=environment, capture_output=True, text=True, timeout=300
    )
    all_of_them = "(262144, True)"
    expected = [all_of_them, "False (0, False)", "(0, False)", f"True {all_of_them}"]
    assert done.stdout.splitlines() == expected, done.stderr


def test_what_is_no_switch_is_refused(monkeypatch):
    with pytest.raises(TypeError, match="on: expected True or False, got 1"):
        minivision.flush_subnormals(1)
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(RuntimeError, match="the processor 'riscv64' is not known"):
        minivision.flush_subnormals()
