"""The encoder-decoder: compared with the same network in PyTorch, its five kinds of upsampling, and its predictions."""

import numpy as np
import pytest

from minivision.data import Batch
from minivision.models import make_model, system_class, systems
from minivision.models.encoder_decoder import UPSAMPLINGS, EncoderDecoder
from minivision.training import AdamW

CLASSES = ("background", "disc", "square", "star")


def _coarse(label_maps):
    return np.repeat(np.repeat(label_maps[:, ::8, ::8], 8, 1), 8, 2)


@pytest.fixture
def batch(rng):
    images = rng.integers(0, 256, (2, 32, 48, 3), dtype=np.uint8)
    label_maps = images[..., 0] // 64  # a class for each quarter of the reds
    label_maps[0, :5, :7] = 255  # unlabeled
    return Batch(np.repeat(np.repeat(images[:, ::8, ::8], 8, 1), 8, 2), [], _coarse(label_maps))


def small(upsampling, skips=True, dtype=np.float64):
    """Return a small model in which no gradient is zero at the beginning."""
    rng = np.random.default_rng(3)
    model = EncoderDecoder(CLASSES, upsampling=upsampling, skips=skips, widths=(4, 5, 6), depths=(0, 1, 1), rng=rng)
    for parameter in model.parameters():
        parameter.value += 0.1 * rng.standard_normal(parameter.value.shape).astype(np.float32)
    return model.astype(dtype)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
def test_loss_and_every_gradient_are_those_of_the_same_network_in_pytorch(upsampling, skips, batch):
    torch = pytest.importorskip("torch")
    from minivision.bench.torch_equivalent import torch_encoder_decoder

    model = small(upsampling, skips)
    twin = torch_encoder_decoder(model)
    (loss,) = model.step(batch).values()
    assert model.leftovers() == []
    target = torch.from_numpy(batch.label_maps.astype(np.int64))
    weight = torch.tensor(model.class_weights)
    scores = twin(torch.from_numpy(model.normalize(batch.images)))
    expected = torch.nn.functional.cross_entropy(scores, target, weight=weight, ignore_index=255)
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-8)
    assert len(twin.pairs) == len(model.parameters())
    for ours, theirs in twin.pairs:
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-8, err_msg=ours.name)


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
def test_a_few_steps_fit_a_batch_and_the_same_seed_gives_the_same_bits(upsampling, batch):
    runs = []
    for _ in range(2):
        model = small(upsampling, dtype=np.float32)
        optimizer = AdamW(model, weight_decay=0.0)
        losses = []
        for _ in range(40):
            losses.append(sum(model.step(batch).values()))
            optimizer.step(5e-3)
        runs.append((losses, model.state()))
    assert losses[-1] < 0.8 * losses[0]
    for name, array in runs[0][1].items():
        np.testing.assert_array_equal(array, runs[1][1][name], err_msg=name)


def test_predictions_have_the_size_of_each_image_and_do_not_depend_on_the_other_images(rng):
    model = small("bilinear", dtype=np.float32)
    images = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in [(32, 32), (17, 45)] * 9]
    together = model.predict(images)
    for image, label_map in zip(images, together, strict=True):
        assert label_map.shape == image.shape[:2] and label_map.dtype == np.uint8
    alone = model.predict(images[1:2])[0]
    assert (alone == together[1]).mean() > 0.999
    assert model.predict([]) == []


def test_an_unknown_upsampling_and_an_unknown_system_are_named():
    with pytest.raises(ValueError, match="upsampling: expected one of nearest, .*, got 'cubic'"):
        EncoderDecoder(CLASSES, upsampling="cubic")
    with pytest.raises(ValueError, match="no system is called 'unet'; there are .*encoder-decoder"):
        system_class("unet")


def test_systems_are_made_by_name():
    for name in systems():
        classes = CLASSES[:2] if name == "pose" else CLASSES  # pose is for people only
        assert make_model(name, classes, rng=np.random.default_rng(0)).name == name
