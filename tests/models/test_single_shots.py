"""YOLO, YOLOv2 and SSD: what detectors without proposals have in common, also on unusual data."""

import copy

import numpy as np
import pytest

from minivision.data import Batch, Dataset, Sample
from minivision.data.instances import Instances
from minivision.models import make_model
from minivision.training import AdamW, Settings, train

CLASSES = ("background", "disc", "square", "never seen")
NAMES = ("yolo", "yolov2", "ssd")
OBJECTS = Instances([[5, 9, 33, 41], [30, 34, 60, 50], [44, 3, 62, 25]], [1, 2, 1])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def small(name, dtype=np.float32, **options):
    return make_model(name, CLASSES, rng=np.random.default_rng(3), width=8, **options).astype(dtype)


def batch_of(*instances, seed=0, size=(64, 64)):
    """Images with a pattern where the objects are."""
    rng = np.random.default_rng(seed)
    images = rng.integers(90, 110, (len(instances), *size, 3), dtype=np.uint8)
    for image, each in zip(images, instances, strict=True):
        for (x1, y1, x2, y2), label in zip(each.boxes.astype(int), each.labels, strict=True):
            image[y1:y2, x1:x2, label] = 230
    return Batch(images, list(instances), None)


class Few(Dataset):
    """A data set of the images of a batch."""

    classes = CLASSES
    has_masks = has_label_maps = False

    def __init__(self, batch):
        self.batch = batch

    def __len__(self):
        return len(self.batch.images)

    def image_sizes(self):
        return [image.shape[:2] for image in self.batch.images]

    def _sample(self, index):
        image = self.batch.images[index]
        return Sample(image, self.batch.instances[index], np.zeros(image.shape[:2], np.uint8))


UNUSUAL = {
    "no objects": [Instances.empty(), Instances.empty()],
    "a full and an empty image": [OBJECTS, Instances.empty()],
    "nothing but crowds": [OBJECTS.replace(crowd=np.ones(3, bool)), Instances.empty()],
    "eight objects at one place": [Instances(np.tile([[20, 21, 40, 43]], (8, 1)), [1, 2] * 4)],
    "one pixel, no area, out of the image": [
        Instances([[5, 5, 6, 6], [9, 9, 9, 20], [-30, -30, -3, -2], [50, 60, 90, 99], [63, 63, 64, 64]], [1] * 5)
    ],
    "larger than the image": [Instances([[-100, -90, 200, 300]], [2])],
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_unusual_objects_give_finite_losses_and_gradients(name, case):
    model = small(name)
    batch = batch_of(*UNUSUAL[case])
    before = copy.deepcopy(batch.instances)
    for _ in range(2):
        losses = model.step(batch)
        assert all(np.isfinite(loss) and loss >= 0 for loss in losses.values()), losses
        assert all(np.isfinite(parameter.grad).all() for parameter in model.parameters())
    objects = sum((~each.crowd).sum() for each in batch.instances)
    assert (losses["box"] > 0) == (objects > 0)
    for each, old in zip(batch.instances, before, strict=True):
        np.testing.assert_array_equal(each.boxes, old.boxes)


def test_the_gradient_is_that_of_float64_differences(name, rng):
    model = small(name, np.float64)
    batch = batch_of(OBJECTS, Instances.empty())
    outputs = model.forward(model.normalize(batch.images))
    outputs += 0.1 * rng.standard_normal(outputs.shape)
    _, gradient = model.losses(outputs, batch)
    numbers = np.arange(outputs.shape[-1])
    boxes = (numbers % 5 < 4) & (numbers < 10) if name == "yolo" else numbers < 4
    for part in (boxes, ~boxes):
        direction, values = rng.standard_normal(outputs.shape) * part, []
        for sign in (1, -1):
            losses = model.losses(outputs + sign * 1e-6 * direction, batch)[0]
            # boxes change the target IoU of the confidence, through which no gradient flows
            values.append(losses["box"] if part is boxes else sum(losses.values()) - losses["box"])
        assert (values[0] - values[1]) / 2e-6 == pytest.approx((gradient * direction).sum(), rel=1e-5)


def test_a_crowd_is_neither_an_object_nor_background(name, rng):
    model = small(name, np.float64)
    over_all = Instances([[0, 0, 64, 64]], [1], crowd=np.array([True]))
    batch = batch_of(OBJECTS, Instances.empty())
    outputs = model.forward(model.normalize(batch.images))
    outputs += 0.1 * rng.standard_normal(outputs.shape)
    _, gradient = model.losses(outputs, batch._replace(instances=[OBJECTS, over_all]))
    assert (gradient[1] == 0).all() and (gradient[0] != 0).any()
    assert (model.losses(outputs, batch)[1][1] != 0).any() or name == "ssd"  # which has no hard negatives there


def test_the_same_seed_gives_the_same_bits(name):
    dataset = Few(batch_of(OBJECTS, OBJECTS[[0]], Instances.empty()))
    states = []
    for _ in range(2):
        model = small(name)
        train(model, dataset, Settings(batch_size=2, rate=1e-2), steps=4, progress=False)
        states.append(model.state())
    for key, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][key], err_msg=key)


def test_it_learns_to_detect_its_objects(name):
    batch = batch_of(OBJECTS, OBJECTS[[0]], Instances.empty())
    model = small(name)
    train(model, Few(batch), Settings(batch_size=3, rate=1e-2, flips=()), steps=80, progress=False)
    for image, truth in zip(batch.images, batch.instances, strict=True):
        (found,) = model.predict([image])
        found = found[found.scores > 0.5]
        assert sorted(found.labels) == sorted(truth.labels)
        order, expected_order = np.argsort(found.boxes[:, 0]), np.argsort(truth.boxes[:, 0])
        np.testing.assert_allclose(found.boxes[order], truth.boxes[expected_order], atol=4)


def test_predictions_lie_in_their_image_and_do_not_depend_on_the_other_images(name, rng):
    model = small(name)
    model.score_threshold = 0.0
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in [(64, 64), (33, 70), (7, 5)] * 3]
    together = model.predict(images)
    for image, found in zip(images, together, strict=True):
        height, width = image.shape[:2]
        assert len(found) <= 100 and (found.boxes >= 0).all() and (found.boxes <= (width, height) * 2).all()
        assert (np.diff(found.scores) <= 0).all() and set(found.labels) <= {1, 2, 3}
    assert len(together[0]) > 0
    (alone,) = model.predict(images[1:2])
    np.testing.assert_allclose(alone.scores, together[1].scores, atol=1e-5)
    assert model.predict([]) == []


def test_training_refuses_images_that_do_not_divide_into_cells(name):
    batch = batch_of(OBJECTS, size=(64, 76))
    with pytest.raises(ValueError, match="64 x 76 do not divide into cells of (8 x 8|16 x 16) pixels; bring them to"):
        small(name).step(batch)


def test_oblong_images_have_their_own_rows_and_columns(name):
    oblong = Instances([[5, 9, 33, 41], [100, 2, 126, 30]], [1, 2])
    model, batch = small(name), batch_of(oblong, size=(48, 128))
    optimizer = AdamW(model, weight_decay=0.0)
    for _ in range(40):
        losses = model.step(batch)
        optimizer.step(1e-2)
    assert losses["box"] < 0.1
    assert model.leftovers() == []


def test_a_class_list_without_a_class_is_refused(name):
    with pytest.raises(ValueError, match="the background and at least one class, got .'background',."):
        make_model(name, ("background",))


def test_options_on_the_command_line_have_the_defaults_of_the_class(name):
    model = make_model(name, CLASSES)
    for option, described in model.OPTIONS.items():
        assert model.options[option] == described["default"], option


def test_data_without_objects_offer_no_sizes_of_boxes():
    dataset = Few(batch_of(Instances.empty()))
    for name in ("yolov2", "ssd"):
        with pytest.raises(ValueError, match="the dataset holds no objects"):
            small(name).prepare(dataset)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("yolo", {"boxes": 0}, "boxes: expected at least one"),
        ("yolo", {"stride": 12}, "stride: expected 8, 16 or 32, got 12"),
        ("yolov2", {"anchors": "picked"}, "anchors: expected one of k-means, hand-picked, none, got 'picked'"),
        ("yolov2", {"count": 0}, "count: expected at least one anchor"),
        ("yolov2", {"stride": 4}, "stride: expected 8 or 16, got 4"),
        ("ssd", {"maps": 1}, "maps: expected 2 to 5, got 1"),
    ],
)
def test_impossible_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        make_model(name, CLASSES, **options)


def test_the_best_candidates_take_part_in_the_suppression_and_no_more_than_the_limit(name, rng):
    model = small(name)
    model.score_threshold, model.max_candidates = -1.0, 7
    image = rng.integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    _, scores = model.decode(model.forward(model.normalize(image)), (64, 64))
    kept = np.sort(scores, axis=None)[::-1][:7]
    (found,) = model.predict(list(image))
    assert 0 < len(found) <= 7 and np.isin(found.scores, kept).all()
    model.max_candidates = 1000
    assert len(model.predict(list(image))[0]) > 7
