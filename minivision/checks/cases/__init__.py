"""Arguments to try every operation on: one module for each module of ``minivision.ops``.

A case module holds, for each operation, a generator of its name: given a ``numpy.random.Generator`` it yields
``(arguments, keywords)`` with float64 arrays. Together the cases of an operation meet every branch of its door and
of its kernels: all keywords, asymmetric padding, sizes that leave a rest, one pixel, an empty batch.
"""

import importlib


def cases_of(op, rng):
    """Return the list of cases of an operation, drawn with `rng`."""
    try:
        module = importlib.import_module(f"{__name__}.{op.family}")
        generator = getattr(module, op.__name__)
    except (ModuleNotFoundError, AttributeError):
        raise LookupError(
            f"{op.__name__} has no cases: add a generator {op.__name__} to {__name__}.{op.family}"
        ) from None
    return list(generator(rng))
