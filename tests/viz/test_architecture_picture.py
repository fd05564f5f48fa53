"""Pictures of networks."""

import numpy as np
import pytest
from matplotlib.text import Text

from minivision import viz
from minivision.models import make_model, systems
from minivision.models.diagrams import diagram
from minivision.viz.architecture import describe


@pytest.mark.parametrize("system", systems())
def test_titles_and_shapes_stand_in_the_picture_and_do_not_cover_one_another(system):
    model = make_model(system, ("background", "person"))
    figure = viz.draw_architecture(model, (64, 128))
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    shown = {text.get_text() for text in texts}
    for node in diagram(model, (64, 128)).nodes:
        assert node.kind == "loss" or node.title in shown
        if node.shape:
            assert " × ".join(map(str, ("K",) * node.regions + node.shape)) in shown
    boxes = [text.get_window_extent() for text in texts]
    paper = figure.bbox
    for k, box in enumerate(boxes):
        assert box.x0 >= paper.x0 and box.x1 <= paper.x1 and box.y0 >= paper.y0 and box.y1 <= paper.y1, texts[k]
        for other, text in zip(boxes[k + 1 :], texts[k + 1 :], strict=True):
            wide = min(box.x1, other.x1) - max(box.x0, other.x0)
            high = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert wide <= 2 or high <= 2, (texts[k].get_text(), text.get_text())


def test_the_words_name_what_the_picture_shows():
    words = describe(diagram(make_model("faster-rcnn", ("background", "disc")), (64, 64)))
    assert "RoIAlign (64 x 7 x 7 for each region) from stage 2, proposals" in words
    assert "No gradient flows back from" in words and "RoIAlign to proposals" in words


def test_an_image_is_shown_and_gives_the_size():
    image = np.full((64, 96, 3), (200, 30, 30), np.uint8)
    figure = viz.draw_architecture(make_model("yolo", ("background", "disc")), image=image)
    (shown,) = figure.axes[0].images
    assert (shown.get_array() == image).all() and "3 × 64 × 96" in {text.get_text() for text in figure.findobj(Text)}
