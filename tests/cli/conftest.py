"""The command line with a system that trains in milliseconds, and a dataset of small files."""

import pathlib
import sys
import types

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "training"))

from tiny_system import Blobs, TinySystem  # noqa: E402


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Let ``minivision train tiny`` find the small system."""
    import minivision.models

    module = types.ModuleType("minivision.models.tiny")
    module.TinySystem = TinySystem
    monkeypatch.setitem(sys.modules, "minivision.models.tiny", module)
    monkeypatch.setitem(minivision.models._SYSTEMS, "tiny", ("tiny", "TinySystem"))


@pytest.fixture
def folder(tmp_path):
    """A dataset ``folder:...`` of 12 pictures of one size."""
    return write_folder(tmp_path / "cells", Blobs(12))


def write_folder(root, blobs):
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    for i, sample in enumerate(blobs):
        Image.fromarray(sample.image).save(root / "images" / f"{i:02}.png")
        Image.fromarray(sample.label_map).save(root / "labels" / f"{i:02}.png")
    (root / "classes.txt").write_text("red\nblue\n")
    return root


@pytest.fixture
def several_sizes(tmp_path):
    """The same with pictures of two sizes."""
    return write_folder(tmp_path / "sizes", Blobs(12, sizes=((20, 30), (40, 24))))


@pytest.fixture
def trained(tmp_path, folder):
    """The folder of a run that was trained on `folder`."""
    from minivision.cli import main

    out = tmp_path / "trained"
    assert main(["train", "tiny", "--data", f"folder:{folder}", "--steps", "60", "--out", str(out)]) == 0
    return out


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (33, 47, 3), dtype=np.uint8)).save(path)
    return path
