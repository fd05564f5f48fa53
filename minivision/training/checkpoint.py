"""A training run in one file: all that is needed to resume, to evaluate and to predict."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.core.devices import on_host
from minivision.core.types import Array

if TYPE_CHECKING:
    from minivision.models.base.model import Model

CHECKPOINT = "checkpoint.npz"  # its name in the folder of a run
FORMAT = "minivision checkpoint"
VERSION = 1


class CheckpointError(ValueError):
    """A file is not a checkpoint, is damaged, or comes from another version."""


@dataclasses.dataclass
class Checkpoint:
    """The state of a run after `step` steps.

    Attributes
    ----------
    system : str
        Name of the model, as in ``make_model(system, classes, **options)``.
    classes : list of str
        Names of the classes, the background first.
    options : dict
        The other arguments of the model.
    model : dict of str to ndarray
        ``model.state()``.
    optimizer : dict of str to ndarray
        ``optimizer.state()``.
    step, total : int
        Steps taken, and steps planned.
    settings : dict
        The complete :class:`~minivision.training.Settings`, and ``minutes`` if the steps were planned to fit into them.
    data : dict
        The argument `data` of :func:`~minivision.training.train`: how to open the dataset again. The command line keeps
        its arguments here.
    seconds : float
        Training time so far.
    finished : bool
        Whether ``model.finish(dataset)`` was called after the last step.
    """

    system: str
    classes: list[str]
    options: dict[str, Any]
    model: dict[str, Array]
    optimizer: dict[str, Array]
    step: int
    total: int
    settings: dict[str, Any]
    data: dict[str, Any]
    seconds: float = 0.0
    finished: bool = False

    def save(self, path: str | os.PathLike) -> None:
        """Write the checkpoint. At every moment `path` is a complete checkpoint, this one or the one before.

        Raises
        ------
        OSError
            When it cannot be written; `path` is then as it was.
        TypeError
            When an option or a setting has no JSON form.
        """
        path = pathlib.Path(path)
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arrays = {
            f"{part}/{name}": on_host(array)
            for part in ("model", "optimizer")
            for name, array in fields.pop(part).items()
        }
        metadata = json.dumps({"format": FORMAT, "version": VERSION, **fields}, default=_as_json)
        arrays["metadata"] = np.frombuffer(metadata.encode(), np.uint8)
        with atomic_write(path) as partial, open(partial, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # NumPy: names of keywords are not known
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Checkpoint:
        """Read a checkpoint; nothing in it is ever executed.

        Parameters
        ----------
        path : path
            A checkpoint, or the folder of a run.

        Raises
        ------
        FileNotFoundError
            When there is no checkpoint.
        CheckpointError
            When the file is not a checkpoint, is damaged, or of another version.
        """
        path = pathlib.Path(path)
        file = path / CHECKPOINT if path.is_dir() else path
        if not file.exists():
            raise FileNotFoundError(f"{path} holds no run: there is no {file.name}")
        path = file
        if not path.is_file():  # a pipe would be waited for
            raise CheckpointError(f"{path}: not a file")
        try:
            arrays = _read_arrays(path)
        except Exception as error:  # damaged archives and arrays raise errors of many types
            raise CheckpointError(_unreadable(path, error)) from error
        metadata = _read_metadata(path, arrays.pop("metadata", None))
        parts: dict[str, dict[str, Array]] = {"model": {}, "optimizer": {}}
        for name, array in arrays.items():
            part, _, name = name.partition("/")
            parts.setdefault(part, {})[name] = array
        fields = {field.name for field in dataclasses.fields(cls)}
        if set(parts) != {"model", "optimizer"} or set(metadata) != fields - set(parts):
            raise CheckpointError(f"{path}: a checkpoint with missing or unknown parts; was it edited?")
        _check_types(path, metadata, parts)
        metadata["options"] = _tuples(metadata["options"])
        return cls(model=parts["model"], optimizer=parts["optimizer"], **metadata)

    def make_model(self) -> Model:
        """Return the model with its trained parameters.

        Returns
        -------
        model : Model

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


def load(path: str | os.PathLike) -> Model:
    """Return the trained model of a run, ready to predict.

    For the other contents of a checkpoint, such as the data that it was trained on, see :class:`Checkpoint`.

    Parameters
    ----------
    path : path
        The folder of a run, or a checkpoint.

    Returns
    -------
    model : Model

    Raises
    ------
    FileNotFoundError
        When there is no checkpoint.
    CheckpointError
        When the file cannot be used.

    See Also
    --------
    minivision.models.base.resizing.Resizing : for images of another size than those of the training

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import minivision
    >>> from minivision.data import Scenes
    >>> from minivision.models import make_model
    >>> from minivision.training import Settings, train
    >>> scenes = Scenes("easy", "train").draw(2)
    >>> model = make_model("full-resolution", scenes.classes)
    >>> folder = os.path.join(tempfile.mkdtemp(), "run")
    >>> result = train(model, scenes, Settings(batch_size=1), steps=1, out=folder, progress=False)
    >>> again = minivision.load(folder)
    >>> images = [scenes[0].image]
    >>> bool((again.predict(images)[0] == model.predict(images)[0]).all())
    True
    """
    return Checkpoint.load(path).make_model()


def _read_metadata(path, raw):
    if raw is None:
        raise CheckpointError(f"{path}: an .npz file, but not a minivision checkpoint (it has no metadata)")
    try:
        metadata = json.loads(raw.tobytes().decode())
        kind, version = metadata.pop("format"), metadata.pop("version")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: its metadata cannot be read ({error})") from error
    if kind != FORMAT:
        raise CheckpointError(f"{path}: holds {kind!r}, not a {FORMAT}")
    if not isinstance(version, int):
        raise CheckpointError(f"{path}: its format version should be a number, got {version!r:.60}")
    if version != VERSION:
        raise CheckpointError(
            f"{path}: a checkpoint of format version {version}; this minivision reads version {VERSION}, "
            f"so {'update minivision' if version > VERSION else 'train again, or use the older minivision'}"
        )
    return metadata


def _read_arrays(path):
    """Return the arrays of a file by name. What they claim to hold cannot be more than its archive has."""
    with zipfile.ZipFile(path) as archive:
        expected = {entry.filename.removesuffix(".npy"): entry.file_size for entry in archive.infolist()}
        for name in archive.namelist():
            with archive.open(name) as member:
                version = np.lib.format.read_magic(member)
                read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
                shape, _, dtype = read_header[version](member)
                if math.prod(shape) * dtype.itemsize > expected[name.removesuffix(".npy")]:
                    raise ValueError(f"{name} claims the shape {shape}, more than the file holds")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _check_types(path, metadata, parts):
    """Raise CheckpointError unless what was read has the types of a checkpoint."""
    expected: dict[str, type | tuple] = {
        "system": str, "classes": list, "options": dict, "step": int, "total": int, "settings": dict, "data": dict,
        "seconds": (int, float), "finished": bool,
    }  # fmt: skip
    for name, kind in expected.items():
        value = metadata[name]
        if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
            raise CheckpointError(f"{path}: {name!r} cannot be {value!r:.60}; was it edited?")
    if not all(isinstance(name, str) for name in metadata["classes"]):
        raise CheckpointError(f"{path}: 'classes' should be names, got {metadata['classes']!r:.60}; was it edited?")
    for name, array in parts["model"].items():
        if array.dtype.kind not in "fiub":
            raise CheckpointError(f"{path}: the parameter {name} holds {array.dtype}, not numbers; was it edited?")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CheckpointError(f"{path}: the parameter {name} holds values that are not finite")


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


def _as_json(value):
    """Convert NumPy's numbers and arrays for JSON."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"a checkpoint keeps numbers, strings, lists and dicts, got {type(value).__name__}")


def _tuples(value):
    """Convert JSON's lists into tuples, as options are given."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
