"""One progress bar for a whole comparison."""

from __future__ import annotations

from collections.abc import Callable

from minivision.core.progress import progress_bar


class Progress:
    """A progress bar that moves by planned seconds, with a text.

    Parameters
    ----------
    total, done : float
        Planned seconds of the whole comparison, and of the part that is done.
    shown : bool
        Whether to show the bar.
    """

    def __init__(self, total: float, done: float = 0.0, *, shown: bool = True) -> None:
        self._bar = progress_bar(
            total=total, initial=done, disable=not shown,
            bar_format="{percentage:3.0f} %|{bar:24}| {elapsed}, about {remaining} left: {desc}",
        )  # fmt: skip

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, text: str) -> None:
        """Show a text next to the bar."""
        self._bar.set_description_str(text)

    def advance(self, seconds: float) -> None:
        """Move the bar by planned seconds, at most to its end: sums of seconds are rounded."""
        self._bar.update(min(seconds, self._bar.total - self._bar.n))

    def steps(self, seconds: float) -> Callable[[int, int], None]:
        """Return a function for the trainer's ``on_step``; all steps together move the bar by `seconds`."""
        done = 0.0

        def on_step(step: int, total: int) -> None:
            nonlocal done
            self.advance(seconds * step / total - done)
            done = seconds * step / total

        return on_step
