"""The six kinds of objects in a scene, and the joints of a person."""

from __future__ import annotations

import math

import numpy as np

from minivision.core.types import Array

__all__ = ["JOINTS", "KINDS", "draw_shape"]

KINDS = ("disc", "square", "triangle", "star", "ring", "person")

# The lecture's fourteen joints, in the order of the Leeds Sports Pose dataset.
JOINTS = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
    "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
    "neck", "head",
)  # fmt: skip

LIMBS = (
    ("neck", "right_shoulder"), ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
    ("neck", "left_shoulder"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("right_hip", "left_hip"),
)  # fmt: skip
TORSO = ("right_shoulder", "left_shoulder", "left_hip", "right_hip")

# Outlines lie this far outside the nominal shape, as if the picture were drawn four times as large and all pixels of
# the outline filled.
GROW = 0.125


def draw_shape(
    kind: str, x: float, y: float, size: float, image_size: int, rng: np.random.Generator
) -> tuple[Array, Array | None]:
    """Draw one object with random rotation and proportions.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    x, y : float
        Its center, in pixels.
    size : float
        Its diameter, or a person's height, in pixels.
    image_size : int
        Side of the square picture.
    rng : numpy.random.Generator

    Returns
    -------
    coverage : float32 ndarray of shape (image_size, image_size)
        The fraction of each pixel that the object covers.
    joints : float64 ndarray of shape (14, 2) or None
        The joints of a person, in pixels, in the order of `JOINTS`.
    """
    from minivision.data import drawing

    coverage = np.zeros((image_size, image_size), np.float32)
    radius, turn = size / 2, rng.uniform(0, 2 * math.pi)
    if kind == "disc":
        drawing.draw_ellipse(coverage, x, y, radius + GROW, radius * rng.uniform(0.8, 1) + GROW, turn)
    elif kind == "square":
        drawing.draw_polygon(coverage, _star(x, y, turn, [radius] * 4), GROW)
    elif kind == "triangle":
        drawing.draw_polygon(coverage, _star(x, y, turn, [1.05 * radius] * 3), GROW)
    elif kind == "star":
        drawing.draw_polygon(coverage, _star(x, y, turn, [1.05 * radius, 0.45 * radius] * 5), GROW)
    elif kind == "ring":
        drawing.draw_ring(coverage, x, y, radius, radius * rng.uniform(0.45, 0.65))
    else:
        joints = _pose(rng) * radius + (x, y)
        _draw_person(coverage, joints, size)
        return coverage, joints
    return coverage, None


def _star(x, y, turn, radii):
    """Return corners at equal angles around a center, each at its own radius: ``(n, 2)``."""
    angles = turn + np.arange(len(radii)) * (2 * math.pi / len(radii))
    return np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1)


def _rotate(x, y, angle):
    """Return a point rotated by `angle` radians around the origin."""
    cos, sin = math.cos(angle), math.sin(angle)
    return cos * x - sin * y, sin * x + cos * y


def _pose(rng):
    """Return random joints of a person seen from the front, ``(14, 2)``: 1 is half the height, 0 the middle."""
    tilt = rng.uniform(-0.35, 0.35)
    shoulder, hip = rng.uniform(0.20, 0.28), rng.uniform(0.12, 0.18)
    pose = {"head": (0.0, -1.0), "neck": (0.0, -0.58)}
    for side, sign in (("left", 1), ("right", -1)):  # a person's left is the picture's right
        upper_arm = -sign * rng.uniform(-0.2, 2.3)  # in radians, 0 hangs down; the y axis of the picture points down
        forearm = upper_arm + rng.uniform(-0.9, 0.9)
        thigh = -sign * rng.uniform(-0.1, 0.7)
        shin = thigh * rng.uniform(0, 1)
        pose[f"{side}_shoulder"] = (sign * shoulder, -0.5)
        pose[f"{side}_hip"] = (sign * hip, 0.08)
        for start, end, length, angle in (
            ("shoulder", "elbow", 0.33, upper_arm),
            ("elbow", "wrist", 0.30, forearm),
            ("hip", "knee", 0.45, thigh),
            ("knee", "ankle", 0.45, shin),
        ):
            from_x, from_y = pose[f"{side}_{start}"]
            along_x, along_y = _rotate(0, length, angle)
            pose[f"{side}_{end}"] = (from_x + along_x, from_y + along_y)
    return np.array([_rotate(*pose[name], tilt) for name in JOINTS])


def _draw_person(coverage, joints, size):
    """Draw limbs, torso and head around the joints; `size` is the height in pixels."""
    from minivision.data import drawing

    at = dict(zip(JOINTS, joints.tolist(), strict=True))
    limb_radius = max(2.2, 0.085 * size) / 2 + GROW
    for start, end in LIMBS:
        drawing.draw_capsule(coverage, *at[start], *at[end], limb_radius)
    drawing.draw_polygon(coverage, np.array([at[name] for name in TORSO]), GROW)
    head = (np.array(at["head"]) + at["neck"]) / 2
    drawing.draw_capsule(coverage, *head, *head, 0.21 * size / 2)
