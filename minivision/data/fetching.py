"""Fetching datasets from where they are published: fixed revisions, every file checked by its SHA-256.

A dataset is a file in ``registries``: where it is from, its license, and the hash of each of its files. Downloading is
done by pooch, which is optional: ``pip install 'minivision[fetch]'``.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from minivision.core.progress import progress_bar
from minivision.data.images import BrokenFileError

__all__ = ["FetchError", "Published", "fetch", "published", "published_names"]

REGISTRIES = Path(__file__).parent / "registries"
RETRIES = 2  # of a file, with a second and two between them


class FetchError(OSError):
    """A file could not be downloaded, or is not the one that the registry describes."""


@dataclass(frozen=True)
class Published:
    """A dataset that can be fetched.

    Attributes
    ----------
    title, source, revision, license : str
        For people: what it is, the page it is from, which version of it, and under which terms.
    data : str
        The kind of dataset, as in ``--data KIND:DIR``.
    url : str
        What precedes the names of the files.
    bytes : int
        Size of all files together.
    files : dict of str to str
        Name of each file, with folders and slashes -> its SHA-256.
    urls : dict of str to str
        Addresses of files that are not under `url`.
    """

    title: str
    source: str
    revision: str
    license: str
    data: str
    url: str
    bytes: int
    files: dict[str, str]
    urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | os.PathLike) -> Published:
        """Read a registry.

        Raises
        ------
        BrokenFileError
            If it is no TOML, or lacks something.
        """
        try:
            with open(path, "rb") as file:
                return cls(**tomllib.load(file))
        except (tomllib.TOMLDecodeError, TypeError) as error:
            raise BrokenFileError(path, f"not a registry of a dataset: {error}") from error


def published_names() -> list[str]:
    """Return the names of the datasets that can be fetched."""
    return sorted(path.stem for path in REGISTRIES.glob("*.toml"))


def published(name: str) -> Published:
    """Return a dataset by its name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in published_names():
        raise ValueError(f"there is no dataset {name!r} to fetch; there are: {', '.join(published_names())}")
    return Published.read(REGISTRIES / f"{name}.toml")


def fetch(
    dataset: Published, folder: str | os.PathLike, *, progress: bool = False, retries: int = RETRIES
) -> tuple[int, int]:
    """Download the files of a dataset that are not in a folder yet.

    A file gets its name when it is complete and its hash is right, so a fetch that was interrupted is continued by the
    same call.

    Parameters
    ----------
    dataset : Published
    folder : path
    progress : bool
        Whether to show a progress bar.
    retries : int
        How often a file is tried again.

    Returns
    -------
    fetched, kept : int
        Numbers of files: downloaded now, and there before.

    Raises
    ------
    ImportError
        If pooch is not installed.
    FileExistsError, NotADirectoryError
        If `folder` cannot be made, since a file is in its place.
    FileExistsError
        If a file in the folder has other content than it should; it is not touched.
    FetchError
        If a file cannot be downloaded, or has another hash; the files before it are kept.
    """
    pooch = _pooch()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name, sha256 in dataset.files.items() if not _is_there(folder / name, sha256)]
    store = pooch.create(
        path=folder, base_url=dataset.url, registry=dataset.files, urls=dataset.urls, retry_if_failed=retries
    )
    for name in progress_bar(missing, unit="file", leave=False, disable=not progress):
        try:
            store.fetch(name, downloader=pooch.HTTPDownloader())
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong hash is a ValueError of pooch
            if isinstance(error, OSError) and error.filename is not None:
                raise  # of writing
            raise FetchError(_reason(error, store.get_url(name))) from error
    return len(missing), len(dataset.files) - len(missing)


def _is_there(path, sha256):
    """Return whether a file is there; raise FileExistsError if it is another one."""
    if not path.exists():
        return False
    with open(path, "rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sha256:
        raise FileExistsError(
            f"{path} is not the published file: it is cut short, or was changed; move it away, or choose another folder"
        )
    return True


def _reason(error, url):
    advice = "the files before it are kept; the same command continues"
    if isinstance(error, ValueError):
        return f"{url} has another SHA-256 than the published file: it was changed, or damaged on its way; {advice}"
    return f"{url} cannot be fetched: {error}; {advice}"


def _pooch():
    try:
        import pooch
    except ImportError as error:
        raise ImportError("datasets are fetched with pooch: pip install 'minivision[fetch]'") from error
    pooch.get_logger().setLevel("WARNING")  # it tells of every file
    return pooch
