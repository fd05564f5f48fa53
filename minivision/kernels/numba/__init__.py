"""The operations as Numba kernels: one module for each module of ``ops`` or ``detection`` that defines operations.

A kernel has the name and the parameters of its operation. Helpers begin with an underscore; what several modules share
is in ``engine/``. A module is imported, and a kernel compiled, when it is first called.
"""
