"""What several detectors do wrong with the same images: what each mends of the one before it, and what it breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from minivision.metrics.errors import KINDS
from minivision.tasks import get_task
from minivision.tasks.errors import ErrorCollector, ErrorReport
from minivision.tasks.misses import CAUSE_GROUPS, CAUSES, possible_causes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Dataset
    from minivision.executors import Executor
    from minivision.models.base.detector import Detector

__all__ = ["Change", "ErrorComparison", "SystemErrors", "compare_errors"]


class SystemErrors(NamedTuple):
    """What one detector does wrong.

    Attributes
    ----------
    report : ErrorReport
    metrics : dict
        As `minivision.tasks.evaluate` returns them.
    possible : dict of str to frozenset of str
        For each kind of the report (boxes, masks) the causes that this detector can have.
    least_score : float
        Boxes with this score and less are not given out: the lower it is, the fewer objects are not found.
    """

    report: ErrorReport
    metrics: dict[str, Any]
    possible: dict[str, frozenset[str]]
    least_score: float


class Change(NamedTuple):
    """The objects that one of two detectors finds, and the other does not.

    Attributes
    ----------
    before, after : str
        Names of the detectors.
    mended : dict of str to int
        Objects that the second one finds, by the step in which the first one lost them.
    broken : dict of str to int
        Objects that the first one finds, by the step in which the second one loses them.
    """

    before: str
    after: str
    mended: dict[str, int]
    broken: dict[str, int]


class ErrorComparison(NamedTuple):
    """What several detectors do wrong with the same images.

    Attributes
    ----------
    systems : dict of str to SystemErrors
        By the names of the detectors, in the order in which they are compared.
    """

    systems: dict[str, SystemErrors]

    def columns(self) -> list[tuple[str, str]]:
        """Return the columns of the tables: the name of a detector with ``"box"``, and once more with ``"mask"``."""
        return [(name, kind) for name, system in self.systems.items() for kind in system.report.errors]

    def changes(self) -> list[Change]:
        """Return what each detector mends and breaks, compared with the one before it; boxes only."""
        names = list(self.systems)
        return [self._change(before, after) for before, after in zip(names, names[1:], strict=False)]

    def _change(self, before: str, after: str) -> Change:
        mended: Counter[str] = Counter()
        broken: Counter[str] = Counter()
        images = (self.systems[name].report.images for name in (before, after))
        for one, other in zip(*images, strict=True):
            mended.update(cause for t, cause in one.causes.items() if t not in other.causes)
            broken.update(cause for t, cause in other.causes.items() if t not in one.causes)
        return Change(before, after, _in_order(mended), _in_order(broken))

    def as_dict(self) -> dict[str, Any]:
        """Return metrics and errors of each system, and the changes from one to the next, as plain values."""
        return {
            "systems": {
                name: {**system.metrics, "least_score": system.least_score, "errors": system.report.as_dict()}
                for name, system in self.systems.items()
            },
            "changes": [change._asdict() for change in self.changes()],
            "cause_groups": {group: list(causes) for group, causes in CAUSE_GROUPS.items()},
        }

    def draw(self, *, title: str = "What each system mends, and what it breaks", subtitle: str = "") -> Figure:
        """Draw the missed objects of each system by cause, the changes, and the cost of each kind of error."""
        from minivision.viz.error_comparison import SystemBar, draw_error_comparison

        changes = {change.after: change for change in self.changes()}
        bars = []
        for name, kind in self.columns():
            report, change = self.systems[name].report, changes.get(name) if kind == "box" else None
            errors = report.errors[kind]
            bars.append(
                SystemBar(
                    column_title(name, kind), errors.ap, sum(each["objects"] for each in errors.by_class.values()),
                    report.causes[kind], {kind: errors.cost[kind] for kind in KINDS},
                    None if change is None else (sum(change.mended.values()), sum(change.broken.values())),
                )
            )  # fmt: skip
        return draw_error_comparison(bars, CAUSE_GROUPS, title=title, subtitle=subtitle)


def compare_errors(
    models: Mapping[str, Detector],
    dataset: Dataset,
    *,
    batch_size: int = 16,
    progress: bool = False,
    executor: Executor | None = None,
) -> ErrorComparison:
    """Find out what several detectors do wrong with the same images.

    Parameters
    ----------
    models : mapping of str to Detector
        By their names, in the order in which they are to be compared: each with the one before it.
    dataset : Dataset
        With the classes of all models.
    batch_size : int
        Number of images in each call of ``model.predict``.
    progress : bool
        Whether to show a progress bar for each, on stderr.
    executor : Executor, optional
        Where the predictions are made (`minivision.executors`); by default here. The errors are found here.

    Returns
    -------
    comparison : ErrorComparison

    Raises
    ------
    ValueError
        If a model is no detector, or does not fit the dataset; before anything is evaluated. The message has its name.
    """
    for name, model in models.items():
        if model.task != "detection":
            raise ValueError(f"{name}: compared are detectors that tell classes apart, and {model.name} is none")
        try:
            get_task(model.task).check_dataset(model, dataset)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    systems = {}
    for name, model in models.items():
        collector = ErrorCollector(model, dataset)
        metrics = get_task(model.task).evaluate(
            model, dataset, batch_size=batch_size, progress=progress, executor=executor, observe=collector.add
        )
        report = collector.report()
        (trace,) = model.trace([dataset[0].image])
        possible = {kind: possible_causes(trace, kind) for kind in report.errors}
        systems[name] = SystemErrors(report, metrics, possible, float(trace.selection["score_threshold"]))
    return ErrorComparison(systems)


def column_title(name: str, kind: str) -> str:
    """Return the name of a column."""
    return name if kind == "box" else f"{name}, {kind}s"


def _in_order(counts):
    return {cause: counts[cause] for cause in CAUSES if counts[cause]}
