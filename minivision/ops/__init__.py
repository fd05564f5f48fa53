"""What each operation means: textbook bodies behind checked doors, forwards and backwards.

Feature maps are ``(N, C, H, W)``, float32 or float64; results have the dtype of the first array. A function
``f_backward`` stands below ``f``: it takes the upstream gradient first, then exactly what it needs to know, and
returns the gradients in the order of the arrays of ``f``.
"""
