"""The operations as Numba kernels. Each module is imported, and each kernel compiled, when it is first called."""
