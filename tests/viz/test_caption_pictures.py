"""Pictures of objects with sentences: every shown sentence is there, and no number covers another."""

import itertools

import numpy as np

from minivision.data import Instances
from minivision.viz import draw_caption_comparison, draw_captions
from minivision.viz.captions import LONGEST, MAX_SENTENCES, best_first, sentences

IMAGE = np.full((80, 120, 3), 128, np.uint8)


def objects(count, scores=True):
    boxes = [[10 + 2 * k, 10, 60 + 2 * k, 60] for k in range(count)]  # nearly on each other
    values = np.linspace(0.5, 0.9, count) if scores else None
    return Instances(boxes, [1] * count, values, captions=[rf"caption {k} $\frac$" for k in range(count)])


def test_the_best_objects_are_shown_with_their_sentences():
    shown = best_first(objects(20))
    assert len(shown) == MAX_SENTENCES and sentences(shown)[0] == r"1  caption 19 $\frac$"
    figure = draw_captions(IMAGE, objects(5))
    figure.draw_without_rendering()
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [line.split()[0] for line in legend] == list("12345") and "caption 4" in legend[0]


def test_numbers_do_not_cover_each_other():
    figure = draw_captions(IMAGE, objects(4))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 4 and not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_long_and_missing_sentences_and_no_objects():
    long = Instances([[0, 0, 9, 9]] * 2, [1, 1], captions=["word " * 40, ()])
    assert len(sentences(long)[0]) == LONGEST and sentences(long)[1] == "2  "
    nothing = Instances.empty(scores=True)
    draw_captions(IMAGE, nothing)
    draw_caption_comparison([IMAGE] * 2, [long, nothing], [objects(12), nothing]).draw_without_rendering()
