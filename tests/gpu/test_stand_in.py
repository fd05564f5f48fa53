"""The replacement of CuPy is as strict as CuPy; on a GPU the same tests run with CuPy itself."""

import numpy as np
import pytest

REJECTED = {
    "it is converted to NumPy implicitly": lambda cupy, a, b: np.asarray(a),
    "a NumPy array is added": lambda cupy, a, b: a + b,
    "it is added to a NumPy array": lambda cupy, a, b: b + a,
    "a NumPy array is concatenated": lambda cupy, a, b: np.concatenate([a, b]),
    "a NumPy array is written into it": lambda cupy, a, b: a.__setitem__(Ellipsis, b),
    "it is selected from a NumPy array": lambda cupy, a, b: np.where(a > 0, a, b),
    "a ufunc of NumPy writes into a NumPy array": lambda cupy, a, b: np.add(a, a, out=b),
    "a sum has an initial value": lambda cupy, a, b: np.sum(a, initial=1),
    "a maximum has an initial value": lambda cupy, a, b: a.max(initial=0),
    "it is sorted with another algorithm": lambda cupy, a, b: np.argsort(a, kind="heapsort"),
    "several numbers are converted to one": lambda cupy, a, b: float(a),
}


@pytest.mark.parametrize("what", REJECTED)
def test_what_cupy_rejects_is_rejected(what, cupy):
    with pytest.raises((TypeError, ValueError)):
        REJECTED[what](cupy, cupy.asarray(np.arange(3.0)), np.arange(3.0))


def test_what_cupy_allows_has_cupys_types(cupy):
    a = cupy.asarray(np.arange(3.0, dtype=np.float32))
    assert isinstance(a.sum(), cupy.ndarray) and isinstance(a[0], cupy.ndarray)  # the CPU does not wait
    assert isinstance(np.exp(a), cupy.ndarray) and isinstance(np.float32(2) * a, cupy.ndarray)
    assert (a / 2).dtype == np.where(a > 1, a, 0).dtype == np.float32
    assert a.argmax().dtype == np.argsort(a).dtype == np.int64
