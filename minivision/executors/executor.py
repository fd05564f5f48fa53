"""What all executors have in common, and the one that does everything in this process."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple


class Failure(NamedTuple):
    """What went wrong with a piece: an error of the function, as text, since not every exception can be pickled.

    Attributes
    ----------
    kind : str
        Name of the exception's class.
    message : str
        Its message in one line, or its kind where it has none.
    details : str
        Its traceback.
    """

    kind: str
    message: str
    details: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Return the failure that an exception is."""
        kind = type(error).__name__
        return cls(kind, " ".join(str(error).split()) or kind, "".join(traceback.format_exception(error)))


class Outcome(NamedTuple):
    """A piece of work that is done.

    Attributes
    ----------
    number : int
        Which piece it is, counted from 0.
    piece : object
    result : object
        What the function returned; None if it failed.
    failure : Failure or None
    """

    number: int
    piece: Any
    result: Any
    failure: Failure | None


def attempt(function: Callable[[Any], Any], piece: Any) -> tuple[Any, Failure | None]:
    """Return the result of a piece and None, or None and the failure."""
    try:
        return function(piece), None
    except Exception as error:
        return None, Failure.of(error)


class Executor:
    """Calls a function with many pieces; each subclass says where. It is used in a ``with`` block."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map_unordered(self, function: Callable[[Any], Any], pieces: Iterable[Any]) -> Iterator[Outcome]:
        """Call a function with each piece, and yield the outcomes in the order in which they are done.

        Few pieces more than there are workers are taken from `pieces` at a time, so they may be many and large.
        When the iteration ends early, by an exception, Ctrl-C or ``close()``, what has not begun is cancelled.

        Parameters
        ----------
        function : callable
            ``function(piece)``. It must pickle: a function of a module, or a `functools.partial` of one. It is sent
            once to each worker, so what all pieces need, such as a model, belongs to the partial.
        pieces : iterable

        Yields
        ------
        outcome : Outcome
            One for each piece.

        Raises
        ------
        OSError
            If a process was killed, or the cluster is gone.
        """
        raise NotImplementedError


class InProcess(Executor):
    """Does everything in this process, one piece after the other."""

    def map_unordered(self, function: Callable[[Any], Any], pieces: Iterable[Any]) -> Iterator[Outcome]:
        for number, piece in enumerate(pieces):
            yield Outcome(number, piece, *attempt(function, piece))


class Remote(Executor):
    """Base of executors whose work is done elsewhere: a subclass starts pieces, and says which are done."""

    def map_unordered(self, function: Callable[[Any], Any], pieces: Iterable[Any]) -> Iterator[Outcome]:
        numbered = enumerate(pieces)
        running: dict[Any, tuple[int, Any]] = {}  # by what stands for a piece that has been started
        self._begin(function)
        try:
            while True:
                for number, piece in itertools.islice(numbered, max(0, self._capacity() - len(running))):
                    running[self._start(piece)] = number, piece
                if not running:
                    break
                for ticket in self._wait(running):
                    result, failure = self._result(ticket)
                    yield Outcome(*running.pop(ticket), result, failure)
        except BaseException:
            self._cancel(running)
            raise
        finally:
            self._end()

    def _begin(self, function: Callable[[Any], Any]) -> None:
        raise NotImplementedError

    def _capacity(self) -> int:
        """Return how many pieces may be started and not yet done."""
        raise NotImplementedError

    def _start(self, piece: Any) -> Any:
        """Start a piece; return what stands for it."""
        raise NotImplementedError

    def _wait(self, running: Collection[Any]) -> Iterable[Any]:
        """Wait until something is done; return all that is."""
        raise NotImplementedError

    def _result(self, ticket: Any) -> tuple[Any, Failure | None]:
        raise NotImplementedError

    def _cancel(self, running: Collection[Any]) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        raise NotImplementedError


def in_order(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Yield outcomes in the order of their pieces; those that come too early are kept until it is their turn.

    Examples
    --------
    >>> from minivision.executors import Outcome, in_order
    >>> outcomes = [Outcome(1, "b", "B", None), Outcome(0, "a", "A", None)]
    >>> [outcome.result for outcome in in_order(outcomes)]
    ['A', 'B']
    """
    early: dict[int, Outcome] = {}
    following = 0
    for outcome in outcomes:
        early[outcome.number] = outcome
        while following in early:
            yield early.pop(following)
            following += 1
