"""What decides the bits of a result besides its arguments: the versions of the programs that compute it."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import platform
from pathlib import Path

import minivision

PACKAGE = Path(minivision.__file__).parent
SUFFIXES = (".py", ".cu", ".npz")  # of files that programs are made of
OTHERS = {"NumPy": "numpy", "Numba": "numba", "Pillow": "Pillow"}  # which compute, or decode images


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of minivision, of its sources (a hash), of Python, NumPy, Numba and Pillow.

    The hash is that of the files when this was first called in the process.
    """
    found = {"minivision": minivision.__version__, "its sources": sources_digest(PACKAGE)}
    found["Python"] = ".".join(platform.python_version_tuple()[:2])
    return {**found, **{name: _installed(distribution) for name, distribution in OTHERS.items()}}


def _installed(distribution):
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def sources_digest(package: Path) -> str:
    """Return a hash of the names and contents of the files that a package is made of."""
    digest = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.suffix in SUFFIXES):
        digest.update(f"{path.relative_to(package).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def differences(here: dict[str, str], there: dict[str, str]) -> str:
    """Return in which versions another process differs from this one, as part of a sentence; empty if in none.

    Examples
    --------
    >>> from minivision.executors.versions import differences
    >>> differences({"NumPy": "2.3.1", "Python": "3.11"}, {"NumPy": "2.2.0", "Python": "3.11"})
    'NumPy 2.2.0, here 2.3.1'
    """
    names = dict.fromkeys([*here, *there])
    pairs = {name: (there.get(name, "none"), here.get(name, "none")) for name in names}
    return "; ".join(f"{name} {other}, here {own}" for name, (other, own) in pairs.items() if other != own)
