"""One progress bar over everything that a comparison does."""


class Progress:
    """A bar that moves by the seconds that things were planned to take, and says what is being done.

    Parameters
    ----------
    total, done : float
        Seconds planned, and those of them that were spent before.
    shown : bool
        Whether there is a bar to be seen.
    """

    def __init__(self, total, done=0.0, *, shown=True):
        from tqdm import tqdm

        self._bar = tqdm(
            total=total, initial=done, disable=not shown,
            bar_format="{percentage:3.0f} %|{bar:24}| {elapsed}, about {remaining} left: {desc}",
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._bar.close()

    def say(self, what):
        """Say what is being done."""
        self._bar.set_description_str(what)

    def spend(self, seconds):
        """Move on by so many seconds."""
        self._bar.update(seconds)

    def steps(self, seconds):
        """Return a function for ``on_step`` of the trainer, with which all steps together move on by `seconds`."""
        begin = self._bar.n

        def on_step(step, total):
            self._bar.update(begin + seconds * step / total - self._bar.n)

        return on_step
