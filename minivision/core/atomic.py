"""Writing a file so that it is either the old one or all of the new one, whatever happens on the way."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def atomic_write(path):
    """Yield a path next to `path` to write to; it takes the place of `path` when all went well, and vanishes if not.

    Parameters
    ----------
    path : path

    Yields
    ------
    pathlib.Path
        Of the same name with ``.partial`` behind it.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
