"""The interface of all systems: batches of one size, padding, the training step, and options as values."""

import argparse

import numpy as np
import pytest

from minivision.cli.options import add_system_options, system_options
from minivision.data import Scenes, WithProposals, collate
from minivision.models import make_model, system_class, systems
from minivision.models.base import options
from minivision.models.base.model import Model

SMALL = {
    "rcnn": {"hidden": 8},
    "fast-rcnn": {"hidden": 8},
    "faster-rcnn": {"hidden": 8},
    "mask-rcnn": {"hidden": 8, "mask_width": 4},
    "densecap": {"hidden": 8, "vocabulary": ("a", "disc"), "word_width": 4, "lstm_hidden": 4},
}


def make(name):
    classes = ("background", "person") if name == "pose" else ("background", "disc", "square")
    return make_model(name, classes, rng=np.random.default_rng(0), **SMALL.get(name, {}))


def test_images_are_grouped_by_size_in_batches_and_results_come_back_in_order(rng):
    model, batches = make("yolo"), []
    model.prediction_batch_size = 2
    images = [np.full((*size, 3), k, np.uint8) for k, size in enumerate([(4, 5), (3, 3), (4, 5), (4, 5), (3, 3)])]

    def function(batch, letters):
        batches.append(batch.shape)
        return [(int(image[0, 0, 0]), letter) for image, letter in zip(batch, letters, strict=True)]

    assert model.map_batches(images, function, "abcde") == [(0, "a"), (1, "b"), (2, "c"), (3, "d"), (4, "e")]
    assert sorted(batches) == [(1, 4, 5, 3), (2, 3, 3, 3), (2, 4, 5, 3)]
    assert model.map_batches([], function, "") == []


def test_of_large_images_few_go_through_the_network_at_once():
    model, batches = make("yolo"), []
    images = [np.zeros((1500, 1000, 3), np.uint8)] * 5  # 1.5 megapixels; 16 of 512 x 512 have 4.2
    model.map_batches(images, lambda batch: batches.append(len(batch)) or batch[:, 0, 0, 0])
    assert batches == [2, 2, 1]


def test_normalize_pads_to_a_multiple_by_repeating_the_last_row_and_column(rng):
    model = make("ssd")
    images = rng.integers(0, 256, (2, 5, 8, 3), dtype=np.uint8)
    x, padded = model.normalize(images), model.normalize(images, 4)
    assert x.shape == (2, 3, 5, 8) and padded.shape == (2, 3, 8, 8) and padded.dtype == np.float32
    np.testing.assert_array_equal(padded[:, :, :5], x)
    np.testing.assert_array_equal(padded[:, :, 5:], np.repeat(x[:, :, 4:], 3, axis=2))
    assert x.min() >= -2 and x.max() <= 2


def test_the_training_step_is_written_once():
    assert all(system_class(name).step is Model.step for name in systems())


@pytest.mark.parametrize("name", systems())
def test_losses_run_no_layer_and_draw_nothing(name, monkeypatch):
    cls = system_class(name)
    scenes = Scenes("easy", size=64, **cls.scene_options).draw(2)
    model = make_model(name, scenes.classes, rng=np.random.default_rng(0), **SMALL.get(name, {}))
    if isinstance(getattr(model, "max_proposals", None), int) and hasattr(model, "detect_in"):
        scenes = WithProposals(scenes, [np.float32([[3, 4, 40, 50], [20, 20, 60, 60]])] * 2)
    batch = collate(list(scenes))
    outputs = model.forward(model.normalize(batch.images), training=True, batch=batch)
    kept = len(model.leftovers())
    for part in [model, *(part for _, part in model.parts())]:
        if "rng" in vars(part):
            monkeypatch.setattr(part, "rng", None)
        monkeypatch.setattr(type(part), "forward", None)
    losses, gradients = model.losses(outputs, batch)
    again, _ = model.losses(outputs, batch)
    assert losses == again and all(np.isfinite(loss) for loss in losses.values()) and kept
    monkeypatch.undo()
    model.backward(gradients)
    assert model.leftovers() == []


@pytest.mark.parametrize("name", ["rcnn", "fast-rcnn"])
def test_without_a_batch_the_regions_are_the_given_ones_or_the_whole_images(name, rng):
    model = make(name)
    images = model.normalize(rng.integers(0, 256, (2, 32, 48, 3), dtype=np.uint8))
    whole = model.forward(images)
    given = model.forward(images, rois=np.float32([[0, 0, 0, 48, 32], [1, 0, 0, 48, 32]]))
    scores = [outputs.scores if name == "rcnn" else outputs.head[0] for outputs in (whole, given)]
    assert scores[0].shape == (2, 3)
    np.testing.assert_array_equal(*scores)


# ---- options ------------------------------------------------------------------------------------------------------


def parsed(name, *words):
    parser = argparse.ArgumentParser()
    add_system_options(parser, system_class(name))
    return system_options(parser.parse_args(words))


@pytest.mark.parametrize("name", systems())
def test_defaults_are_values_that_the_text_of_the_help_stands_for(name):
    for option, entry in system_class(name).OPTIONS.items():
        text = options.as_text(entry["default"])
        if not isinstance(entry["default"], bool):
            assert parsed(name, f"--{option.replace('_', '-')}", text) == {option: entry["default"]}


def test_options_that_are_not_given_are_left_out_and_auto_is_none():
    assert parsed("faster-rcnn") == {}
    given = parsed("faster-rcnn", "--anchor-sizes", "16,28.5", "--stride", "auto", "--batch-size-per-image", "8")
    assert given == {"anchor_sizes": (16, 28.5), "stride": None, "batch_size_per_image": 8}
    assert parsed("encoder-decoder", "--no-skips") == {"skips": False}


@pytest.mark.parametrize(("words", "message"), [
    (("--anchor-sizes", "16;28"), "expected positive numbers with commas between them, such as 16,28,48, got '16;28'"),
    (("--ratios", "1,-2"), "expected positive numbers"),
    (("--ratios", ""), "expected positive numbers"),
    (("--stride", "5"), "expected auto or one of 4, 8, 16, got '5'"),
])  # fmt: skip
def test_texts_that_are_no_values_are_refused_with_what_is_expected(words, message, capsys):
    with pytest.raises(SystemExit):
        parsed("faster-rcnn", *words)
    assert message in capsys.readouterr().err
