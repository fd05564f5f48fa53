"""A training run in one file: everything that is needed to go on, to evaluate, or to predict."""

import dataclasses
import json
import os
import pathlib
import zipfile
import zlib

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.core.devices import on_host

FORMAT = "minivision checkpoint"
VERSION = 1


class CheckpointError(ValueError):
    """A file that is not a checkpoint, is damaged, or comes from another version."""


@dataclasses.dataclass
class Checkpoint:
    """What a run had come to after `step` steps.

    Attributes
    ----------
    system : str
        The model's name, as in ``make_model(system, classes, **options)``.
    classes : list of str
        Class names, the background first.
    options : dict
        What else the model was made with.
    model : dict of str to ndarray
        ``model.state()``.
    optimizer : dict of str to ndarray
        ``optimizer.state()``.
    step, total : int
        Steps taken, and steps planned.
    settings : dict
        What the trainer was told, resolved: batch size, rate, seed and so on.
    data : dict
        What the run was trained on, in the words of whoever started it; the command line keeps its arguments
        here.
    seconds : float
        Training time so far.
    finished : bool
        Whether ``model.finish(dataset)`` has been done after the last step.
    """

    system: str
    classes: list
    options: dict
    model: dict
    optimizer: dict
    step: int
    total: int
    settings: dict
    data: dict
    seconds: float = 0.0
    finished: bool = False

    def save(self, path):
        """Write the checkpoint in such a way that at every moment `path` holds a whole one, this or the last.

        It is written beside, forced to the disk, and only then renamed.

        Raises
        ------
        OSError
            When it cannot be written; `path` is as it was.
        TypeError
            When an option or a setting has no place in JSON.
        """
        path = pathlib.Path(path)
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arrays = {
            f"{part}/{name}": on_host(array)
            for part in ("model", "optimizer")
            for name, array in fields.pop(part).items()
        }
        metadata = json.dumps({"format": FORMAT, "version": VERSION, **fields}, default=_plain)
        arrays["metadata"] = np.frombuffer(metadata.encode(), np.uint8)
        with atomic_write(path) as beside, open(beside, "wb") as file:  # what a killed run left is overwritten
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)

    @classmethod
    def load(cls, path):
        """Read a checkpoint; nothing in it is ever executed.

        Raises
        ------
        FileNotFoundError
            When there is no file.
        CheckpointError
            When it is something else, damaged, or of another version.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, AttributeError) as error:
            raise CheckpointError(_unreadable(path, error)) from error
        metadata = _read_metadata(path, arrays.pop("metadata", None))
        parts = {"model": {}, "optimizer": {}}
        for name, array in arrays.items():
            part, _, name = name.partition("/")
            parts.setdefault(part, {})[name] = array
        fields = {field.name for field in dataclasses.fields(cls)}
        if set(parts) != {"model", "optimizer"} or set(metadata) != fields - set(parts):
            raise CheckpointError(f"{path}: a checkpoint with parts missing or unknown; was it edited?")
        metadata["options"] = _tuples(metadata["options"])
        return cls(**metadata, **parts)

    def make_model(self):
        """Return the model with its trained parameters.

        Raises
        ------
        CheckpointError
            When the arrays do not fit the model that the options describe.
        """
        from minivision.models import make_model

        try:
            model = make_model(self.system, self.classes, rng=np.random.default_rng(0), **self.options)
            model.load_state(self.model)
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"the checkpoint does not fit the system {self.system!r}: {error}") from error
        return model


def _read_metadata(path, raw):
    if raw is None:
        raise CheckpointError(f"{path}: an .npz file, but not a minivision checkpoint (it has no metadata)")
    try:
        metadata = json.loads(raw.tobytes().decode())
        kind, version = metadata.pop("format"), metadata.pop("version")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path}: its metadata cannot be read ({error})") from error
    if kind != FORMAT:
        raise CheckpointError(f"{path}: holds {kind!r}, not a {FORMAT}")
    if version != VERSION:
        raise CheckpointError(
            f"{path}: a checkpoint of format version {version}; this minivision reads version {VERSION}, "
            f"so {'update minivision' if version > VERSION else 'train again, or use the older minivision'}"
        )
    return metadata


def _unreadable(path, error):
    with open(path, "rb") as file:
        start = file.read(2)
    if start != b"PK":  # every .npz is a zip archive
        return f"{path}: not a minivision checkpoint"
    return f"{path}: a damaged checkpoint ({error}); use a copy of it, or train again into another folder"


def _sync_folder(folder):
    """Force the rename itself to the disk, where the system lets folders be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows
        return
    try:
        os.fsync(handle)
    except OSError:  # some network file systems
        pass
    finally:
        os.close(handle)


def _plain(value):
    """Turn NumPy's numbers and arrays into what JSON knows."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"a checkpoint keeps numbers, strings, lists and dicts, got {type(value).__name__}")


def _tuples(value):
    """Turn JSON's lists back into the tuples that options are given as."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
