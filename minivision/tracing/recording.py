"""Watching a function while it runs: which line wrote what, into which array.

Python's own tracing hook calls us before each line of the function. By then the line before has done its work, and
what it changed is found by looking through the function's arrays. So nothing in the function has to be prepared for
being watched.
"""

import dis
import inspect
import itertools
import sys
import types
from typing import NamedTuple

import numpy as np

from minivision.tracing import number
from minivision.tracing.number import Padding, Traced


class Event(NamedTuple):
    """One line of the function, run once.

    Attributes
    ----------
    line : int
        Its number in the source file.
    lap : int
        How many turns of loops had begun, of all loops together.
    variables : dict
        The function's whole numbers (its loop counters among them) while the line ran.
    end : int
        Traced numbers with a larger serial were made later.
    looked_at : list of Traced and Padding
        Numbers that the line compared, and padding that it read.
    writes : dict
        For each array (its number in the recording) the flat places written to and what was written.
    born : list of int
        The arrays that the line made.
    """

    line: int
    lap: int
    variables: dict
    end: int
    looked_at: list
    writes: dict
    born: list


class Watched:
    """An array of the function, what it held at first, and the array it was cut from or grew out of.

    Attributes
    ----------
    array : ndarray
    name : str
        Of the variable that held it first.
    first : list
        Its elements when it was made.
    cut_from, grown_from : (int, tuple of slice) or None
        It began as a copy of that part of another array (given by its number); or that part of it began as a copy
        of another array, with constants around: a padded one.
    """

    def __init__(self, array, name):
        self.array, self.name = array, name
        self.first = self.last = array.ravel().tolist()
        self.cut_from = self.grown_from = None

    def changes(self):
        """Return ``(place, element)`` for every element that is not the one it was at the last call."""
        now = self.array.ravel().tolist()
        pairs = enumerate(zip(now, self.last, strict=True))
        if self.array.dtype == object:
            changes = [(place, new) for place, (new, old) in pairs if new is not old]
        else:
            changes = [(place, new) for place, (new, old) in pairs if new != old]
        self.last = now
        return changes

    def find_origin(self, others):
        """Fill in ``cut_from`` and ``grown_from``."""
        if not any(isinstance(element, Traced) for element in self.first):
            return
        for key, other in others:
            if other.array.ndim != self.array.ndim or other.array.dtype != object:
                continue
            if self.cut_from is None and (part := _part_of(self, other)):
                self.cut_from = key, part
            elif self.grown_from is None and (part := _part_of(other, self)):
                outside = np.ones(self.array.shape, bool)
                outside[part] = False
                if not any(isinstance(element, Traced) for element in self.array[outside]):
                    self.grown_from = key, part
                    self._mark_padding(outside)

    def _mark_padding(self, outside):
        if self.array.flags.writeable:
            for index in np.argwhere(outside):
                self.array[tuple(index)] = Padding(self.array[tuple(index)])
            self.first = self.last = self.array.ravel().tolist()


def _part_of(small, large):
    """Return as slices where in `large` the very elements of `small` lie, or None."""
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
    """What :func:`record` saw.

    Attributes
    ----------
    result : what the function returned
    events : list of Event
    watched : list of Watched
    """

    def __init__(self):
        self.result = None
        self.events, self.watched = [], []
        self._numbers = {}  # id of an array -> its place in `watched`
        self._looked_at = []

    def look_at(self, numbers_looked_at):
        """Remember numbers that were compared, and padding that was read."""
        self._looked_at.extend(one for one in numbers_looked_at if isinstance(one, Traced | Padding))

    def is_written(self, key):
        """Return whether the watched array number `key` was changed after it was made."""
        return any(key in event.writes for event in self.events)

    def number_of(self, array):
        """Return which of the watched arrays `array` is, or None."""
        return self._numbers.get(id(array))

    def watch(self, array, name):
        """Watch an array from now on; return its number."""
        self._numbers[id(array)] = len(self.watched)
        self.watched.append(Watched(array, name))
        return len(self.watched) - 1

    def after_line(self, line, lap, variables, arrays):
        """Write down what a line did, once it has run; `arrays` are those the function holds now, by name."""
        held = {id(owner) for _, array in arrays for owner in _owners(array)}
        writes = {}
        for key, watched in enumerate(self.watched):
            if id(watched.array) in held and (changes := watched.changes()):
                writes[key] = changes
        born = []
        for name, array in arrays:
            if not any(id(owner) in self._numbers for owner in _owners(array)):
                others = [(key, one) for key, one in enumerate(self.watched) if id(one.array) in held]
                born.append(self.watch(array, name))
                self.watched[-1].find_origin(others)
        looked_at, self._looked_at = self._looked_at, []
        if writes or born or looked_at:
            self.events.append(Event(line, lap, variables, Traced.made, looked_at, writes, born))


def record(function, arguments, keywords):
    """Run a function line by line and return what it did.

    Parameters
    ----------
    function : function
        Plain Python. It runs with a NumPy whose ``zeros`` and the like make arrays of objects, so that a body that
        does not say ``dtype=x.dtype`` can be watched too.
    arguments, keywords
        Its arguments, arrays of traced numbers among them.

    Returns
    -------
    Recording
    """
    recording = Recording()
    code = function.__code__
    running = None  # the line that runs now, the lap, and the variables
    lap, headers = 0, _loop_headers(code)

    def after_line(variables):
        if running is not None:
            recording.after_line(*running, _arrays_in(variables))

    def local(frame, event, result):
        nonlocal running, lap
        if event == "line":
            after_line(frame.f_locals)
            counters = {k: int(v) for k, v in frame.f_locals.items() if isinstance(v, int | np.integer)}
            lap += frame.f_lineno in headers
            running = frame.f_lineno, lap, counters
        elif event == "return":
            after_line({**frame.f_locals, "result": result})
        return local

    def begin(frame, event, argument):
        return local if event == "call" and frame.f_code is code else None

    for name, array in _arrays_in(dict(zip(code.co_varnames, arguments, strict=False)) | keywords):
        recording.watch(array, name)
    prepared = _with_numpy_for_objects(function)
    hook = sys.gettrace()
    number.watcher = recording
    sys.settrace(begin)
    try:
        with np.errstate(all="ignore"):
            recording.result = prepared(*arguments, **keywords)
    finally:
        sys.settrace(hook)
        number.watcher = None
    return recording


def _loop_headers(code):
    """Return the lines at which a turn of a loop begins: those that are jumped back to."""
    lines, current = {}, None
    instructions = list(dis.get_instructions(code))
    for instruction in instructions:
        current = instruction.positions.lineno or current
        lines[instruction.offset] = current
    back = (i.argval for i in instructions if "JUMP" in i.opname and isinstance(i.argval, int) and i.argval < i.offset)
    return {lines[offset] for offset in back if offset in lines}


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


_ALLOCATING = (np.zeros, np.ones, np.empty, np.full)
_ELEMENTWISE = (np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.tanh)


class _NumpyForObjects:
    """NumPy, but ``zeros`` and the like make arrays of objects where they would make arrays of floats.

    And ``exp`` and the like also take arrays in which plain numbers stand beside traced ones.
    """

    def __getattr__(self, name):
        return _for_objects(getattr(np, name))


def _for_objects(function):
    if function in _ALLOCATING:
        return _allocating_objects(function)
    return _taking_objects(function) if function in _ELEMENTWISE else function


def _allocating_objects(function):
    position = list(inspect.signature(function).parameters).index("dtype")

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
    """Return a copy of `function`, and of the helpers in its module, that sees that NumPy."""
    namespace = dict(function.__globals__)

    def copy(one):
        twin = types.FunctionType(one.__code__, namespace, one.__name__, one.__defaults__, one.__closure__)
        twin.__kwdefaults__ = one.__kwdefaults__
        return twin

    for name, value in function.__globals__.items():
        if value is np:
            namespace[name] = _NumpyForObjects()
        elif isinstance(value, types.FunctionType) and value.__globals__ is function.__globals__:
            namespace[name] = copy(value)
        elif isinstance(value, np.ufunc) or callable(value) and value in _ALLOCATING:
            namespace[name] = _for_objects(value)
    return copy(function)
