"""The losses of a small Faster R-CNN in PyTorch, with the same weights, proposals and samples."""

import numpy as np
import pytest
import torch
import torch_regions
from torch.nn import functional as F


def keep_samples(model, monkeypatch, *names):
    """Return a dict that will hold what these parts sample in the model's next step: fixed for both networks."""
    drawn = {}
    for name in names:
        part = getattr(model, name)

        def keep(*args, name=name, sample=part.sample):
            drawn[name] = sample(*args)
            return drawn[name]

        monkeypatch.setattr(part, "sample", keep)
    return drawn


def pool(model):
    """Return the pooling of regions: ``pool(features, rois, output_size)``."""
    chosen = torch_regions.roi_align if model.options["pooling"] == "align" else torch_regions.roi_pool
    return lambda features, rois, size: chosen(features, torch.from_numpy(rois.astype(float)), size, 1 / model.stride)


def four_losses(model, batch, drawn, convert):
    """Return the features and the four losses by name, all of them tensors.

    Parameters
    ----------
    model : FasterRCNN
    batch : Batch
    drawn : dict
        Of :func:`keep_samples`.
    convert : callable
        Of :func:`minivision.bench.torch_equivalent.layer_converter`.
    """
    anchors, regions = drawn["rpn"], drawn["head"]
    backbone, shared, objectness, deltas, body, score_layer, box_layer = map(convert, (
        model.backbone, model.rpn.shared, model.rpn.objectness, model.rpn.deltas,
        model.head.body, model.head.scores, model.head.deltas,
    ))  # fmt: skip
    features = backbone(torch.from_numpy(model.normalize(batch.images)))
    hidden = shared(features)
    N, _, rows, columns = features.shape
    A = len(model.rpn.sizes) * len(model.rpn.ratios)
    logits = objectness(hidden).permute(0, 2, 3, 1).reshape(-1)
    boxes = deltas(hidden).reshape(N, A, 4, rows, columns).permute(0, 3, 4, 1, 2).reshape(-1, 4)
    chosen = np.concatenate([anchors.positive, anchors.negative])
    is_object = torch.from_numpy((np.arange(len(chosen)) < len(anchors.positive)).astype(float))
    hidden = body(pool(model)(features, regions.rois, model.head.pool.output_size))
    found = np.flatnonzero(regions.labels)
    own = box_layer(hidden).reshape(-1, len(model.classes) - 1, 4)[found, regions.labels[found] - 1]
    targets = [torch.from_numpy(each.astype(float)) for each in (anchors.deltas, regions.deltas[found])]
    return features, {
        "rpn_objectness": F.binary_cross_entropy_with_logits(logits[chosen], is_object),
        "rpn_box": F.smooth_l1_loss(boxes[anchors.positive], targets[0], beta=1 / 9, reduction="sum") / len(chosen),
        "class": F.cross_entropy(score_layer(hidden), torch.from_numpy(regions.labels)),
        "box": F.smooth_l1_loss(own, targets[1], reduction="sum") / len(regions.labels),
    }


def assert_same(losses, expected, model, pairs):
    """Compare the losses and the gradients of all parameters with PyTorch's; call after ``backward`` of both."""
    assert losses == {name: pytest.approx(loss.item(), abs=1e-8) for name, loss in expected.items()}
    assert len(pairs) == len(model.parameters())
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-8, err_msg=ours.name)
        assert abs(ours.grad).max() > 1e-7, f"{ours.name} is not trained"
