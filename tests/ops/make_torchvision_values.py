"""Write torchvision's results to data/torchvision.npz, for the tests of boxes, suppression and regions.

torchvision belongs to one version of PyTorch each, and has no build for all of those that the tests run with. So it is
asked once, in an environment of its own (``pip install torch torchvision numpy``), and its answers are kept:

    python tests/ops/make_torchvision_values.py

The file holds, for each case, the arguments as NumPy arrays and the results; ``index`` says in JSON which belong
together, and which versions answered. The file in the repository: torchvision 0.29.2, torch 2.15.0.
"""

import json
import pathlib

import numpy as np
import torch
import torchvision
from torchvision import ops
from torchvision.models.detection._utils import BoxCoder

FILE = pathlib.Path(__file__).parent / "data" / "torchvision.npz"

BOXES = [
    [1, 2, 5, 9],
    [2, 2, 6, 8],
    [1.5, 2.25, 5.25, 9],
    [3, 3, 3, 8],
    [4, 4, 4, 4],
    [7, 6, 2, 1],
    [-20, -30, -5, -2],
    [-3, -2, 12, 40],
    [1, 2, 5, 9],
]
REGIONS = [
    [0, 0, 0, 8, 7],
    [1, 1, 2, 4, 5],
    [0, 0.5, 1.5, 2.5, 3.5],  # halves are rounded away from zero
    [1, -0.5, -1.5, 2.5, 4.5],
    [0, -2.5, -3.5, -1.5, -0.5],
    [1, 2, 3, 2, 3],
    [0, 1, 1, 1, 4],
    [1, 4, 5, 1, 2],
    [0, 1.3, 2.2, 1.9, 2.6],
    [1, -9, -9, -3, -3],
    [0, 11, 1, 14, 4],
    [1, -1, -1, 0, 0],
    [0, 7, 6, 9, 8],
    [1, -40, -30, 50, 60],
    [0, 0.37, 1.41, 6.77, 5.93],
    [1, 2.71, 0.58, 7.69, 6.02],
]
INVERTED_IN_X = [0, 5, 1, 2, 4]  # aligned and adaptive, torchvision fails on it


def some_boxes(rng, count):
    corners = rng.uniform(-5, 40, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(2, 25, (count, 2))], axis=1)


def tensors(arrays):
    return [torch.from_numpy(array) for array in arrays]


def box_cases(rng):
    boxes, others = np.array(BOXES, float), some_boxes(rng, 6)
    yield "box_area", [boxes], {}, [ops.box_area(*tensors([boxes]))]
    for in_fmt in ("xyxy", "xywh", "cxcywh"):
        for out_fmt in ("xyxy", "xywh", "cxcywh"):
            formats = {"in_fmt": in_fmt, "out_fmt": out_fmt}
            yield "box_convert", [boxes], formats, [ops.box_convert(*tensors([boxes]), in_fmt, out_fmt)]
    for a, b in ((boxes, boxes), (boxes, others), (others, boxes)):
        yield "box_iou", [a, b], {}, [ops.box_iou(*tensors([a, b]))]
    for size in ((7, 5), (100, 3)):
        yield "clip_boxes_to_image", [boxes], {"size": size}, [ops.clip_boxes_to_image(*tensors([boxes]), size)]
    for min_size in (0.0, 1.0, 4.0):
        options = {"min_size": min_size}
        yield "remove_small_boxes", [boxes], options, [ops.remove_small_boxes(*tensors([boxes]), min_size)]
    targets, anchors = some_boxes(rng, 8), some_boxes(rng, 8)
    deltas = np.concatenate([rng.standard_normal((7, 4)), [[0.5, -0.5, 80, -80]]])
    for weights in ((1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)):
        coder = BoxCoder(weights)
        encoded = coder.encode_single(*tensors([targets, anchors]))
        yield "encode_boxes", [targets, anchors], {"weights": weights}, [encoded]
        decoded = coder.decode_single(*tensors([deltas, anchors]))
        yield "decode_boxes", [deltas, anchors], {"weights": weights}, [decoded]


def suppression_cases(rng):
    for count in (0, 1, 25, 60):
        boxes, scores = some_boxes(rng, count), rng.random(count)
        for iou_threshold in (0.0, 0.3, 0.5, 0.7):
            options = {"iou_threshold": iou_threshold}
            yield "nms", [boxes, scores], options, [ops.nms(*tensors([boxes, scores]), iou_threshold)]
            labels = rng.integers(0, 4, count)
            kept = ops.batched_nms(*tensors([boxes, scores, labels]), iou_threshold)
            yield "batched_nms", [boxes, scores, labels], options, [kept]
    equal = np.round(scores * 5) / 5
    yield "nms", [boxes, equal], options, [ops.nms(*tensors([boxes, equal]), iou_threshold)]
    scores = np.linspace(1, 0, len(BOXES))
    yield "nms", [np.array(BOXES, float), scores], options, [ops.nms(*tensors([np.array(BOXES), scores]), 0.7)]
    for dtype in (np.float32, np.float64):  # an overlap of a tenth is above 0.1 in float32 alone
        boxes, scores = np.array([[0, 0, 10, 1], [0, 0, 1, 1]], dtype), np.array([0.5, 0.25], dtype)
        yield "nms", [boxes, scores], {"iou_threshold": 0.1}, [ops.nms(*tensors([boxes, scores]), 0.1)]


def region_cases(rng, dtype, grids):
    x = rng.standard_normal((2, 2, 7, 8)).astype(dtype)
    rois = np.array(REGIONS, dtype)
    inverted = np.array([*REGIONS, INVERTED_IN_X], dtype)
    for output_size, scale in grids:
        dy = rng.standard_normal((len(inverted), 2, *output_size)).astype(dtype)
        options = {"output_size": output_size, "spatial_scale": scale}
        yield "roi_pool", *pooled(x, inverted, dy, options)
        for aligned in (True, False):
            for sampling_ratio in (-1, 2):
                some = rois if aligned and sampling_ratio == -1 else inverted
                sampling = {**options, "sampling_ratio": sampling_ratio, "aligned": aligned}
                yield "roi_align", *aligned_pooled(x, some, dy[: len(some)], sampling)
    # Seven pixels in thirteen bins: 13 * (7 / 13) is 7 in float64 and more than 7 in float32, so a pixel more is read.
    x, rois = np.arange(12, dtype=dtype).reshape(1, 1, 1, 12), np.array([[0, 2, 0, 8, 0]], dtype)
    options = {"output_size": (1, 13), "spatial_scale": 1.0}
    yield "roi_pool", *pooled(x, rois, np.ones((1, 1, 1, 13), dtype), options)


def pooled(x, rois, dy, options):
    given, boxes, upstream = tensors([x, rois, dy])
    given.requires_grad_()
    # what ops.roi_pool calls, and throws the second result away
    y, argmax = torch.ops.torchvision.roi_pool(given, boxes, options["spatial_scale"], *options["output_size"])
    y.backward(upstream)
    return [x, rois, dy], options, [y, argmax, given.grad]


def aligned_pooled(x, rois, dy, options):
    given, boxes, upstream = tensors([x, rois, dy])
    given.requires_grad_()
    y = ops.roi_align(given, boxes, **options)
    y.backward(upstream)
    return [x, rois, dy], options, [y, given.grad]


def main():
    rng = np.random.default_rng(0)
    arrays, cases = {}, []
    known = {}  # an array that comes again is kept once

    def keep(array):
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in known:
            known[key] = f"array{len(known)}"
            arrays[known[key]] = array
        return known[key]

    for operation, arguments, keywords, results in [
        *box_cases(rng),
        *suppression_cases(rng),
        *region_cases(rng, np.float32, [((3, 3), 1.0), ((2, 4), 0.5), ((7, 1), 1.6)]),
        *region_cases(rng, np.float64, [((2, 2), 0.7)]),
    ]:
        results = [keep(result.detach().numpy()) for result in results]
        arguments = [keep(argument) for argument in arguments]
        cases.append({"operation": operation, "arguments": arguments, "keywords": keywords, "results": results})
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    index = np.array(json.dumps({"versions": versions, "cases": cases}))
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, index=index, **arrays)
    print(f"{FILE}: {len(cases)} cases, {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
