"""Numbers that record how they were computed.

A `Traced` number has a value; an input also has a name, a result the operation and the operands it was computed from.
NumPy computes with arrays of them (dtype object) as with any numbers: arithmetic, comparison, sums, maxima and
padding need no change. The result of a comparison depends on the values. The inputs that a result depends on are
exact: adding a constant 0, or multiplying by a constant 0 or 1, is not recorded.
"""

from __future__ import annotations

import contextvars
import math
import numbers
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minivision.tracing.expression import format_value, subscripted, write_expression

if TYPE_CHECKING:
    from minivision.core.types import Array
    from minivision.tracing.recording import Recording

Number: TypeAlias = "Traced | float | int"

# While a function is recorded, its recording: it gets the numbers that are compared, and the padding that is read. A
# context variable: another thread may record another function at the same time.
active_recording: contextvars.ContextVar[Recording | None] = contextvars.ContextVar(
    "minivision_active_recording", default=None
)


class Traced:
    """A number with its history.

    Parameters
    ----------
    value : number or None
        None for a symbol that stands for any number; it can be used in arithmetic, but not compared.
    name : str, optional
        Name of an input.
    operation : str, optional
        Operation of a result: ``+ - * / **``, ``neg``, or a function such as ``exp``.
    operands : tuple
        Operands of a result: traced numbers and plain ones.
    """

    __slots__ = ("name", "operands", "operation", "serial", "value")
    made = 0  # count of all traced numbers

    def __init__(
        self, value: Any, name: str | None = None, operation: str | None = None, operands: tuple[Any, ...] = ()
    ) -> None:
        self.value, self.name, self.operation, self.operands = value, name, operation, operands
        Traced.made += 1
        self.serial = Traced.made  # later numbers have larger ones

    def __repr__(self) -> str:
        text = self.expression()
        return text if self.value is None else f"{text} = {format_value(self.value)}"

    # ---- its history

    def leaves(self) -> list[Traced]:
        """Return the inputs that this number depends on, each once, in the order of their first use."""
        found: list[Traced] = []
        seen: set[int] = set()
        stack: list[Any] = [self]
        while stack:
            number = stack.pop()
            if not isinstance(number, Traced) or id(number) in seen:
                continue
            seen.add(id(number))
            if number.operation is None:
                found.append(number)
            stack.extend(reversed(number.operands))
        return found

    def expression(self, *, numeric: bool = False, terms: int | None = None) -> str:
        """Return the formula it was computed by.

        Parameters
        ----------
        numeric : bool
            Whether to write the inputs' values instead of their names.
        terms : int, optional
            Number of terms of a long sum that are written; by default all are.
        """
        return write_expression(self, numeric=numeric, terms=terms)

    # ---- arithmetic: constants that change nothing are not recorded

    def __add__(self, other):
        return self if _is_constant(other, 0) else _made("+", self, other)

    def __radd__(self, other):
        return self if _is_constant(other, 0) else _made("+", other, self)

    def __sub__(self, other):
        return self if _is_constant(other, 0) else _made("-", self, other)

    def __rsub__(self, other):
        return -self if _is_constant(other, 0) else _made("-", other, self)

    def __mul__(self, other):
        if _is_constant(other, 0):
            return 0
        return self if _is_constant(other, 1) else _made("*", self, other)

    def __rmul__(self, other):
        if _is_constant(other, 0):
            return 0
        return self if _is_constant(other, 1) else _made("*", other, self)

    def __truediv__(self, other):
        return self if _is_constant(other, 1) else _made("/", self, other)

    def __rtruediv__(self, other):
        return 0 if _is_constant(other, 0) else _made("/", other, self)

    def __pow__(self, other):
        return self if _is_constant(other, 1) else _made("**", self, other)

    def __rpow__(self, other):
        return _made("**", other, self)

    def __neg__(self):
        return _made("neg", self)

    def __pos__(self):
        return self

    def __abs__(self):
        return -self if self < 0 else self

    # NumPy calls these for np.exp(array) and the like.
    def exp(self):
        return _made("exp", self)

    def expm1(self):
        return _made("expm1", self)

    def log(self):
        return _made("log", self)

    def log1p(self):
        return _made("log1p", self)

    def sqrt(self):
        return _made("sqrt", self)

    def tanh(self):
        return _made("tanh", self)

    def conjugate(self):
        return self

    # ---- whole numbers: they are used as indices, and have no history

    def __floordiv__(self, other):
        return math.floor(self._known("round") / _value(other))

    def __mod__(self, other):
        return self - (self // other) * other

    def __floor__(self):
        return math.floor(self._known("round"))

    def __ceil__(self):
        return math.ceil(self._known("round"))

    def __trunc__(self):
        return math.trunc(self._known("round"))

    def __round__(self, digits=None):
        return round(self._known("round"))

    floor, ceil, trunc, rint = __floor__, __ceil__, __trunc__, __round__  # what NumPy calls
    __int__ = __trunc__

    def __float__(self):
        raise TypeError(
            "a traced number was turned into a plain float, and its history would be lost: "
            "allocate arrays with dtype=x.dtype, and leave float() and math.exp() out (np.exp works)"
        )

    # ---- comparison, by value

    def __lt__(self, other):
        return self._compared(other, operator.lt)

    def __le__(self, other):
        return self._compared(other, operator.le)

    def __gt__(self, other):
        return self._compared(other, operator.gt)

    def __ge__(self, other):
        return self._compared(other, operator.ge)

    def __eq__(self, other):
        return self._compared(other, operator.eq)

    def __ne__(self, other):
        return self._compared(other, operator.ne)

    def __bool__(self):
        return bool(self._known("compare"))

    def __hash__(self):
        return id(self)

    def isnan(self):
        return self.value is not None and self.value != self.value

    def _compared(self, other, how):
        if not isinstance(other, Traced | numbers.Number):
            return NotImplemented
        _report(self, other)
        return how(self._known("compare"), other._known("compare") if isinstance(other, Traced) else other)

    def _known(self, verb):
        if self.value is None:
            raise TypeError(f"cannot {verb} the symbol {self.expression()}: it stands for any number; give it a value")
        return self.value


class Padding:
    """A constant in a padded array: it records that the padding is read, and nothing else."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return format_value(self.value)

    def _plain(self, other=None):
        _report(self, other)
        return self.value

    def __neg__(self):
        return -self._plain()

    def __abs__(self):
        return abs(self._plain())

    def __float__(self):
        return float(self._plain())

    def __int__(self):
        return int(self._plain())

    def __bool__(self):
        return bool(self._plain())

    def __hash__(self):
        return id(self)


def _add_operators():
    """Give `Padding` the binary operators of its value."""

    def forward(how):
        return lambda self, other: how(self._plain(other), _unwrapped(other))

    def backward(how):
        return lambda self, other: how(_unwrapped(other), self._plain(other))

    for name in ("add", "sub", "mul", "truediv", "pow"):
        setattr(Padding, f"__{name}__", forward(getattr(operator, name)))
        setattr(Padding, f"__r{name}__", backward(getattr(operator, name)))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Padding, f"__{name}__", forward(getattr(operator, name)))


def _unwrapped(other):
    return other._plain() if isinstance(other, Padding) else other


_add_operators()


def _report(*looked_at):
    """Report numbers that are compared, or padding that is read, to the active recording."""
    recording = active_recording.get()
    if recording is not None:
        recording.look_at(looked_at)


def symbols(names: str, shape: Sequence[int] | None = None, values: Any = None) -> Array:
    """Return an array of symbols to run an operation on.

    Parameters
    ----------
    names : str
        ``"a b c"`` gives an array of three; a single name with a shape gives ``a[0,0], a[0,1], ...``.
    shape : tuple of int, optional
        Shape of the array; by default one axis.
    values : array_like, optional
        Values of the symbols, for operations that compare.

    Returns
    -------
    array : object ndarray of shape `shape`

    Examples
    --------
    >>> from minivision.ops import conv_transpose2d
    >>> from minivision.tracing import symbols
    >>> y = conv_transpose2d(symbols("a b", (1, 1, 1, 2)), symbols("x y z", (1, 1, 1, 3)), stride=(1, 2))
    >>> y.ravel().tolist()
    [ax, ay, az + bx, by, bz]
    """
    words = names.split()
    shape = (len(words),) if shape is None else tuple(shape)
    count = math.prod(shape)
    if len(words) == 1 and count != 1:
        words = [subscripted(words[0], index, shape) for index in np.ndindex(*shape)]
    if len(words) != count:
        raise ValueError(f"names: {len(words)} names cannot fill the shape {shape}, which holds {count}")
    known = [None] * count if values is None else np.asarray(values).ravel().tolist()
    if len(known) != count:
        raise ValueError(f"values: expected {count}, one for each symbol, got {len(known)}")
    return _filled(shape, [Traced(value, name) for value, name in zip(known, words, strict=True)])


def traced(array: Any, name: str) -> Array:
    """Return an array of traced numbers, named after the array and their index: ``x[0,1]``."""
    array = np.asarray(array)
    places = [subscripted(name, index, array.shape) for index in np.ndindex(*array.shape)]
    return _filled(array.shape, [Traced(v, place) for v, place in zip(array.ravel().tolist(), places, strict=True)])


def _filled(shape, items):
    result = np.empty(len(items), object)
    result[:] = items
    return result.reshape(shape)


def _is_constant(number, value):
    return not isinstance(number, Traced) and isinstance(number, numbers.Number | np.bool_) and number == value


def _value(number):
    return number.value if isinstance(number, Traced) else number


_CALCULATE = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: np.float64(a) / b,  # by zero: inf or NaN, as arrays have it
    "**": lambda a, b: np.float64(a) ** b,
    "neg": lambda a: -a,
    **{name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "sqrt", "tanh")},
}


def _made(operation, *operands):
    if not all(isinstance(operand, Traced | numbers.Number) for operand in operands):
        return NotImplemented  # such as an array, which then applies the operation to each of its numbers
    values = [_value(operand) for operand in operands]
    if None in values:
        value = None
    else:
        with np.errstate(all="ignore"):
            value = _CALCULATE[operation](*values)
    return Traced(value, None, operation, operands)
