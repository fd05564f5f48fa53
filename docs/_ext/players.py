"""A player for each operation: the run of its docstring's example, step by step.

A book reader runs no scripts, so the EPUB says where players are instead of having them.
"""

import contextlib
import doctest
import io

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

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


class NoPlayers(SphinxPostTransform):
    """Take players out of the EPUB: those of operations, and those of notebooks."""

    default_priority = 950  # after MyST-NB has chosen among the formats of an output
    builders = ("epub",)

    def run(self):
        for node in list(self.document.findall(nodes.raw)):
            if "<iframe" in node.astext():
                node.replace_self(nodes.paragraph(text="(Here the pages have a player, step by step.)"))


def setup(app):
    app.add_post_transform(NoPlayers)
    return {"parallel_read_safe": True}
