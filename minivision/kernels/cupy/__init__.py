"""Kernels for CuPy arrays: one module for each family of operations.

Most modules launch kernels in CUDA C, in a ``.cu`` file of the same or a related name (``launch.py``); the others use
CuPy's functions. No kernel adds floats atomically, so results have the same bits in every run.
"""
