"""Join the events of a recorded function into steps, one for each picture."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from minivision.tracing.number import Padding, Traced

if TYPE_CHECKING:
    from minivision.tracing.panels import Panel
    from minivision.tracing.recording import Recording


class Step(NamedTuple):
    """What changes between one picture and the next.

    Attributes
    ----------
    code : str
        The line of the function that wrote to a result.
    counters : dict
        The function's integer variables at that time: loop counters and sizes.
    reads, writes : dict
        For each panel, by its number, the flat cells that were read, and those that were written.
    cells : list of list
        For each panel its elements after the step.
    """

    code: str
    counters: dict[str, int]
    reads: dict[int, set[int]]
    writes: dict[int, list[int]]
    cells: list[list[Any]]


def find_steps(recording: Recording, panels: Sequence[Panel], file: str) -> list[Step]:
    """Return the steps of a recording.

    A step is what one iteration of the loops writes into the results. A result that one line computes as a whole,
    without a loop, gives a step for each of its elements.

    Parameters
    ----------
    recording : Recording
    panels : list of Panel
    file : str
        Path of the function's source file.

    Returns
    -------
    steps : list of Step
    """
    return _StepFinder(recording, panels, file).steps


class _StepFinder:
    def __init__(self, recording, panels, file):
        self.recording, self.panels, self.file = recording, panels, file
        self.arrays = [recording.watched[panel.first_source] for panel in panels]
        self.cells = [list(array.first) for array in self.arrays]  # what the panels show now
        self.places = self._places_of_inputs()
        self.whole = self._made_whole()
        self.shown_with = {number: self._result_shown_with(number) for number in self.whole}
        for number in self.whole:
            self.cells[number] = [None] * len(self.cells[number])
        self.steps = [*self._loop_iterations()]
        self._fill_in_unwritten_cells()
        for number, event in self.whole.items():
            if self.shown_with[number] is None:
                self.steps += self._cell_by_cell(number, event)

    def _places_of_inputs(self):
        """Return the cells that show each input: id of a number -> [(panel, cell)]."""
        places = {}
        for number, (panel, array) in enumerate(zip(self.panels, self.arrays, strict=True)):
            for cell, element in enumerate(() if panel.is_result else array.first):
                if isinstance(element, Traced | Padding):
                    places.setdefault(id(element), []).append((number, cell))
        return places

    def _made_whole(self):
        """Return the results that one line computed as a whole, and those without history: {panel: event}."""
        events = self.recording.events
        creations = {key: event for event in events for key in event.created}
        whole = {}
        for number, panel in enumerate(self.panels):
            in_place = any(self.recording.is_written(key) for key in panel.sources)
            if panel.is_result and (self._is_plain(number) or not in_place):
                whole[number] = creations.get(panel.first_source, events[-1] if events else None)
        return whole

    def _is_plain(self, number):
        """Return whether a panel's array holds plain numbers, such as indices."""
        return self.arrays[number].array.dtype != object

    def _result_shown_with(self, number):
        """Return the result of the same shape whose steps also show these plain numbers, or None."""
        for other, panel in enumerate(self.panels):
            same = panel.is_result and panel.shape == self.panels[number].shape
            if same and self._is_plain(number) and not self._is_plain(other):
                return other
        return None

    def _loop_iterations(self):
        draft, start, looked_at = None, 0, []
        for event in self.recording.events:
            looked_at += event.looked_at
            writes = self._shown_writes(event)
            if not writes:
                continue
            if draft and not draft.includes(event, writes):
                yield self._step(draft)
                start, draft = draft.end, None
            draft = draft or _Draft(event, start)
            draft.add(event, writes, looked_at)
            looked_at = []
        if draft:
            yield self._step(draft)

    def _fill_in_unwritten_cells(self):
        """Show plain numbers that no step writes in every step."""
        for number, other in self.shown_with.items():
            if other is not None:
                written = {cell for step in self.steps for cell in step.writes.get(other, ())}
                for cell in set(range(len(self.cells[number]))) - written:
                    for cells in (self.cells, *(step.cells for step in self.steps)):
                        cells[number][cell] = self.arrays[number].last[cell]

    def _shown_writes(self, event):
        """Return the cells of results that an event wrote: {panel: {cell: element}}."""
        writes = {}
        for number, panel in enumerate(self.panels):
            if panel.is_result and number not in self.whole:
                for key, cells in panel.sources.items():
                    for place, element in event.writes.get(key, ()):
                        writes.setdefault(number, {})[int(cells[place])] = element
        return writes

    def _step(self, draft):
        """Return a finished step: find the cells that were read, and update the cells that are shown."""
        reads = {}
        for number, written in draft.writes.items():
            for cell, element in written.items():
                self._add_reads(reads, element, draft.start, self.cells[number][cell])
        for element in draft.looked_at:
            self._add_reads(reads, element, draft.start)
        for number, written in draft.writes.items():
            for cell, element in written.items():
                self.cells[number][cell] = element
        writes = {number: sorted(written) for number, written in draft.writes.items()}
        for number, other in self.shown_with.items():
            for cell in writes.get(other, ()):
                self.cells[number][cell] = self.arrays[number].last[cell]
                writes.setdefault(number, []).append(cell)
        cells = [list(cells) for cells in self.cells]
        return Step(self._code(draft.event), draft.event.variables, reads, writes, cells)

    def _cell_by_cell(self, number, event):
        """Yield a step for each element of a result that was computed as a whole."""
        elements = self.arrays[number].array.ravel().tolist()
        for cell, element in enumerate(elements):
            reads = {}
            self._add_reads(reads, element)
            if event and len(event.looked_at) == len(elements):  # compared element by element, as in relu
                self._add_reads(reads, event.looked_at[cell])
            self.cells[number][cell] = element
            code = self._code(event) if event else ""
            yield Step(code, {}, reads, {number: [cell]}, [list(cells) for cells in self.cells])

    def _code(self, event):
        return linecache.getline(self.file, event.line).strip()

    def _add_reads(self, reads, element, start=0, old=None):
        """Add the cells of the inputs of `element` that were used after `start`, without those of its `old` value."""
        stack, seen = [element], {id(old)}
        while stack:
            one = stack.pop()
            if not isinstance(one, Traced | Padding) or id(one) in seen:
                continue
            seen.add(id(one))
            if id(one) in self.places:
                for number, cell in self.places[id(one)]:
                    reads.setdefault(number, set()).add(cell)
            elif isinstance(one, Traced):  # made in this step, or in an earlier one and used now
                stack.extend(one.operands if one.serial > start else one.leaves())


class _Draft:
    """A step while lines are added to it."""

    def __init__(self, event, start):
        self.event, self.start, self.end = event, start, start
        self.writes, self.looked_at = {}, []

    def includes(self, event, writes):
        """Return whether an event belongs to this step: the same iteration of the loops, or the same elements."""
        same_cells = {k: set(v) for k, v in writes.items()} == {k: set(v) for k, v in self.writes.items()}
        return same_cells or event.iteration == self.event.iteration

    def add(self, event, writes, looked_at):
        self.end = event.end
        self.looked_at += looked_at
        for number, written in writes.items():
            self.writes.setdefault(number, {}).update(written)
