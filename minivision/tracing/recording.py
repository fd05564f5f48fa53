"""Record a function while it runs: which line wrote what, into which array.

Python's tracing hook (``sys.settrace``) is called before each line of the function. By then the line before it has
run, and the arrays of the function are compared with what they held before. So the function needs no preparation.
"""

from __future__ import annotations

import dis
import itertools
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.tracing.number import Padding, Traced, active_recording

if TYPE_CHECKING:
    from minivision.core.types import Array


class Event(NamedTuple):
    """One line of the function, run once.

    Attributes
    ----------
    line : int
        Line number in the source file.
    iteration : int
        Number of loop iterations that had begun, of all loops together.
    variables : dict
        The function's variables that are numbers (its loop counters among them) or slices, while the line ran.
    end : int
        Traced numbers with a larger serial were made later.
    looked_at : list of Traced and Padding
        Numbers that the line compared, and padding that it read.
    writes : dict
        For each array (its number in the recording) pairs of a flat index and the element written there.
    created : list of int
        The arrays (their numbers) that the line created.
    """

    line: int
    iteration: int
    variables: dict[str, int | float | str]
    end: int
    looked_at: list[Traced | Padding]
    writes: dict[int, list[tuple[int, Any]]]
    created: list[int]


class Watched:
    """An array of the function, its first elements, and the array that it is a cropped or padded copy of.

    Attributes
    ----------
    array : ndarray
    name : str
        Name of its first variable.
    first : list
        Its elements when it was created.
    cropped_from : (int, tuple of slice) or None
        It was created as a copy of that part of another array, given by its number.
    padded_from : (int, tuple of slice) or None
        That part of it was created as a copy of another array, with constants around it.
    """

    def __init__(self, array: Array, name: str) -> None:
        self.array, self.name = array, name
        self.first = self.last = array.ravel().tolist()
        self.cropped_from: tuple[int, tuple[slice, ...]] | None = None
        self.padded_from: tuple[int, tuple[slice, ...]] | None = None

    def changes(self) -> list[tuple[int, Any]]:
        """Return ``(flat index, element)`` for every element that changed since the last call."""
        now = self.array.ravel().tolist()
        pairs = enumerate(zip(now, self.last, strict=True))
        if self.array.dtype == object:
            changes = [(place, new) for place, (new, old) in pairs if new is not old]
        else:
            changes = [(place, new) for place, (new, old) in pairs if new != old]
        self.last = now
        return changes

    def find_origin(self, others: Iterable[tuple[int, Watched]]) -> None:
        """Set ``cropped_from`` and ``padded_from``; `others` are older arrays by number."""
        if not any(isinstance(element, Traced) for element in self.first):
            return
        for key, other in others:
            if other.array.ndim != self.array.ndim or other.array.dtype != object:
                continue
            if self.cropped_from is None and (part := _part_of(self, other)):
                self.cropped_from = key, part
            elif self.padded_from is None and (part := _part_of(other, self)):
                outside = np.ones(self.array.shape, bool)
                outside[part] = False
                if not any(isinstance(element, Traced) for element in self.array[outside]):
                    self.padded_from = key, part
                    self._mark_padding(outside)

    def _mark_padding(self, outside):
        if self.array.flags.writeable:
            for index in np.argwhere(outside):
                self.array[tuple(index)] = Padding(self.array[tuple(index)])
            self.first = self.last = self.array.ravel().tolist()


def _part_of(small, large):
    """Return the slices of `large` that hold the same elements as `small`, or None."""
    room = [b - a for a, b in zip(small.array.shape, large.array.shape, strict=True)]
    if min(room, default=0) < 0 or not small.last:
        return None
    whole = np.empty(len(large.last), object)
    whole[:] = large.last
    whole = whole.reshape(large.array.shape)
    for offset in itertools.product(*(range(spare + 1) for spare in room)):
        part = tuple(slice(o, o + size) for o, size in zip(offset, small.array.shape, strict=True))
        if all(_same(a, b) for a, b in zip(small.last, whole[(*part, ...)].ravel().tolist(), strict=True)):
            return part
    return None


def _same(a, b):
    if isinstance(a, Traced) or isinstance(b, Traced):
        return a is b
    return a == b


class Recording:
    """The result of :func:`record`.

    Attributes
    ----------
    result : object
        What the function returned.
    events : list of Event
    watched : list of Watched
        The arrays of the function.
    """

    def __init__(self) -> None:
        self.result: Any = None
        self.events: list[Event] = []
        self.watched: list[Watched] = []
        self._numbers: dict[int, int] = {}  # id of an array -> its index in `watched`
        self._looked_at: list[Traced | Padding] = []

    def look_at(self, numbers: Iterable[Any]) -> None:
        """Note numbers that were compared, and padding that was read."""
        self._looked_at.extend(one for one in numbers if isinstance(one, Traced | Padding))

    def is_written(self, key: int) -> bool:
        """Return whether the watched array number `key` was changed after it was created."""
        return any(key in event.writes for event in self.events)

    def number_of(self, array: Array) -> int | None:
        """Return the number of a watched array; None where it is not watched."""
        return self._numbers.get(id(array))

    def watch(self, array: Array, name: str) -> int:
        """Watch an array from now on; return its number."""
        self._numbers[id(array)] = len(self.watched)
        self.watched.append(Watched(array, name))
        return len(self.watched) - 1

    def after_line(
        self,
        line: int,
        iteration: int,
        variables: dict[str, int | float | str],
        arrays: Sequence[tuple[str, Array]],
    ) -> None:
        """Add the event of a line that has run; `arrays` are those that the function has now, with their names."""
        held = {id(owner) for _, array in arrays for owner in _owners(array)}
        writes = {}
        for key, watched in enumerate(self.watched):
            if id(watched.array) in held and (changes := watched.changes()):
                writes[key] = changes
        created = []
        for name, array in arrays:
            if not any(id(owner) in self._numbers for owner in _owners(array)):
                others = [(key, one) for key, one in enumerate(self.watched) if id(one.array) in held]
                created.append(self.watch(array, name))
                self.watched[-1].find_origin(others)
        looked_at, self._looked_at = self._looked_at, []
        if writes or created or looked_at:
            self.events.append(Event(line, iteration, variables, Traced.made, looked_at, writes, created))


def record(function: Callable[..., Any], arguments: Sequence[Any], keywords: dict[str, Any]) -> Recording:
    """Run a function and record what each line does.

    Parameters
    ----------
    function : function
        A Python function. It runs with a NumPy whose ``zeros`` and the like make arrays of objects, so that a function
        that does not pass ``dtype=x.dtype`` can be recorded too.
    arguments, keywords
        Its arguments, arrays of traced numbers among them.

    Returns
    -------
    recording : Recording
    """
    recording = Recording()
    code = function.__code__
    running = None  # the line that runs now, the iteration, and the variables
    iteration, headers = 0, _loop_headers(code)

    def after_line(variables):
        if running is not None:
            recording.after_line(*running, _arrays_in(variables))

    def local(frame, event, result):
        nonlocal running, iteration
        if event == "line":
            after_line(frame.f_locals)
            iteration += frame.f_lineno in headers
            running = frame.f_lineno, iteration, _plain_variables(frame.f_locals)
        elif event == "return":
            after_line({**frame.f_locals, "result": result})
        return local

    def begin(frame, event, argument):
        return local if event == "call" and frame.f_code is code else None

    for name, array in _arrays_in(dict(zip(code.co_varnames, arguments, strict=False)) | keywords):
        recording.watch(array, name)
    prepared = _with_numpy_for_objects(function)
    hook = sys.gettrace()
    token = active_recording.set(recording)
    sys.settrace(begin)
    try:
        with np.errstate(all="ignore"):
            recording.result = prepared(*arguments, **keywords)
    finally:
        sys.settrace(hook)
        active_recording.reset(token)
    return recording


def _loop_headers(code):
    """Return the lines at which an iteration of a loop begins: the targets of backward jumps."""
    lines, current = {}, None
    instructions = list(dis.get_instructions(code))
    for instruction in instructions:
        current = instruction.positions.lineno or current
        lines[instruction.offset] = current
    back = (i.argval for i in instructions if "JUMP" in i.opname and isinstance(i.argval, int) and i.argval < i.offset)
    return {lines[offset] for offset in back if offset in lines}


def _plain_variables(variables):
    """Return the variables that are numbers, and slices as text: ``1:4``."""
    plain: dict[str, int | float | str] = {}
    for name, value in variables.items():
        if isinstance(value, int | np.integer | np.bool_):
            plain[name] = int(value)
        elif isinstance(value, float | np.floating):
            plain[name] = float(value)
        elif isinstance(value, Traced) and value.value is not None:
            plain[name] = float(value.value)
        elif isinstance(value, slice):
            parts = value.start, value.stop, None if value.step == 1 else value.step
            start, stop, step = ("" if part is None else str(part) for part in parts)
            plain[name] = f"{start}:{stop}" + (f":{step}" if step else "")
    return plain


def _arrays_in(variables):
    """Return the ``(name, array)`` among some variables, also inside tuples."""
    found = []
    for name, value in variables.items():
        if isinstance(value, np.ndarray):
            found.append((name, value))
        elif isinstance(value, tuple):
            parts = zip(getattr(value, "_fields", [name] * len(value)), value, strict=True)
            found += [(part_name, part) for part_name, part in parts if isinstance(part, np.ndarray)]
    return found


def _owners(array):
    """Yield an array, the array it is a view of, and so on."""
    while isinstance(array, np.ndarray):
        yield array
        array = array.base


# ---- a NumPy that allocates objects ------------------------------------------------------------------------------


_ALLOCATING = {np.zeros: 1, np.ones: 1, np.empty: 1, np.full: 2}  # -> the place of dtype among their arguments
_ELEMENTWISE = (np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.tanh)


class _NumpyForObjects:
    """NumPy, but ``zeros`` and the like make arrays of objects where they would make arrays of floats.

    ``exp`` and the like also take arrays that hold both plain and traced numbers.
    """

    def __getattr__(self, name):
        return _for_objects(getattr(np, name))


def _is_allocating(value):
    return any(value is one for one in _ALLOCATING)  # `in` would need a hash, which not all values have


def _for_objects(function):
    if _is_allocating(function):
        return _allocating_objects(function, _ALLOCATING[function])
    return _taking_objects(function) if any(function is one for one in _ELEMENTWISE) else function


def _allocating_objects(function, position):
    def allocate(*args, **kwargs):
        given = args[position] if len(args) > position else kwargs.get("dtype")
        if given is None or np.dtype(given).kind == "f":
            args, kwargs = args[:position], {**kwargs, "dtype": object}
        return function(*args, **kwargs)

    return allocate


def _taking_objects(function):
    def one(element):
        if isinstance(element, Traced):
            return getattr(element, function.__name__)()
        return float(function(float(element)))

    def calculate(array, *args, **kwargs):
        if isinstance(array, Traced | Padding):
            return one(array)
        if isinstance(array, np.ndarray) and array.dtype == object and not args and not kwargs:
            return np.frompyfunc(one, 1, 1)(array)
        return function(array, *args, **kwargs)

    return calculate


def _with_numpy_for_objects(function):
    """Return a copy of `function`, and of the helpers in its module, that uses that NumPy."""
    namespace = dict(function.__globals__)

    def copy(one):
        duplicate = types.FunctionType(one.__code__, namespace, one.__name__, one.__defaults__, one.__closure__)
        duplicate.__kwdefaults__ = one.__kwdefaults__
        return duplicate

    for name, value in function.__globals__.items():
        if value is np:
            namespace[name] = _NumpyForObjects()
        elif isinstance(value, types.FunctionType) and value.__globals__ is function.__globals__:
            namespace[name] = copy(value)
        elif isinstance(value, np.ufunc) or _is_allocating(value):
            namespace[name] = _for_objects(value)
    return copy(function)
