"""Benchmarks: the speed of the kernels compared with PyTorch and the reference implementations, measured in one run.

``minivision bench`` times operations and training steps: an :class:`~minivision.bench.entry.Entry` for each line of the
table, from the module of its family, beside the roofs of the machine (``roof``, ``work``). ``profile``, ``growth`` and
``cliffs`` are other questions of the same command. Programs of their own, as ``python -m
minivision.bench.prediction``, are ``average_precision``, ``prediction``, ``selective_search`` and ``shared_features``.
"""
