"""The kernels for CuPy arrays: CUDA C in a ``.cu`` file beside the module that launches it."""
