"""What several checks of the same cases have in common, so that it is computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from minivision.core import backends

if TYPE_CHECKING:
    from minivision.core.types import Operation

T = TypeVar("T")


class Memory:
    """What checks with the same seed and the same oracle have in common.

    A memory is for functions of the caller that do not change meanwhile, as in the proof that many right solutions hold
    for many seeds (:mod:`minivision.homework.seeds`). Nothing in it is changed by a check.

    Parameters
    ----------
    shared : Memory, optional
        The memory of another solution, for the same seed and oracle: cases, right results and the slopes of a forward
        pass are taken from there. What passed is not shared.
    """

    def __init__(self, shared: Memory | None = None) -> None:
        self._known: dict[Hashable, Any] = {} if shared is None else shared._known
        self._passed: set[Hashable] = set()

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` returned when it was first asked for under this key."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def has_passed(self, *key: Hashable) -> bool:
        """Return whether this was noted as right."""
        return key in self._passed

    def passes(self, *key: Hashable) -> None:
        """Note that something is right, so that the next check with this memory leaves it out."""
        self._passed.add(key)


class Nothing(Memory):
    """The memory of a check that stands for itself: it computes everything, and leaves nothing out."""

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` returns."""
        return compute()

    def passes(self, *key: Hashable) -> None:
        """Note nothing."""


def kernel_of(op: Operation) -> Hashable:
    """Return the function that the active backend runs for an operation; a proxy says for which one it stands."""
    kernel = backends.active_backend()[0].kernel(op) or op.reference
    return getattr(kernel, "stands_for", kernel)
