"""The demo writes a page that shows everything and needs no other file."""

import os
import re

import pytest
from tiny_system import TinySystem

from minivision.cli import demo, main


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "SYSTEM", "tiny")
    monkeypatch.setattr(demo, "TRAIN_SCENES", 20)
    monkeypatch.setattr(demo, "VAL_SCENES", 12)
    monkeypatch.setattr(demo, "SHORTEST", 0.3)
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path / "cache"))


def test_demo_writes_pictures_and_a_page_that_stands_alone(tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", "--seconds", "1", "--out", str(out)]) == 0
    names = set(os.listdir(out))
    assert {"index.html", "loss.png", "comparison.png", "scene-1-input.png", "scene-1-truth.png"} <= names
    assert "scene-1-prediction.png" in names
    page = (out / "index.html").read_text()
    assert not re.search(r"\$\w", page)  # every blank is filled in
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', page)
    assert len(sources) == 3 * demo.SHOWN + 2 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "prefers-color-scheme: dark" in page and "star" in page and "mean IoU" in page
    assert (out / "index.html").resolve().as_uri() in capsys.readouterr().out


def test_demo_can_be_run_again_but_does_not_overwrite_a_run(tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", "--seconds", "1", "--out", str(out)]) == 0
    assert main(["demo", "--seconds", "1", "--out", str(out)]) == 0
    (out / "index.html").unlink()
    assert main(["demo", "--seconds", "1", "--out", str(out)]) == 2
    assert "choose another folder" in capsys.readouterr().err and (out / "checkpoint.npz").exists()


def test_run_of_the_demo_can_be_evaluated(tmp_path, capsys):
    out = tmp_path / "demo"
    main(["demo", "--seconds", "1", "--out", str(out)])
    assert TinySystem.task == "segmentation"
    assert main(["evaluate", str(out), "--split", "val"]) == 0
