"""RoIAlign and RoI pooling put together from PyTorch's own operations, one region after another."""

import math

import torch
from torch.nn import functional as F


def roi_align(features, rois, output_size, spatial_scale):
    """Interpolate by ``grid_sample`` at as many points of each cell as it has pixels, and average."""
    height, width = features.shape[2:]
    grids = []
    for roi in rois.tolist():
        n, (x1, y1, x2, y2) = int(roi[0]), [spatial_scale * corner for corner in roi[1:]]
        down, across = math.ceil((y2 - y1) / output_size), math.ceil((x2 - x1) / output_size)
        y = y1 + (torch.arange(output_size * down, dtype=torch.float64) + 0.5) * (y2 - y1) / (output_size * down)
        x = x1 + (torch.arange(output_size * across, dtype=torch.float64) + 0.5) * (x2 - x1) / (output_size * across)
        points = torch.stack(torch.meshgrid(2 * x / width - 1, 2 * y / height - 1, indexing="xy"), -1)
        options = {"align_corners": False, "padding_mode": "border"}
        samples = F.grid_sample(features[n : n + 1], points[None].to(features), **options)
        grids.append(F.avg_pool2d(samples, (down, across)))
    return torch.cat(grids)


def roi_pool(features, rois, output_size, spatial_scale):
    """Take the maximum of each cell, cut along pixels; 0 where a cell lies off the map."""
    height, width = features.shape[2:]
    grids = []
    for roi in rois.tolist():
        n, (x1, y1, x2, y2) = int(roi[0]), [math.floor(spatial_scale * corner + 0.5) for corner in roi[1:]]
        bins = [
            [
                range(max(start + math.floor(k * length), 0), min(start + math.ceil((k + 1) * length), size))
                for k in range(output_size)
            ]
            for start, length, size in (
                (y1, max(y2 - y1 + 1, 1) / output_size, height), (x1, max(x2 - x1 + 1, 1) / output_size, width),
            )
        ]  # fmt: skip
        cells = [
            features[n][:, list(rows)][:, :, list(columns)].amax((1, 2))
            if rows and columns
            else 0 * features[n, :, 0, 0]
            for rows in bins[0]
            for columns in bins[1]
        ]
        grids.append(torch.stack(cells, 1).reshape(-1, output_size, output_size))
    return torch.stack(grids)
