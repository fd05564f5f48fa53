"""YOLO, YOLOv2 and SSD in PyTorch: the same networks, and their losses written object by object for autograd."""

import math

import numpy as np
import torch
from torch.nn import functional

from minivision import ops
from minivision.bench.torch_equivalent import layer_converter

BOX, OBJECT, NO_OBJECT = 1, 5, 1  # of YOLOv2


def iou(a, b):
    """Intersection over union of two boxes x1 y1 x2 y2."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return float(width * height / (area - width * height))


def objects_of(instances):
    """Box and label of each object that is no crowd."""
    each = zip(instances.boxes.astype(float), instances.labels, instances.crowd, strict=True)
    return [(box, label) for box, label, crowd in each if not crowd]


def in_a_crowd(x, y, instances):
    return any(x1 < x < x2 and y1 < y < y2 for x1, y1, x2, y2 in instances.boxes[instances.crowd])


class YOLOReference(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.pairs = []
        convert = layer_converter(self.pairs)
        self.backbone, self.head = convert(model.backbone), convert(model.head)
        self.model = model

    def forward(self, images):
        return self.head(self.backbone(images)).permute(0, 2, 3, 1)

    @staticmethod
    def corners(predicted, row, column, S):
        x, y, w, h = predicted.detach().tolist()
        x, y = (x + column) / S, (y + row) / S
        return x - w * w / 2, y - h * h / 2, x + w * w / 2, y + h * h / 2

    def losses(self, outputs, batch):
        """The sum of the paper's equation 3, term by term, averaged over images."""
        B, S = self.model.B, outputs.shape[1]
        side = batch.images.shape[1]
        losses = dict.fromkeys(("box", "object", "no object", "class"), torch.zeros((), dtype=outputs.dtype))
        for n, instances in enumerate(batch.instances):
            objects = sorted(objects_of(instances), key=lambda each: -(each[0][2:] - each[0][:2]).prod())
            cells = {}
            for box, label in objects:
                x, y = (box[0] + box[2]) / 2 * S / side, (box[1] + box[3]) / 2 * S / side
                cells.setdefault((min(int(y), S - 1), min(int(x), S - 1)), []).append((box / side, label))
            for row in range(S):
                for column in range(S):
                    here = cells.get((row, column), [])[:B]
                    predicted = outputs[n, row, column]
                    free = list(range(B))
                    corners = [self.corners(predicted[5 * b : 5 * b + 4], row, column, S) for b in range(B)]
                    for box, _ in here:
                        center = (box[:2] + box[2:]) / 2 * S - (column, row)
                        size = box[2:] - box[:2]
                        overlaps = [iou(corners[b], box) if b in free else -1 for b in range(B)]
                        b = overlaps.index(max(overlaps))
                        free.remove(b)
                        target = torch.tensor([*center, *np.sqrt(size)], dtype=outputs.dtype)
                        losses["box"] = losses["box"] + 5 * ((predicted[5 * b : 5 * b + 4] - target) ** 2).sum()
                        losses["object"] = losses["object"] + (predicted[5 * b + 4] - overlaps[b]) ** 2
                    middle = (column + 0.5) * side / S, (row + 0.5) * side / S
                    if here or not in_a_crowd(*middle, instances):
                        for b in free:
                            losses["no object"] = losses["no object"] + 0.5 * predicted[5 * b + 4] ** 2
                    if here:
                        p = torch.zeros(len(self.model.classes) - 1, dtype=outputs.dtype)
                        for _, label in here:
                            p[label - 1] += 1 / len(here)
                        losses["class"] = losses["class"] + ((predicted[5 * B :] - p) ** 2).sum()
        return {name: loss / len(outputs) for name, loss in losses.items()}


class YOLOv2Reference(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.pairs = []
        convert = layer_converter(self.pairs)
        self.stages = torch.nn.ModuleList(map(convert, model.stages))
        self.passthrough = convert(model.passthrough) if model.passthrough else None
        self.head = convert(model.head)
        self.model = model

    def forward(self, images):
        fine = images
        for stage in self.stages[:-1]:
            fine = stage(fine)
        x = self.stages[-1](fine)
        if self.passthrough:
            x = torch.cat([x, self.passthrough(fine)], 1)
        x = self.head(x)
        N, _, rows, columns = x.shape
        return x.view(N, len(self.model.anchors), -1, rows, columns).permute(0, 3, 4, 1, 2)

    def box(self, predicted, row, column, a):
        """The paper's b = sigma(t) + c, p exp(t), as corners in pixels."""
        stride, (width, height) = self.model.stride, self.model.anchors[a]
        tx, ty, tw, th = predicted[:4].tolist()
        if self.model.sigmoid_offsets:
            x, y = (column + 1 / (1 + math.exp(-tx))) * stride, (row + 1 / (1 + math.exp(-ty))) * stride
        else:
            x, y = (column + 0.5) * stride + tx * width, (row + 0.5) * stride + ty * height
        w, h = width * math.exp(tw), height * math.exp(th)
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2

    def losses(self, outputs, batch):
        model = self.model
        S, A = outputs.shape[1], outputs.shape[3]
        losses = dict.fromkeys(("box", "object", "no object", "class"), torch.zeros((), dtype=outputs.dtype))
        for n, instances in enumerate(batch.instances):
            objects = objects_of(instances)
            places = [(row, column, a) for row in range(S) for column in range(S) for a in range(A)]
            predicted = outputs.detach()[n]
            boxes = {place: self.box(predicted[place], *place) for place in places}
            taken = set()
            for box, label in objects:
                x, y, w, h = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]
                cell = min(int(y / model.stride), S - 1), min(int(x / model.stride), S - 1)
                if model.options["anchors"] == "none":
                    fits = [iou(boxes[(*cell, a)], box) for a in range(A)]
                else:
                    fits = [iou((0, 0, *model.anchors[a]), (0, 0, w, h)) for a in range(A)]
                fits = [-1 if (*cell, a) in taken else fits[a] for a in range(A)]
                if max(fits) < 0:
                    continue
                a = fits.index(max(fits))
                taken.add((*cell, a))
                predicted = outputs[n][(*cell, a)]
                width, height = model.anchors[a]
                if model.sigmoid_offsets:
                    where = torch.sigmoid(predicted[:2])
                    target = x / model.stride - cell[1], y / model.stride - cell[0]
                else:
                    where = predicted[:2]
                    target = (x - (cell[1] + 0.5) * model.stride) / width, (y - (cell[0] + 0.5) * model.stride) / height
                target = torch.tensor([*target, math.log(w / width), math.log(h / height)], dtype=outputs.dtype)
                error = torch.cat([where, predicted[2:4]]) - target
                losses["box"] = losses["box"] + BOX * (error**2).sum()
                found = iou(boxes[(*cell, a)], box)
                losses["object"] = losses["object"] + OBJECT * (torch.sigmoid(predicted[4]) - found) ** 2
                right = torch.tensor([label - 1])
                losses["class"] = losses["class"] + functional.cross_entropy(predicted[None, 5:], right)
            empty = torch.zeros((S, S, A), dtype=torch.bool)
            for place in places:
                middle = (place[1] + 0.5) * model.stride, (place[0] + 0.5) * model.stride
                good = max((iou(boxes[place], box) for box, _ in objects), default=0) > 0.6
                empty[place] = place not in taken and not good and not in_a_crowd(*middle, instances)
            confidences = torch.sigmoid(outputs[n, ..., 4])[empty]
            losses["no object"] = losses["no object"] + NO_OBJECT * (confidences**2).sum()
        return {name: loss / len(outputs) for name, loss in losses.items()}


class SSDReference(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.pairs = []
        convert = layer_converter(self.pairs)
        self.stages = torch.nn.ModuleList()
        self.heads = torch.nn.ModuleList()
        for stage in model.stages:
            self.stages.append(convert(stage))
        for head in model.heads:
            self.heads.append(convert(head))
        self.model = model

    def forward(self, images):
        outputs, x = [], images
        for stage, head in zip(self.stages, self.heads, strict=True):
            x = stage(x)
            outputs.append(head(x).permute(0, 2, 3, 1).reshape(len(x), -1, 4 + len(self.model.classes)))
        return torch.cat(outputs, 1)

    def losses(self, outputs, batch):
        """Match, mine and sum box by box."""
        boxes = self.model.default_boxes(batch.images.shape[1:3]).astype(float)
        box_loss = class_loss = torch.zeros((), dtype=outputs.dtype)
        count = 0
        for n, instances in enumerate(batch.instances):
            objects = objects_of(instances)
            # In float32, as the model: of default boxes that hold all of an object rounding decides which is best.
            overlap = ops.box_iou(instances.boxes[~instances.crowd], boxes.astype(np.float32))
            owner = [-1] * len(boxes)
            for k in range(len(boxes)):
                if len(objects) and overlap[:, k].max() >= 0.5:
                    owner[k] = overlap[:, k].argmax()
            for g in range(len(objects)):
                for k in np.flatnonzero(overlap[g] == overlap[g].max()):
                    owner[k] = overlap[:, k].argmax()
            losses = functional.cross_entropy(
                outputs[n, :, 4:], torch.tensor([objects[g][1] if g >= 0 else 0 for g in owner]), reduction="none"
            )
            negatives = []
            for k, anchor in enumerate(boxes):
                if owner[k] < 0:
                    if not any(share(anchor, crowd) >= 0.5 for crowd in instances.boxes[instances.crowd]):
                        negatives.append(k)
                    continue
                count += 1
                (x1, y1, x2, y2), (a1, b1, a2, b2) = objects[owner[k]][0], anchor
                target = (
                    10 * ((x1 + x2) - (a1 + a2)) / 2 / (a2 - a1), 10 * ((y1 + y2) - (b1 + b2)) / 2 / (b2 - b1),
                    5 * math.log((x2 - x1) / (a2 - a1)), 5 * math.log((y2 - y1) / (b2 - b1)),
                )  # fmt: skip
                target = torch.tensor(target, dtype=outputs.dtype)
                box_loss = box_loss + functional.smooth_l1_loss(outputs[n, k, :4], target, reduction="sum")
                class_loss = class_loss + losses[k]
            negatives.sort(key=lambda k: -losses[k].item())
            positives = sum(g >= 0 for g in owner)
            for k in negatives[: 3 * positives]:
                class_loss = class_loss + losses[k]
        return {"box": box_loss / max(count, 1), "class": class_loss / max(count, 1)}


def share(box, crowd):
    """How much of a box lies in a crowd."""
    width = min(box[2], crowd[2]) - max(box[0], crowd[0])
    height = min(box[3], crowd[3]) - max(box[1], crowd[1])
    return max(width, 0) * max(height, 0) / ((box[2] - box[0]) * (box[3] - box[1]))
