"""What the pictures of a trace show: one step, or what one element depends on."""

from __future__ import annotations

import re
import textwrap

from minivision.core.arguments import integer
from minivision.core.types import Array
from minivision.tracing import Trace, Traced
from minivision.tracing.expression import format_value
from minivision.viz.canvas import Frame

TERMS = 10  # of a sum that are written out
LINE = 112  # letters in a line of explanation


def step_frame(trace: Trace, k: int) -> Frame:
    """Return what the picture of a step shows; a negative `k` counts from the last one."""
    count = len(trace.steps)
    if not count:
        raise ValueError(f"{trace.title} wrote nothing, so there is no step to show")
    k = integer("step", k, minimum=-count, maximum=count - 1) % count
    step = trace.steps[k]
    named = re.findall(r"[A-Za-z_]\w*", step.code)
    changing = [name for name in step.counters if len({s.counters.get(name) for s in trace.steps}) > 1]
    turn = ", ".join(f"{name} = {_variable(step.counters[name])}" for name in changing if name in named)
    head = f"{trace.title}   step {k + 1} of {count}"
    code = step.code + (f"        {turn}" if turn else "")
    done = _written_before(trace, k)
    return Frame(head, code, step.cells, step.reads, step.writes, done, _explain(trace, step), ("read", "written"))


def dependence_frame(trace: Trace, name: str, index: tuple[int, ...], masks: dict[str, Array]) -> Frame:
    """Return the frame in which one element is marked as written and the elements of `masks` as read."""
    shown = {}
    for number, panel in enumerate(trace.panels):
        if panel.name in masks or panel.name == name:
            shown[panel.name] = number, panel.own_cells
    number, places = shown[name]
    own = int(places[index])
    reads = {shown[other][0]: set(shown[other][1][mask].tolist()) for other, mask in masks.items()}
    cells = trace.steps[-1].cells
    title = trace.panels[number].title_of(own)
    count = sum(len(marked) for marked in reads.values())
    if trace.panels[number].is_result:
        head, marks = f"{trace.title}   {title} depends on {count} numbers", ("its inputs", "the output")
        lines = _equation(title, cells[number][own], TERMS)
    else:
        head, marks = f"{trace.title}   {title} reaches {count} numbers", ("its outputs", "the input")
        lines = []
        for other, marked in reads.items():
            for cell in sorted(marked)[:2]:
                lines += _equation(trace.panels[other].title_of(cell), cells[other][cell], TERMS)[:1]
    done = {n: set(range(len(p.inside))) for n, p in enumerate(trace.panels) if p.is_result}
    return Frame(head, "", cells, reads, {number: [own]}, done, lines, marks)


def _variable(value):
    return value if isinstance(value, str) else format_value(value)


def _written_before(trace, k):
    done: dict[int, set[int]] = {}
    for step in trace.steps[:k]:
        for number, cells in step.writes.items():
            done.setdefault(number, set()).update(cells)
    return done


def _explain(trace, step):
    """Return how written elements were computed: for each result the element with the most terms."""
    lines = []
    terms = TERMS if len(step.writes) == 1 else TERMS // 2
    for number, cells in step.writes.items():
        elements = {cell: step.cells[number][cell] for cell in cells}
        inside = trace.panels[number].inside
        cell = max(elements, key=lambda c: (inside[c], _richness(elements[c])))
        lines += _equation(trace.panels[number].title_of(cell), elements[cell], terms)
        if len(cells) > 1:
            lines[-1] += f"      (and {len(cells) - 1} more elements of {trace.panels[number].name})"
    return lines


def _richness(element):
    """Return the number of inputs in the expression of an element."""
    return len(element.leaves()) if isinstance(element, Traced) else 0


def _equation(title, element, terms):
    """Return lines that say ``y[0,0] = x[0,0]·w[0,0] + … = 1·2 + … = 5``, as far as values and names are known."""
    if element is None:
        return [f"{title} is not written"]
    if not isinstance(element, Traced):
        return [f"{title} = {format_value(getattr(element, 'value', element))}"]
    symbolic = f"{title} = {element.expression(terms=terms)}"
    if element.value is None:
        return [symbolic]
    value = format_value(element.value)
    if element.operation is None:
        return [f"{symbolic} = {value}"]
    numeric = f"= {element.expression(numeric=True, terms=terms)} = {value}"
    if len(symbolic) + len(numeric) < LINE:
        return [f"{symbolic} {numeric}"]
    indent = " " * (2 * len(title) + 1)  # a space is half as wide as a letter
    return [*_wrapped(symbolic, "", indent, " …"), *_wrapped(numeric, indent, indent, f" … = {value}")]


def _wrapped(text, first, rest, ending):
    """Return a long sum in at most two lines; `ending` says how it goes on where that is not enough."""
    lines = textwrap.wrap(text, LINE, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    return lines if len(lines) <= 2 else [lines[0], lines[1][: LINE - len(ending)] + ending]
