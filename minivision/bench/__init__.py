"""How fast the kernels are: as ratios to PyTorch and to the textbook, measured beside them in one run."""
