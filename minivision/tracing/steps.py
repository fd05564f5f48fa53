"""Join the events of a recorded function into steps, one for each picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from minivision.tracing.number import Padding, Traced

if TYPE_CHECKING:
    from minivision.tracing.panels import Panel
    from minivision.tracing.recording import Recording
    from minivision.tracing.source import Source


class Step(NamedTuple):
    """What changes between one picture and the next.

    Attributes
    ----------
    code : str
        The line of the function that wrote to a result.
    lines : tuple of int
        The numbers in the file of all its lines that wrote.
    counters : dict
        The function's variables that are numbers or slices at that time: loop counters, positions and sizes.
    reads, writes : dict
        For each panel, by its number, the flat cells that were read, and those that were written.
    elements : dict
        For each panel, by its number, the elements that were written, in the order of `writes`.
    number : int
        Its place among the steps of the run.
    run : Run
        All steps, and what was there before them.
    """

    code: str
    lines: tuple[int, ...]
    counters: dict[str, int | float | str]
    reads: dict[int, set[int]]
    writes: dict[int, list[int]]
    elements: dict[int, list[Any]]
    number: int
    run: Run

    @property
    def cells(self) -> list[list[Any]]:
        """For each panel its elements after the step."""
        cells = [list(elements) for elements in self.run.start]
        for step in self.run.steps[: self.number + 1]:
            for panel, written in step.writes.items():
                for cell, element in zip(written, step.elements[panel], strict=True):
                    cells[panel][cell] = element
        return cells


class Run(NamedTuple):
    """The steps of a recording.

    Attributes
    ----------
    steps : list of Step
    start : list of list
        For each panel its elements before the first step.
    """

    steps: list[Step]
    start: list[list[Any]]


def find_steps(recording: Recording, panels: Sequence[Panel], source: Source) -> Run:
    """Return the steps of a recording.

    A step is what one iteration of the loops writes into the results. Iterations that add to the same elements are one
    step; so are those of the innermost loop inside of a loop over positions between pixels, as the samples of RoIAlign.
    A result that one line computes as a whole, without a loop, gives a step for each of its elements.

    Parameters
    ----------
    recording : Recording
    panels : list of Panel
    source : Source
        Of the function.

    Returns
    -------
    run : Run
    """
    return _StepFinder(recording, panels, source).run


class _StepFinder:
    def __init__(self, recording, panels, source):
        self.recording, self.panels, self.source = recording, panels, source
        self.arrays = [recording.watched[panel.first_source] for panel in panels]
        self.cells = [list(array.first) for array in self.arrays]  # what the panels show now
        self.places = self._places_of_inputs()
        self.whole = self._made_whole()
        self.shown_with = {number: self._result_shown_with(number) for number in self.whole}
        for number in self.whole:
            self.cells[number] = [None] * len(self.cells[number])
        self.run = Run([], [list(cells) for cells in self.cells])
        self._loop_iterations()
        self._fill_in_unwritten_cells()
        for number, event in self.whole.items():
            if self.shown_with[number] is None:
                self._cell_by_cell(number, event)

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
            if draft and not draft.includes(event, writes, self._position(event)):
                self._finish(draft)
                start, draft = draft.end, None
            draft = draft or _Draft(event, start, self._position(event))
            draft.add(event, writes, looked_at)
            looked_at = []
        if draft:
            self._finish(draft)

    def _fill_in_unwritten_cells(self):
        """Show plain numbers that no step writes from the start."""
        for number, other in self.shown_with.items():
            if other is not None:
                written = {cell for step in self.run.steps for cell in step.writes.get(other, ())}
                for cell in set(range(len(self.cells[number]))) - written:
                    self.run.start[number][cell] = self.arrays[number].last[cell]

    def _shown_writes(self, event):
        """Return the cells of results that an event wrote: {panel: {cell: element}}."""
        writes = {}
        for number, panel in enumerate(self.panels):
            if panel.is_result and number not in self.whole:
                for key, cells in panel.sources.items():
                    for place, element in event.writes.get(key, ()):
                        writes.setdefault(number, {})[int(cells[place])] = element
        return writes

    def _finish(self, draft):
        """Add a step: find the cells that were read, and update the cells that are shown."""
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
        self._add(draft.lines, draft.event.variables, reads, writes)

    def _cell_by_cell(self, number, event):
        """Add a step for each element of a result that was computed as a whole."""
        elements = self.arrays[number].array.ravel().tolist()
        for cell, element in enumerate(elements):
            reads = {}
            self._add_reads(reads, element)
            if event and len(event.looked_at) == len(elements):  # compared element by element, as in relu
                self._add_reads(reads, event.looked_at[cell])
            self.cells[number][cell] = element
            self._add([event.line] if event else [], {}, reads, {number: [cell]})

    def _add(self, lines, variables, reads, writes):
        elements = {number: [self.cells[number][cell] for cell in cells] for number, cells in writes.items()}
        code = self.source.code(next(iter(lines), 0))
        place = len(self.run.steps)
        self.run.steps.append(Step(code, tuple(lines), variables, reads, writes, elements, place, self.run))

    def _position(self, event):
        """Return the variables of the outer loops, if the last but one goes over positions between pixels."""
        *outer, _ = self.source.loops_at(event.line) or [None]
        if not outer or not any(isinstance(event.variables.get(name), float) for name in outer[-1].names):
            return None
        return {name: event.variables.get(name) for loop in outer for name in loop.names}

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

    def __init__(self, event, start, position):
        self.event, self.start, self.end, self.position = event, start, start, position
        self.lines, self.writes, self.looked_at = {}, {}, []

    def includes(self, event, writes, position):
        """Return whether an event belongs to this step: the same iteration, the same elements, or the same position."""
        if position is not None or self.position is not None:
            return position == self.position
        same_cells = {k: set(v) for k, v in writes.items()} == {k: set(v) for k, v in self.writes.items()}
        return same_cells or event.iteration == self.event.iteration

    def add(self, event, writes, looked_at):
        self.end = event.end
        self.lines[event.line] = None
        self.looked_at += looked_at
        for number, written in writes.items():
            self.writes.setdefault(number, {}).update(written)
