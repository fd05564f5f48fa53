"""The same numbers give the same bits: in the process that compiles a kernel, and in those that find it on disk."""

import os
import subprocess
import sys

PROGRAM = """
import hashlib
import numpy as np
from minivision import ops

rng = np.random.default_rng(0)
digest = hashlib.sha256()

def look(result):
    for each in result if isinstance(result, tuple) else [result]:
        if isinstance(each, (tuple, np.ndarray, np.generic)):
            look(each) if isinstance(each, tuple) else digest.update(np.ascontiguousarray(each).tobytes())

for k in range(60):
    size = int(rng.integers(1, 3000 if k % 2 else 90))  # small arrays lie beside each other, now here and now there
    x, t = rng.standard_normal((2, size)).astype(np.float32)
    look(ops.smooth_l1_loss(2 * x, t))
    look(ops.mse_loss(x, t))
    look(ops.hinge_loss(x, np.sign(t)))
    look(ops.binary_cross_entropy_with_logits(x, (t > 0).astype(np.float32)))
    look(ops.softmax_cross_entropy(np.stack([x, t]), np.array([0, size - 1])))
    maps = rng.standard_normal((2, 3, *rng.integers(1, 40, 2))).astype(np.float32)
    gamma = np.ones(3, np.float32)
    y, saved = ops.batch_norm2d(maps, gamma, gamma, 0 * gamma, 1 * gamma, training=True)
    look((y, *saved, *ops.batch_norm2d_backward(y, maps, gamma, saved), ops.global_avg_pool2d(maps)))
    y = ops.softmax(maps)
    look((y, ops.softmax_backward(maps, y)))
    look(ops.linear(np.stack([x, t]), np.stack([t, x, t, x, x])))
print(digest.hexdigest())
"""


def test_of_sums_in_every_process(tmp_path):
    """One that compiles the kernels, and three that find them: each has its memory laid out in another way."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    found = set()
    for k in range(4):
        program = f"import numpy as np\nkept = [np.empty({k} * i, np.uint8) for i in range(99)]\n{PROGRAM}"
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout.strip())
    assert len(found) == 1 and len(found.pop()) == 64
