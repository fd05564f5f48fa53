"""How fast the kernels are: as ratios to PyTorch, measured beside it in one run."""
