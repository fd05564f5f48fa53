"""What visible tests say: what a result should be, what it is, and which known mistake gives these very numbers."""

import numpy as np


def expect(what, got, right, mistakes=(), *, rtol=1e-6, atol=1e-8):
    """Fail unless a result is right; say which mistake it looks like.

    Parameters
    ----------
    what : str
        The result in words, with the numbers that it comes from where they are few.
    got, right : array_like
    mistakes : sequence of (array_like, str)
        What a mistake would give, and the mistake in words. Axes of length 1 may be left out.
    rtol, atol : float
        As in ``np.allclose``.

    Raises
    ------
    AssertionError
    """
    got, right = np.asarray(got), np.asarray(right)
    if got.shape == right.shape and np.allclose(got, right, rtol, atol):
        return
    message = f"{what} should be{_shown(right)}and is{_shown(got)}".rstrip()
    for numbers, mistake in mistakes:
        if got.shape == right.shape and np.squeeze(numbers).shape == right.squeeze().shape:
            numbers = np.reshape(numbers, right.shape)
        if np.shape(numbers) == got.shape and np.allclose(got, numbers, rtol, atol, equal_nan=True):
            raise AssertionError(f"{message}\n  → {mistake}{'' if mistake.endswith(('.', '?')) else '.'}")
    if got.shape != right.shape:
        message += f"\n  → Its shape is {got.shape}, and should be {right.shape}."
    raise AssertionError(message)


def _shown(numbers):
    """Return numbers as text: a row in the line, several in lines of their own."""
    text = str(numbers.squeeze())
    return f"\n{text}\n" if "\n" in text else f" {text} "


def maps(numbers):
    """Return one map of one channel, (1, 1, H, W), from rows of numbers; a list of numbers is a map of one row."""
    return np.atleast_2d(np.array(numbers, dtype=np.float64))[None, None]
