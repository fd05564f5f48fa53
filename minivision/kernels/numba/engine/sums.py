"""Sums that the compiler may reorder, so that it can use vector instructions.

The order must depend on nothing but the number of summands, otherwise the last digits of a loss change from run to
run. Hence two rules:

- Such a sum is in a function of its own, not in the body of a parallel loop. Numba optimizes that body twice for the
  process that compiles it and three times for the cached machine code, and each time the order can change.
- Such a function writes to no array. Otherwise the compiler adds a test at run time and uses vectors only if input and
  output do not overlap, so that the order depends on the addresses.
"""

from minivision.core.compile import jit

SUMS = {"reassoc", "contract", "nsz"}  # any order, but NaN and infinity are handled correctly


@jit(fastmath=SUMS)
def sum_of(numbers):
    """Return the sum of a 1D array, computed in its dtype."""
    total = numbers.dtype.type(0)
    for i in range(numbers.size):
        total += numbers[i]
    return total
