"""Assertions of the visible tests: they show the expected and the actual result, and name the known mistake."""

import numpy as np

MIN_DIFFERENT_NUMBERS = 3  # fewer may be what several mistakes give


def expect(what, actual, expected, mistakes=(), *, rtol=1e-5, atol=1e-8):
    """Fail unless a result is right. The message names the mistake that gives this result, if it is a known one.

    Parameters
    ----------
    what : str
        The result in words, with the numbers that it is computed from if they are few.
    actual, expected : array_like
    mistakes : sequence of (array_like, str)
        The result of a known mistake, and the mistake in words. Axes of length 1 may be left out. If the result has
        fewer than three different numbers, other mistakes may give it too, and the message says so.
    rtol, atol : float
        See ``np.allclose``.

    Raises
    ------
    AssertionError
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape == expected.shape and np.allclose(actual, expected, rtol, atol, equal_nan=True):
        return
    message = f"{what} should be{_shown(expected)}and is{_shown(actual)}".rstrip()
    for numbers, mistake in mistakes:
        if actual.shape == expected.shape and np.squeeze(numbers).shape == expected.squeeze().shape:
            numbers = np.reshape(numbers, expected.shape)
        if np.shape(numbers) == actual.shape and np.allclose(actual, numbers, rtol, atol, equal_nan=True):
            doubt = "" if np.unique(numbers).size >= MIN_DIFFERENT_NUMBERS else "It may be this: "
            raise AssertionError(f"{message}\n  → {doubt}{mistake}{'' if mistake.endswith(('.', '?')) else '.'}")
    if actual.shape != expected.shape:
        message += f"\n  → Its shape is {actual.shape}, and should be {expected.shape}."
    raise AssertionError(message)


def _shown(numbers):
    """Return numbers as text: one row within the line, several rows on lines of their own."""
    text = str(numbers.squeeze())
    return f"\n{text}\n" if "\n" in text else f" {text} "


def maps(numbers):
    """Return one map with one channel, an array of shape (1, 1, H, W).

    Parameters
    ----------
    numbers : list
        Rows of numbers, or a list of numbers for a map with one row.

    Returns
    -------
    x : float64 ndarray of shape (1, 1, H, W)
    """
    return np.atleast_2d(np.array(numbers, dtype=np.float64))[None, None]
