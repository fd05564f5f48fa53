"""Sums whose numbers may be added in any order, so that many are added at once, in the lanes of vectors.

The order must not depend on anything but how many they are, or the last digits of a loss change from run to run. Two
things would make it so, and hence two rules:

- Such a sum stands in a function of its own, and not in the body of a parallel loop: that is optimised twice, what is
  kept on disk once more than what the process that compiles it runs, and in between the order changes.
- Such a function writes to no array: the vectors would be used only where what is read lies far enough from what is
  written, and the memory decides that.
"""

from minivision.core.compile import jit

SUMS = {"reassoc", "contract", "nsz"}  # any order; but NaN and infinity keep their meaning


@jit(fastmath=SUMS)
def sum_of(numbers):
    """Return the sum of a run of numbers, in their own precision."""
    total = numbers.dtype.type(0)
    for i in range(numbers.size):
        total += numbers[i]
    return total
