"""DenseCap: five losses and all gradients compared with PyTorch, what it learns, prediction, and unusual input."""

import functools

import numpy as np
import painted
import pytest
from painted import CLASSES, Given, batch_of, steps_on

from minivision import ops
from minivision.data import Scenes
from minivision.data.instances import Instances
from minivision.metrics.captions.evaluation import describe_true_boxes
from minivision.models import make_model
from minivision.models.densecap import DETECTION_WEIGHT, DenseCap
from minivision.training import AdamW, Settings, train
from minivision.training.batches import reseed

WORDS = ("a", "big", "disc", "green", "red", "square", "star")
SENTENCES = {1: ("a green disc", "a big green disc"), 2: "a square", 3: "a red star"}

small = functools.partial(
    painted.small, DenseCap, vocabulary=WORDS, nouns=[("disc", 1), ("square", 2), ("star", 3)],
    word_width=5, lstm_hidden=7, max_words=6,
)  # fmt: skip


def objects(boxes, labels):
    return Instances(boxes, labels, captions=[SENTENCES[label] for label in labels])


@pytest.fixture
def batch():
    return batch_of(
        objects([[3, 2, 24, 20], [25, 10, 45, 31]], [1, 3]), objects([[10, 4, 20, 14]], [2]), Instances.empty()
    )


class WithCaptions(Given):
    has_captions = True


@pytest.mark.parametrize("look", ["once", "always"])
def test_five_losses_and_every_gradient_are_those_of_the_same_network_in_pytorch(batch, monkeypatch, look):
    torch = pytest.importorskip("torch")
    import torch_faster_rcnn

    from minivision.bench.torch_equivalent import layer_converter

    model = small(dtype=np.float64, look=look)
    drawn, pairs = torch_faster_rcnn.keep_samples(model, monkeypatch, "rpn", "head", "captioner"), []
    losses = model.step(batch)
    assert model.leftovers() == []
    convert = layer_converter(pairs)
    monkeypatch.setattr(model, "classes", ("background", "object"))  # of its head
    features, expected = torch_faster_rcnn.four_losses(model, batch, drawn, convert)
    expected["object"] = expected.pop("class")
    expected = {name: DETECTION_WEIGHT * loss for name, loss in expected.items()}

    # the codes once more, by the same weights; gradients of both uses add up
    body = {ours: theirs for ours, theirs in pairs}
    regions, (inputs, targets) = drawn["head"], drawn["captioner"]
    with_object, overlaps = np.flatnonzero(regions.labels), []
    for k in with_object:
        truth = batch.instances[int(regions.rois[k, 0])].boxes[[regions.objects[k]]]
        overlaps.append(ops.box_iou(regions.rois[[k], 1:], truth)[0, 0])
    positive = with_object[np.array(overlaps) >= 0.7]
    pooled = torch_faster_rcnn.pool(model)(features, regions.rois, model.head.pool.output_size).flatten(1)
    first, second = (layer for layer in model.head.body.layers if hasattr(layer, "w"))
    codes = torch.relu(torch.nn.functional.linear(pooled, body[first.w], body[first.b]))
    codes = torch.relu(torch.nn.functional.linear(codes, body[second.w], body[second.b]))[positive]

    captioner = model.captioner
    image, words, lstm, scores = map(convert, (captioner.image, captioner.words, captioner.lstm, captioner.scores))
    region, spoken = image(codes)[None], words(torch.from_numpy(inputs))
    states = lstm(torch.cat([region, spoken + region if look == "always" else spoken]))
    expected["caption"] = torch.nn.functional.cross_entropy(
        scores(states[1:].flatten(0, 1)), torch.from_numpy(targets).flatten()
    )
    sum(expected.values()).backward()
    assert 3 <= len(positive) < len(with_object) and (targets == -100).any()
    torch_faster_rcnn.assert_same(losses, expected, model, pairs)


def test_the_gradient_of_the_features_is_the_sum_of_all_branches(batch):
    def gradients(rpn_weight, head_weight, caption_weight):
        model = small(dtype=np.float64)
        outputs = model.forward(model.normalize(batch.images), training=True, batch=batch)
        _, (rpn, head, words, positive) = model.losses(outputs, batch)
        rpn, head = [rpn_weight * each for each in rpn], [head_weight * each for each in head]
        model.backward((rpn, head, caption_weight * words, positive))
        return np.concatenate([parameter.grad.ravel() for parameter in model.backbone.parameters()])

    parts = [gradients(1, 0, 0), gradients(0, 1, 0), gradients(0, 0, 1)]
    assert min(abs(part).max() for part in parts) > 1e-5
    np.testing.assert_allclose(gradients(1, 1, 1), sum(parts), atol=1e-12)


@pytest.mark.parametrize("look", ["once", "always"])
def test_it_learns_a_batch_by_heart_and_names_the_classes(batch, look):
    model = small(look=look, beams=1, word_width=8, lstm_hidden=16)
    optimizer = AdamW(model, weight_decay=0.0)
    for step in range(250):
        reseed(model, 0, step)
        model.step(batch)
        optimizer.step(4e-3)
    images = list(batch.images[:2])
    described = model.describe(images, [truth.boxes for truth in batch.instances[:2]])
    for truth, found in zip(batch.instances, described, strict=False):
        assert all(found.captions[k][0] in truth.captions[k] for k in range(len(truth)))
        assert found.labels.tolist() == truth.labels.tolist()
    for found in model.predict(images):
        assert found.captions is not None and len(found.captions) == len(found)
    assert model.predict(images)[0][:1].captions[0][0] in {"a green disc", "a big green disc", "a red star"}


def test_the_head_tells_objects_from_background_only(batch):
    assert small().head.num_classes == 2
    outputs = small().forward(small().normalize(batch.images), batch=batch)
    assert set(outputs.faster_rcnn.regions.labels.tolist()) == {0, 1}


def test_training_collects_the_words_and_a_run_can_be_loaded(tmp_path, batch):
    from minivision import load

    model = make_model("densecap", CLASSES, widths=(4, 5), depths=(0, 1), hidden=8, anchor_sizes=(10, 20))
    train(model, WithCaptions(batch), Settings(batch_size=2), steps=2, out=tmp_path, progress=False)
    assert model.options["vocabulary"] == WORDS
    nouns = dict(model.options["nouns"])
    assert (nouns["disc"], nouns["square"], nouns["star"]) == (1, 2, 3) and "a" not in nouns
    loaded = load(tmp_path)
    for got, expected in zip(loaded.predict(list(batch.images)), model.predict(list(batch.images)), strict=True):
        assert list(got.captions) == list(expected.captions)
        np.testing.assert_array_equal(got.boxes, expected.boxes)


def test_rare_words_are_left_out(batch):
    model = make_model("densecap", CLASSES, widths=(4, 5), depths=(0, 1), hidden=8, anchor_sizes=(10,), min_count=2)
    model.prepare(WithCaptions(batch))
    assert model.options["vocabulary"] == ("a", "disc", "green")


def test_a_class_is_the_first_noun_of_a_caption():
    model = small()
    assert model.label_of("a star next to a disc") == 3 and model.label_of("a thing") == 1 and model.label_of("") == 1


def test_data_without_captions_are_refused(batch):
    with pytest.raises(ValueError, match="densecap needs captions of the objects, and this dataset has none"):
        train(make_model("densecap", CLASSES), Given(batch), steps=1, progress=False)


def test_objects_without_captions_are_found_but_not_spoken_about(batch):
    instances = [each.replace(captions=[()] * len(each)) for each in batch.instances]
    assert steps_on(batch._replace(instances=instances), small())["caption"] == 0
    assert steps_on(batch._replace(instances=[Instances.empty()] * 3), small(), count=2)["caption"] == 0


def test_an_object_without_a_caption_is_left_out_of_the_metrics_of_sentences(batch):
    class Reader:
        """Says "a red star" about everything."""

        def describe(self, images, boxes):
            return [Instances(each, [3] * len(each), captions=["a red star"] * len(each)) for each in boxes]

    metrics = describe_true_boxes(Reader(), WithCaptions(batch))
    silent = [each.replace(captions=[(), *each.captions[1:]]) if len(each) else each for each in batch.instances]
    without = describe_true_boxes(Reader(), WithCaptions(batch._replace(instances=silent)))
    assert metrics["METEOR"] < 0.9 < without["METEOR"] and without["BLEU-4"] == 0  # the red star is left
    assert metrics["class"] == without["class"] == pytest.approx(1 / 3)


def test_scenes_have_captions_for_it():
    assert Scenes("easy", **DenseCap.scene_options).has_captions
