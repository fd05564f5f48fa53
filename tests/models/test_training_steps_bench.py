"""The timing of training steps against PyTorch: that its networks are the same, and that its steps move parameters."""

import copy

import numpy as np
import pytest

from minivision.bench.training_steps import SYSTEMS, entries, prepare

torch = pytest.importorskip("torch")

from minivision.bench.torch_networks import region_sampler, training_network  # noqa: E402


def ours_and_theirs(name, model, batch):
    """Return pairs of outputs, ours in PyTorch's layout: of two stages only those of the first, without regions."""
    network = training_network(copy.deepcopy(model), batch).train()  # both sample the same regions
    outputs = model.forward(model.normalize(batch.images), training=True, batch=batch)
    with torch.no_grad():
        theirs = [output.numpy() for output in network(torch.from_numpy(model.normalize(batch.images)))]
    N = len(batch.images)
    if name in ("faster-rcnn", "mask-rcnn", "densecap"):
        first = outputs if name == "faster-rcnn" else outputs.faster_rcnn
        logits = theirs[0].transpose(0, 2, 3, 1).reshape(N, -1)
        assert [each.size for each in theirs[2:4]] == [each.size for each in first.head]
        if name == "mask-rcnn":
            assert [each.shape for each in theirs[4:]] == [outputs.mask_logits.shape, outputs.joint_logits.shape]
        if name == "densecap":
            assert [each.shape for each in theirs[4:]] == [outputs.words.shape]
        return [(first.rpn.logits, logits)]
    if name == "ssd":
        last = 4 + len(model.classes)
        return [(outputs, np.concatenate([y.transpose(0, 2, 3, 1).reshape(N, -1, last) for y in theirs], 1))]
    if name == "yolo":
        return [(outputs, theirs[0].transpose(0, 2, 3, 1))]
    if name == "yolov2":
        _, _, rows, columns = theirs[0].shape
        anchors = len(model.anchors)
        return [(outputs, theirs[0].reshape(N, anchors, -1, rows, columns).transpose(0, 3, 4, 1, 2))]
    return list(zip(outputs if name == "localizer" else (outputs,), theirs, strict=True))


@pytest.mark.parametrize("name", SYSTEMS)
def test_pytorch_trains_the_same_network(name):
    training = prepare(name)
    for ours, theirs in ours_and_theirs(name, training.model, training.batches[0]):
        np.testing.assert_allclose(ours, theirs, atol=2e-3 * max(1, np.abs(theirs).max()))


def test_a_region_is_sampled_in_the_middle_of_each_cell():
    rows, columns = np.mgrid[:8, :12].astype(np.float32)
    features = torch.from_numpy(np.stack([np.stack([rows, columns])] * 2))  # (2, 2, 8, 12), of images of 64 x 96
    rois = np.array([[0, 8, 16, 40, 48], [1, 16, 8, 80, 40]], float)
    first, second = region_sampler(rois, (64, 96), 2)(features).numpy()
    np.testing.assert_allclose(first[0], [[2.5, 2.5], [4.5, 4.5]], atol=1e-5)  # 16 + 8 pixels are row 3, its middle 2.5
    np.testing.assert_allclose(first[1], [[1.5, 3.5], [1.5, 3.5]], atol=1e-5)
    np.testing.assert_allclose(second[1], [[3.5, 7.5], [3.5, 7.5]], atol=1e-5)


def test_both_steps_train(monkeypatch):
    chosen = []

    def fastest(variants, **_):
        chosen.extend(variants)
        return dict.fromkeys(variants, 1.0)

    monkeypatch.setattr("minivision.bench.torch_networks.interleaved_medians", fastest)
    (line,) = entries(torch, ["localizer"], compiled=False)
    assert line.name == "localizer" and line.shape.startswith("8x3x128x128")
    assert chosen == ["channels last", "channels first"]
    held = [cell.cell_contents for cell in line.theirs.__closure__]
    (network,) = [each for each in held if isinstance(each, torch.nn.Module)]
    before = [parameter.detach().clone() for parameter in network.parameters()]
    line.theirs()
    assert all((old != new).any() for old, new in zip(before, network.parameters(), strict=True))
    line.ours()
