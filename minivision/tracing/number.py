"""Numbers that remember where they came from.

A `Traced` number carries a value, a name if it is an input, and else the operation and the numbers it was made of.
NumPy calculates with arrays of them (dtype object) as with any numbers: arithmetic, comparison, sums, maxima and
padding need no change. What a comparison decides depends on the values; which numbers a result depends on is exact:
adding a constant 0, or multiplying by a constant 0 or 1, leaves no trace.
"""

import math
import numbers
import operator

import numpy as np

from minivision.tracing.expression import format_value, subscripted, write_expression

watcher = None  # while a function is recorded: who wants to know what is looked at (compared, or padding)


class Traced:
    """A number with a history.

    Parameters
    ----------
    value : number or None
        None for a symbol that stands for any number; it can be calculated with, but not compared.
    name : str, optional
        Of an input.
    operation : str, optional
        Of a result: ``+ - * / **``, ``neg``, or a function such as ``exp``.
    operands : tuple
        What it was made of: traced numbers and plain ones.
    """

    __slots__ = ("name", "operands", "operation", "serial", "value")
    made = 0  # so far

    def __init__(self, value, name=None, operation=None, operands=()):
        self.value, self.name, self.operation, self.operands = value, name, operation, operands
        Traced.made += 1
        self.serial = Traced.made  # later numbers have larger ones

    def __repr__(self):
        text = self.expression()
        return text if self.value is None else f"{text} = {format_value(self.value)}"

    # ---- what it is made of

    def leaves(self):
        """Return the inputs that this number depends on, each once, in the order of their first use."""
        found, seen, stack = [], set(), [self]
        while stack:
            number = stack.pop()
            if not isinstance(number, Traced) or id(number) in seen:
                continue
            seen.add(id(number))
            if number.operation is None:
                found.append(number)
            stack.extend(reversed(number.operands))
        return found

    def expression(self, *, numeric=False, terms=None):
        """Return how it was calculated, as text.

        Parameters
        ----------
        numeric : bool
            Whether to write the inputs' values in place of their names.
        terms : int, optional
            Of a longer sum, write only as many terms.
        """
        return write_expression(self, numeric=numeric, terms=terms)

    # ---- arithmetic: constants that change nothing leave no trace

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

    # ---- whole numbers: they choose places, and carry no history

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
        _tell(self, other)
        return how(self._known("compare"), other._known("compare") if isinstance(other, Traced) else other)

    def _known(self, verb):
        if self.value is None:
            raise TypeError(f"cannot {verb} the symbol {self.expression()}: it stands for any number; give it a value")
        return self.value


class Padding:
    """A constant in a padded array: it tells where the padding is read, and leaves no other trace."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return format_value(self.value)

    def _plain(self, beside=None):
        _tell(self, beside)
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


def _tell(*looked_at):
    if watcher is not None:
        watcher.look_at(looked_at)


def symbols(names, shape=None, values=None):
    """Return an array of symbols to run an operation on.

    Parameters
    ----------
    names : str
        ``"a b c"`` gives an array of three; a single name with a shape gives ``a[0,0], a[0,1], ...``.
    shape : tuple of int, optional
        Of the result.
    values : array_like, optional
        Values for the symbols, for operations that compare.

    Returns
    -------
    ndarray of object

    Examples
    --------
    >>> from minivision.ops import conv_transpose2d
    >>> conv_transpose2d(symbols("a b", (1, 1, 1, 2)), symbols("x y z", (1, 1, 1, 3)), stride=(1, 2))
    array([[[[ax, ay, az + bx, by, bz]]]], dtype=object)
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


def traced(array, name):
    """Return the numbers of an array as traced ones, named after the array and their place in it."""
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
        return NotImplemented  # an array, say: it knows what to do with each of its numbers
    values = [_value(operand) for operand in operands]
    if None in values:
        value = None
    else:
        with np.errstate(all="ignore"):
            value = _CALCULATE[operation](*values)
    return Traced(value, None, operation, operands)
