"""A player for each operation: the run of its docstring's example, step by step."""

import contextlib
import doctest
import io

import minivision
from minivision.core.dispatch import observe
from minivision.viz import trace

STEPS = 20  # about so many are good to look at


def example_player(op):
    """Return a player of the call in an operation's example that has about 20 steps.

    The reference implementations run, so nothing is compiled for it.
    """
    calls = []
    with minivision.backend("reference"), observe(lambda *call: calls.append(call)):
        with contextlib.redirect_stdout(io.StringIO()):
            names = {}
            for each in doctest.DocTestParser().get_examples(op.__doc__):
                exec(each.source, names)
    own = [values for called, values, _ in calls if called.__name__ == op.__name__]
    players = [
        trace(op, *values[: op.positional], **dict(zip(op.keywords, values[op.positional :], strict=True)))
        for values in own
    ]
    return min(players, key=lambda player: abs(len(player.steps) - STEPS))
