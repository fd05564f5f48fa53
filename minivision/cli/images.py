"""Image files on the command line: patterns, names of results, and errors that concern one image only."""

import errno
import glob
import os
import pathlib
import sys

from minivision.cli.options import UsageError
from minivision.core.printable import printable
from minivision.core.progress import progress_bar

# With these errors nothing more can be written; others, such as a name that is too long, concern one file.
FATAL = {getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM")} - {None}


def expand(arguments):
    """Return the paths of the arguments, each once; patterns such as ``*.png`` are expanded where no shell has done it.

    Raises
    ------
    UsageError
        If no file fits a pattern.
    """
    paths = []
    for argument in map(str, arguments):
        if not pathlib.Path(argument).exists() and glob.has_magic(argument):
            found = sorted(glob.glob(argument))
            if not found:
                raise UsageError(f"no file fits the pattern {argument}")
            paths += map(pathlib.Path, found)
        else:
            paths.append(pathlib.Path(argument))
    return list(dict.fromkeys(paths))


def unique_names(paths):
    """Return a name for each path: its stem, with a number if that occurs twice; some systems ignore the case."""
    names, used = [], set()
    for path in paths:
        name, number = path.stem, 2
        while name.lower() in used:
            name, number = f"{path.stem}-{number}", number + 1
        used.add(name.lower())
        names.append(name)
    return names


def check_is_folder(out):
    """Raise UsageError if a folder for results cannot be made, since a file is in its place."""
    there = next((path for path in (out, *out.parents) if os.path.lexists(path)), None)
    if there is not None and not there.is_dir():
        raise UsageError(f"--out: {there} is no folder; choose another name")


def check_overwrites(paths, out, names, endings):
    """Raise UsageError if a result, OUT/NAME-ENDING, would replace one of the images."""
    inputs = {path.resolve() for path in paths}
    for name in names:
        for ending in endings:
            result = out / f"{name}-{ending}"
            if result.resolve() in inputs:
                raise UsageError(f"--out: {result} would overwrite an image of the same name; choose another folder")


def for_each_image(paths, names, work):
    """Read each image and call ``work(path, name, image)``; return the number of those that failed.

    What goes wrong with one image is printed, and the others are done.
    """
    from minivision.data import read_image

    failed = 0
    bar = progress_bar(paths, unit="image", leave=False)
    for path, name in zip(bar, names, strict=True):
        try:
            work(path, name, read_image(path))
        except Exception as error:
            _tell(bar, path, error)
            failed += 1
    _tell_how_many(failed, paths)
    return failed


def map_images(executor, paths, names, function, take):
    """Call ``function((path, name, content))`` for each image on an executor; return the number of those that failed.

    This process alone reads files: `content` is what the file holds. ``take(path, name, result)`` gets the results,
    in the order of the images. What goes wrong with one image is printed, and the others are done.
    """
    from minivision.data.images import BrokenFileError, read_file
    from minivision.executors import in_order

    failed = 0

    def pieces():
        nonlocal failed
        for path, name in zip(paths, names, strict=True):
            try:
                yield path, name, read_file(path)
            except BrokenFileError as error:
                _tell(bar, path, error)
                failed += 1
                bar.update()

    def counted(outcomes):
        for outcome in outcomes:
            bar.update()
            yield outcome

    with progress_bar(total=len(paths), unit="image", leave=False) as bar:
        for outcome in in_order(counted(executor.map_unordered(function, pieces()))):
            path, name, _ = outcome.piece
            if outcome.failure is None:
                try:
                    take(path, name, outcome.result)
                    continue
                except Exception as error:
                    _tell(bar, path, error)
            else:
                _tell(bar, path, outcome.failure.message)
            failed += 1
    _tell_how_many(failed, paths)
    return failed


def _tell(bar, path, error):
    """Print what went wrong with an image; raise it if nothing more can be written."""
    if isinstance(error, OSError) and error.errno in FATAL:
        raise error
    reason = " ".join(str(error).split()) or type(error).__name__
    reason = reason if str(path) in reason else f"{path}: {reason}"
    bar.write(f"minivision: {printable(reason)}", file=sys.stderr)


def _tell_how_many(failed, paths):
    if failed:
        print(f"minivision: {failed} of {len(paths)} images could not be read or used", file=sys.stderr)
