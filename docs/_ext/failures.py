"""The page of failures: a small segmenter is trained with each classic fault, and shown beside the right one.

The directive ``failures`` trains them, a few seconds each, and says what ``minivision check`` says about the fault.
"""

import inspect
from pathlib import Path

import numpy as np
from docutils import nodes
from faults import FAULTS
from gallery import FOLDER
from sphinx.util.docutils import SphinxDirective

import minivision
from minivision.checks import check_operation
from minivision.core.temporary_backend import temporary_backend
from minivision.data import Scenes
from minivision.models import make_model
from minivision.tasks import evaluate
from minivision.training import Settings, train
from minivision.viz import draw_pictures, overlay

STEPS, SHOWN = 150, (0, 1, 2)  # of training; scenes in the pictures
SCENES = {"classes": ("disc", "star", "person"), "size": 64, "objects": (1, 2)}


class Failures(SphinxDirective):
    """The directive `failures`."""

    def run(self):
        (Path(self.env.srcdir) / FOLDER).mkdir(exist_ok=True)
        train_set, self.test_set = (
            Scenes("easy", split, **SCENES).draw(n) for split, n in (("train", 400), ("val", 40))
        )
        self.right = learn(train_set)
        return [self.section(k, *each, train_set) for k, each in enumerate(FAULTS.items())]

    def section(self, number, fault, operation, train_set):
        title, _, why = inspect.getdoc(fault).partition("\n\n")
        with temporary_backend("faulty", {operation: fault}, otherwise="numba") as backend:
            with minivision.backend(backend):
                wrong = learn(train_set)
            found = [failure.diagnosis for failure in check_operation(operation, backend).failures if failure.diagnosis]
        scores = [evaluate(model, self.test_set)["miou"] for model in (wrong, self.right)]
        section = nodes.section(ids=[f"failure-{number}"])
        section += nodes.title("", "", *code_and_text(title))
        section += nodes.paragraph("", "", *code_and_text(f"`{operation}`. {why} "))
        section += self.picture(f"failure-{number}.png", wrong, scores)
        said = f"minivision check says: {found[0]}" if found else "minivision check finds it, and lists the elements."
        section += nodes.block_quote("", nodes.paragraph("", "", *code_and_text(said)))
        return section

    def picture(self, name, wrong, scores):
        """Return the image of a few scenes with what both networks say, and their scores in its title."""
        images = [self.test_set[k].image for k in SHOWN]
        rows = {"the image": images}
        for title, model, score in zip(("with the fault", "as it should be"), (wrong, self.right), scores, strict=True):
            maps = model.predict(images)
            rows[f"{title}: mean IoU {score:.2f}"] = [overlay(*pair) for pair in zip(images, maps, strict=True)]
        joined = {title: np.concatenate(pictures, axis=1) for title, pictures in rows.items()}
        figure = draw_pictures(joined, columns=1)
        figure.savefig(Path(self.env.srcdir) / FOLDER / name, dpi=200)
        alt = f"{len(images)} scenes, and the class of each pixel as two networks see it. " + "; ".join(
            list(joined)[1:]
        )
        return nodes.image(uri=f"/{FOLDER}/{name}", alt=alt)


def learn(train_set):
    """Return the segmenter after a few steps, always from the same weights and images."""
    model = make_model("encoder-decoder", train_set.classes, rng=np.random.default_rng(0))
    train(model, train_set, Settings(seed=0), steps=STEPS, progress=False)
    return model


def code_and_text(text):
    """Return the nodes of a text in which `code` is between backquotes."""
    for number, part in enumerate(" ".join(text.split()).split("`")):
        yield nodes.literal(text=part) if number % 2 else nodes.Text(part)


def setup(app):
    app.add_directive("failures", Failures)
    return {"parallel_read_safe": True}
