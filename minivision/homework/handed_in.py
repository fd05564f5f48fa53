"""What a student handed in: the file with the functions, and the files that are judged beside it.

A submission is a folder or an archive with all of them; or single files of one student among those of the class, as
``ann.py`` and ``ann.npz``, or ``roeann_12_345_hw1.py`` and ``roeann_12_346_hw1-segmenter.npz``.
"""

import dataclasses
import pathlib
import re

from minivision.checks import StudentFileError
from minivision.homework.collecting import RefusedError, collect, copy_of

MAX_BYTES = 4 << 20  # of a file that is judged
# Canvas names a file "name_user_file_hw1.py": the last number is that of the file, and differs within a submission.
_NUMBER_OF_FILE = re.compile(r"(_\d+)_\d+$")


@dataclasses.dataclass(frozen=True)
class HandedIn:
    """The contents of what was handed in.

    Attributes
    ----------
    source : bytes
        The student's file.
    files : dict
        Name -> bytes of the files that are judged.
    refused : dict
        Name -> why there is none to judge, for the student.
    """

    source: bytes
    files: dict
    refused: dict

    @classmethod
    def read(cls, assignment, path):
        """Return what was handed in as the submission at `path`.

        Raises
        ------
        StudentFileError
            If there is no student's file. The other files may be missing.
        """
        try:
            source = collect(assignment.file, path)
        except RefusedError as refused:
            raise StudentFileError(str(refused)) from None
        files, missing = {}, {}
        for name in assignment.files:
            try:
                files[name] = collect(name, _beside(assignment, name, path), max_bytes=MAX_BYTES)
            except RefusedError as reason:
                missing[name] = str(reason)
        return cls(source, files, missing)

    def write(self, assignment, folder):
        """Write the files into a folder; return the path of the student's file."""
        for name, content in {assignment.file: self.source, **self.files}.items():
            (pathlib.Path(folder) / name).write_bytes(content)
        return pathlib.Path(folder) / assignment.file


def _beside(assignment, name, path):
    """Return where to look for a file that is judged: in the submission, or beside it if that is a single file."""
    path = pathlib.Path(path)
    if path.is_dir() or path.suffix.lower() != pathlib.Path(assignment.file).suffix:
        return path
    owner = _owner(assignment.file, path)
    found = [each for each in path.parent.iterdir() if _is_like(name, each) and _owner(name, each) == owner]
    found = [each for each in found if each.name.endswith(name)] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise RefusedError(f"there are {len(found)} files beside {path.name} that may be {name}")
    raise RefusedError(f"there is no {name} beside {path.name}: hand in both, as a folder or an archive")


def without_files_beside(assignment, paths):
    """Return the submissions among the files of a class: not the files that belong to one of the others."""
    owners = {_owner(assignment.file, path) for path in paths if _is_like(assignment.file, path)}
    beside = {
        path for name in assignment.files for path in paths if _is_like(name, path) and _owner(name, path) in owners
    }
    return [path for path in paths if path not in beside]


def _is_like(name, path):
    return path.suffix.lower() == pathlib.Path(name).suffix and not path.is_dir()


def _owner(name, path):
    """Return whose file it is, by its name without that of the file that was asked for."""
    stem = re.sub(f"{copy_of(pathlib.Path(name).stem)}$", "", path.stem, flags=re.IGNORECASE)
    stem = stem.rstrip(" _-") if stem else ""
    return _NUMBER_OF_FILE.sub(r"\1", stem).lower() if stem != path.stem else stem.lower()
