"""A stable sort of numbers by their bits, in time proportional to their count."""

import numpy as np

from minivision.core.compile import jit

_DIGIT_BITS = 11


@jit
def radix_sort(bits, companions):
    """Sort unsigned numbers, and with each its companion; of equal numbers the first stays first.

    Parameters
    ----------
    bits : uint32 or uint64 ndarray of shape (N,)
    companions : uint32 ndarray of shape (N,)

    Returns
    -------
    bits, companions : ndarray of shape (N,)
        New arrays, or the arguments if all numbers are equal.
    """
    counts = _count_digits(bits)
    next_bits, next_companions = np.empty_like(bits), np.empty_like(companions)
    spare_bits, spare_companions = np.empty_like(bits), np.empty_like(companions)
    for digit in range(len(counts)):  # the last digit first
        places = counts[digit]
        if bits.size == 0 or places[_digit(bits[0], digit)] == bits.size:
            continue  # all have the same digit here
        place = np.uint32(0)
        for value in range(places.size):
            place, places[value] = np.uint32(place + places[value]), place
        for i in range(bits.size):
            value = _digit(bits[i], digit)
            place = places[value]
            next_bits[place], next_companions[place] = bits[i], companions[i]
            places[value] = np.uint32(place + np.uint32(1))
        bits, next_bits, spare_bits = next_bits, spare_bits, next_bits
        companions, next_companions, spare_companions = next_companions, spare_companions, next_companions
    return bits, companions


@jit
def _count_digits(bits):
    digits = (8 * bits.itemsize + _DIGIT_BITS - 1) // _DIGIT_BITS
    counts = np.zeros((digits, 1 << _DIGIT_BITS), np.uint32)
    for i in range(bits.size):
        for digit in range(digits):
            counts[digit, _digit(bits[i], digit)] += np.uint32(1)
    return counts


@jit
def _digit(bits, digit):
    return (np.uint64(bits) >> np.uint64(_DIGIT_BITS * digit)) & np.uint64((1 << _DIGIT_BITS) - 1)


@jit
def ascending_bits(bits):
    """Return unsigned numbers that have the order of the floats with the given `bits`, without -0.0 and NaN."""
    sign = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    keys = np.empty_like(bits)
    for i in range(bits.size):
        keys[i] = ~bits[i] if bits[i] & sign else bits[i] | sign
    return keys
