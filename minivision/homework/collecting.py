"""Finds the student's file in what was handed in: a file, a folder, an archive, an export of a learning platform.

Anything may be handed in: links, pipes, archives that unpack to terabytes or are none, trees of a million folders. So
:func:`collect` reads in a process of its own, with limits of time and memory: this file, which needs nothing but Python
itself. Nothing is unpacked to disk, no link is followed, and no more is read of the file than it may have.
"""

import importlib.util
import os
import re
import stat
import subprocess
import sys
import tarfile
import zipfile

MAX_FILE_BYTES = 1 << 20  # of a student's file, where the caller does not say more
MAX_ARCHIVE_BYTES, MAX_UNPACKED_BYTES = 1 << 28, 1 << 29  # of an archive, and of all that is in it
MAX_ENTRIES, MAX_DEPTH = 20_000, 40  # of a folder or archive
MAX_MEMORY_BYTES, MAX_SECONDS = 1 << 30, 60  # for one submission
MAX_REASON_CHARS = 500

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
IGNORED_FOLDERS = {"__MACOSX", "__pycache__", "site-packages", "venv", "env", "node_modules"}


class RefusedError(ValueError):
    """A submission in which there is no file to grade. The message is for the student."""


def collect(name, path, *, max_bytes=MAX_FILE_BYTES):
    """Return the contents of the student's file in a submission.

    Parameters
    ----------
    name : str
        Name of the student's file, such as ``hw1.py`` or ``checkpoint.npz``.
    path : path
        The file itself, or a folder or archive (zip, tar, also compressed) that contains one file of this name, in
        folders of any depth. Without it, one with a name that browsers and people make of it counts: ``HW1.py``,
        ``hw1 (1).py``, ``hw1-1.py``; or that in the only archive of a folder.
    max_bytes : int
        How large it may be.

    Returns
    -------
    content : bytes

    Raises
    ------
    RefusedError
        If the file is missing, exists twice or is too large, with the reason.
    """
    command = [sys.executable, "-I", "-S", os.path.abspath(__file__), name, os.path.abspath(path), str(max_bytes)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=MAX_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode or not done.stdout:
        raise RefusedError(f"{_shown(path)} cannot be read within {MAX_SECONDS} s and {MAX_MEMORY_BYTES >> 30} GiB")
    if done.stdout.startswith(b"-"):
        raise RefusedError(done.stdout[1:].decode())
    return done.stdout[1:]


def find(name, path, max_bytes=MAX_FILE_BYTES):
    """Do what :func:`collect` does, without its limits."""
    kind = os.lstat(path).st_mode
    if stat.S_ISLNK(kind):
        raise RefusedError(f"{_shown(path)} is a link, and links are not followed: hand in the file itself")
    if stat.S_ISDIR(kind):
        return _in_folder(name, path, max_bytes)
    if not stat.S_ISREG(kind):
        raise RefusedError(f"{_shown(path)} is neither a file nor a folder")
    if _is_archive(path):
        return _in_archive(name, path, max_bytes)
    suffix = os.path.splitext(name)[1]
    if suffix == ".py" and path.lower().endswith(".ipynb"):
        raise RefusedError(f"{_shown(path)} is a notebook: {_as_script(name)}")
    if not path.lower().endswith(suffix):
        kind = "Python" if suffix == ".py" else suffix
        raise RefusedError(f"{_shown(path)} is no {kind} file, no folder and no archive (zip, tar)")
    return _bounded(_opened(path), name, max_bytes)


# ---- folders -------------------------------------------------------------------------------------------------------


def _in_folder(name, folder, max_bytes):
    files, links = [], []
    for path, entry in _walk(folder):
        (links if entry.is_symlink() else files).append(path)
    found = _called_like(name, files)
    archives = [path for path in files if _is_archive(path)]
    if not found and len(archives) == 1:
        return _in_archive(name, os.path.join(folder, archives[0]), max_bytes)
    path = os.path.join(folder, _only(name, folder, found, files, links))
    return _bounded(_opened(path), name, max_bytes)


def _walk(folder):
    """Yield the path within a folder, and the entry, of each file and link in it that may be the student's."""
    folders, count = [()], 0
    while folders:
        parts = folders.pop()
        with os.scandir(os.path.join(folder, *parts)) as entries:
            for entry in entries:
                count += 1
                if count > MAX_ENTRIES or len(parts) > MAX_DEPTH:
                    raise RefusedError(f"{_shown(folder)} has more than {MAX_ENTRIES} files, or {MAX_DEPTH} levels")
                below = (*parts, entry.name)
                if not _counts(below):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(below)
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    yield "/".join(below), entry


def _only(name, where, found, files, links=()):
    """Return the only file that was found, or say why there is none."""
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(map(_printable, sorted(found)[:3]))
        raise RefusedError(f"{_shown(where)} has {len(found)} files called {name}: {names}")
    reason = f"{_shown(where)} has no {name}"
    notebooks = [path for path in files if path.lower().endswith(".ipynb")]
    archives = [path for path in files if path.lower().endswith(ARCHIVES)]
    if _called_like(name, links):
        reason += ", but a link of this name, and links are not followed: hand in the file itself"
    elif notebooks and name.endswith(".py"):
        reason += f", but a notebook: {_as_script(name)}"
    elif archives:
        reason += f", but {len(archives)} archive{'s' * (len(archives) > 1)} in it: hand in {name} itself"
    raise RefusedError(reason)


def _as_script(name):
    return f"the functions are handed in as {name} (a notebook can be saved as an executable script)"


def _counts(parts):
    """Return whether a file is the student's: no part of its path is hidden, or belongs to a tool."""
    return not any(part.startswith(".") and part not in (".", "..") or part in IGNORED_FOLDERS for part in parts)


def _called_like(name, paths):
    """Return the files of a name, or else those whose name differs by its case or the number of a copy."""
    exact = [path for path in paths if path.rpartition("/")[2] == name]
    stem, _, suffix = name.rpartition(".")
    copy = re.compile(rf"{copy_of(stem)}\.{suffix}", re.IGNORECASE)
    return exact or [path for path in paths if copy.fullmatch(path.rpartition("/")[2])]


def copy_of(stem):
    """Return the pattern of a file's name without its ending, and of that with the number of a copy."""
    return rf"{re.escape(stem)}([ _-]*(\(\d+\)|copy|\d+))?"


# ---- archives ------------------------------------------------------------------------------------------------------


def _is_archive(path):
    return path.lower().endswith(ARCHIVES)


def _in_archive(name, path, max_bytes):
    try:
        with _opened(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_ARCHIVE_BYTES:
                raise RefusedError(f"{_shown(path)} is larger than {MAX_ARCHIVE_BYTES >> 20} MiB: hand in {name} alone")
            kind = _Zip if path.lower().endswith(".zip") else _Tar
            with kind(file) as archive:
                files, members, links = [], [], []
                for number, (inside, member, is_link) in enumerate(archive.entries()):
                    if number >= MAX_ENTRIES:
                        raise RefusedError(f"{_shown(path)} has more than {MAX_ENTRIES} files: hand in {name} alone")
                    inside = inside.replace("\\", "/")  # as some Windows tools write them
                    if is_link:
                        links.append(inside)
                    elif _counts(inside.split("/")):
                        files.append(inside)
                        members.append(member)
                wanted = _only(name, path, _called_like(name, files), files, links)
                return _bounded(archive.open(members[files.index(wanted)]), name, max_bytes)
    except RefusedError:
        raise
    except Exception as error:  # damaged archives raise errors of many types
        raise RefusedError(f"{_shown(path)} is not a readable archive: {error}") from None


class _Zip:
    def __init__(self, file):
        self.archive = zipfile.ZipFile(file)
        self.open = self.archive.open

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.archive.close()

    def entries(self):
        """Yield each file: its name, what stands for it, and whether it is a link."""
        for entry in self.archive.infolist():
            if not entry.is_dir():
                yield entry.filename, entry, stat.S_ISLNK(entry.external_attr >> 16)


class _Tar(_Zip):
    def __init__(self, file):
        self.archive = tarfile.open(fileobj=file, mode="r:*")
        self.open = self.archive.extractfile

    def entries(self):
        total = 0
        for entry in self.archive:
            total += entry.size
            if total > MAX_UNPACKED_BYTES:  # to see the next one, all of this one must be unpacked
                raise RefusedError(f"the archive has more than {MAX_UNPACKED_BYTES >> 20} MiB in it")
            if entry.isfile() or entry.islnk() or entry.issym():
                yield entry.name, entry, not entry.isfile()


# ---- reading -------------------------------------------------------------------------------------------------------


def _opened(path):
    """Open a file that is one, and no link: between the look and the opening it may have been replaced."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedError(f"{_shown(path)} is no file")
    return os.fdopen(descriptor, "rb")


def _bounded(file, name, max_bytes):
    with file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise RefusedError(f"{name} is larger than {max_bytes >> 20} MiB")
    return content


def _shown(path):
    """Return the last part of a path as text that any terminal and file takes."""
    return _printable(os.path.basename(os.fspath(path).rstrip("/")))


def _printable(name):
    return "".join(letter if letter.isprintable() else "?" for letter in name[:100])


def main(name, path, max_bytes):
    """Write the file after a plus, or the reason why there is none after a minus."""
    if importlib.util.find_spec("resource"):  # on Windows there is none, and no limit but the time
        resource = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    try:
        answer = b"+" + find(name, path, int(max_bytes))
    except RefusedError as refused:
        answer = b"-" + str(refused)[:MAX_REASON_CHARS].encode(errors="backslashreplace")
    except OSError as error:
        answer = f"-{_shown(path)} cannot be read: {error.strerror}".encode(errors="backslashreplace")
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
