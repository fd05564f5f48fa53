"""Write torchvision's anchors and matches to data/torchvision_anchors.npz, for the tests of detection.

torchvision is asked once, in an environment of its own (``pip install torch torchvision numpy``), and its answers are
kept:

    python tests/detection/make_torchvision_anchors.py

Only its Python code is asked: no compiled operation takes part. The file in the repository: torchvision 0.29.2.
"""

import json
import pathlib

import numpy as np
import torch
import torchvision
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator

FILE = pathlib.Path(__file__).parent / "data" / "torchvision_anchors.npz"

ANCHORS = [  # map size, stride, sizes, ratios
    ((3, 4), (8, 8), (16, 28, 48), (0.5, 1.0, 2.0)),
    ((2, 5), (16, 8), (32, 64), (0.25, 1.0, 4.0)),
    ((1, 1), (4, 4), (5,), (0.7, 1.4)),
]
THRESHOLDS = [(0.7, 0.3), (0.5, 0.5), (0.5, 0.4)]


def overlaps(rng):
    """Yield tables of overlaps: with ties, with values on the thresholds, with an object that nothing fits."""
    for objects, boxes in ((1, 1), (3, 12), (6, 50)):
        iou = np.round(rng.random((objects, boxes)), 1)
        iou[-1] *= 0.5
        yield iou
    iou = rng.random((4, 30)) ** 3
    iou[1] = iou[0]  # twice the same object
    yield iou


def main():
    rng = np.random.default_rng(0)
    arrays, anchors, matches = {}, [], []
    for map_size, stride, sizes, ratios in ANCHORS:
        generator = AnchorGenerator((sizes,), (ratios,))
        grid = generator.grid_anchors([map_size], [[torch.tensor(step) for step in stride]])[0]
        name = f"anchors{len(anchors)}"
        arrays[name] = grid.numpy()
        anchors.append({"map_size": map_size, "stride": stride, "sizes": sizes, "ratios": ratios, "result": name})
    for k, iou in enumerate(overlaps(rng)):
        arrays[f"iou{k}"] = iou
        for fg_iou_thresh, bg_iou_thresh in THRESHOLDS:
            for allow_low_quality_matches in (True, False):
                name = f"matches{len(matches)}"
                arrays[name] = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches)(
                    torch.from_numpy(iou)
                ).numpy()
                options = {
                    "fg_iou_thresh": fg_iou_thresh,
                    "bg_iou_thresh": bg_iou_thresh,
                    "allow_low_quality_matches": allow_low_quality_matches,
                }
                matches.append({"iou": f"iou{k}", "options": options, "result": name})
    index = {"version": torchvision.__version__, "anchors": anchors, "matches": matches}
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, index=np.array(json.dumps(index)), **arrays)
    print(f"{FILE}: {len(anchors)} grids, {len(matches)} matchings, {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
