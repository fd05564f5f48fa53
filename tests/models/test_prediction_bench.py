"""The timing of predictions against PyTorch: that its network is the same."""

import numpy as np
import pytest

from minivision.bench.prediction import measure, torch_network
from minivision.data import Scenes, collate
from minivision.models import make_model


@pytest.fixture(scope="module")
def scenes():
    return Scenes("easy", "val").draw(3)


def outputs_of(model, images):
    return model.forward(model.normalize(np.stack(images)))


@pytest.mark.parametrize("name", ["yolo", "yolov2", "ssd", "faster-rcnn"])
def test_pytorch_runs_the_same_network_on_the_same_images(name, scenes):
    torch = pytest.importorskip("torch")
    model = make_model(name, scenes.classes, rng=np.random.default_rng(0))
    images = [sample.image for sample in scenes]
    model.step(collate(scenes))  # running statistics move: normalization is folded in both
    theirs = torch_network(model, images, torch, channels_last=name != "ssd")()
    if name == "ssd":
        theirs = torch.cat([each.permute(0, 2, 3, 1).reshape(3, -1, 4 + len(model.classes)) for each in theirs], 1)
        ours = outputs_of(model, images)
    elif name == "faster-rcnn":
        logits, _, scores, _ = theirs
        proposed = outputs_of(model, images).rpn
        assert scores.shape == (sum(map(len, model.propose(images))), len(model.classes))
        theirs, ours = logits.permute(0, 2, 3, 1).reshape(3, -1), proposed.logits
    elif name == "yolo":
        theirs, ours = theirs[0].permute(0, 2, 3, 1), outputs_of(model, images)
    else:
        (theirs,) = theirs
        N, _, rows, columns = theirs.shape
        theirs = theirs.reshape(N, len(model.anchors), -1, rows, columns).permute(0, 3, 4, 1, 2)
        ours = outputs_of(model, images)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-3)


def test_rates_are_of_images_and_a_model_without_a_pytorch_network_is_named(scenes, monkeypatch):
    monkeypatch.setattr("minivision.bench.prediction.interleaved_medians", lambda peers, **_: dict.fromkeys(peers, 0.5))
    model = make_model("yolo", scenes.classes)
    assert measure(model, [scenes[0].image] * 4) == {"ours": 8, "ours_alone": 2}
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="rcnn: its network is not available in PyTorch"):
        torch_network(make_model("rcnn", scenes.classes), [scenes[0].image], torch)
