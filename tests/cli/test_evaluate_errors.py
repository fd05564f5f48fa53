"""``minivision evaluate --errors``: the table, the JSON and the page."""

import json
import re

import numpy as np
import pytest

from minivision.cli import main
from minivision.cli.errors_page import page
from minivision.data import Dataset, Instances, Sample
from minivision.metrics.errors import KINDS
from minivision.models.base.detection_trace import DetectionTrace
from minivision.tasks.errors import ErrorCollector, error_lines
from minivision.tasks.misses import CAUSES

EVIL = '<b onclick="x">&$name'
A, B, FAR = (2, 2, 22, 22), (30, 30, 50, 50), (40, 2, 60, 12)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of one step of a detector and of a segmenter."""
    root = tmp_path_factory.mktemp("errors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
        patch.setenv("MINIVISION_CACHE", str(root / "cache"))
        for system in ("ssd", "encoder-decoder"):
            words = ["--level", "easy", "--steps", "1", "--batch-size", "2"]
            assert main(["train", system, "--out", str(root / system), *words]) == 0
    return root


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})


def test_causes_sum_to_the_missed_objects_and_the_metrics_are_the_same(runs, capsys):
    assert main(["evaluate", str(runs / "ssd"), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert "errors" not in plain
    assert main(["evaluate", str(runs / "ssd"), "--json", "--errors"]) == 0
    content = json.loads(capsys.readouterr().out)
    errors = content.pop("errors")
    assert content == plain
    assert errors["AP"] == plain["AP50"]
    assert (
        errors["missed"]
        == sum(errors["causes"].values())
        == sum(each["unfound"] for each in errors["classes"].values())
    )
    assert errors["missed"] > 0 and set(errors["causes"]) <= set(CAUSES)
    assert list(errors["kinds"]) == list(KINDS)
    assert sum(map(sum, errors["confusion"]["counts"])) >= sum(each["objects"] for each in errors["classes"].values())


def test_table_and_page(runs, tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert main(["evaluate", str(runs / "ssd"), "--errors", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    for words in (
        "errors of boxes at IoU 0.5",
        "objects are not found",
        "D-ECE",
        f"Wrote {out / 'errors.html'}",
        *KINDS,
    ):
        assert words in text
    content = (out / "errors.html").read_text(encoding="utf-8")
    assert content.count('class="card"') == 5  # objects are missed in each image
    assert re.findall(r'(?:src|href)="(?!data:image/jpeg;base64,|#)[^"]*"', content) == []  # needs no other file
    assert [each.name for each in out.iterdir()] == ["errors.html"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ssd", "--out", "x"], "give --errors too"),
        (["encoder-decoder", "--errors"], "--errors is for detectors, and encoder-decoder is none"),
    ],
)
def test_what_does_not_go_together(runs, words, message, capsys):
    assert main(["evaluate", str(runs / words[0]), *words[1:]]) == 2
    assert message in capsys.readouterr().err


# ---- a report of planted errors ------------------------------------------------------------------------------------


class Planted(Dataset):
    """Two images: one with two objects, one of which is missed for a known reason; one without objects."""

    classes = ("background", EVIL, "dog")
    has_label_maps = False

    def __len__(self):
        return 2

    def _sample(self, index):
        image = np.full((64, 64, 3), index, np.uint8)
        if index:
            return Sample(image, Instances.empty(), None)
        return Sample(image, Instances([A, B], [1, 2], masks=squares(A, B)), None)


class Stub:
    """A detector with one box on A, one on nothing, and one on B that it takes for background."""

    name, detected_classes, picture_score = "stub", Planted.classes, 0.5
    mask = A

    def predict(self, index):
        if index:
            return Instances.empty(scores=True, mask_size=(64, 64))
        return Instances([A, FAR], [1, 1], scores=[0.9, 0.7], masks=squares(self.mask, FAR))

    def as_detected(self, objects):
        return objects

    def trace(self, images):
        boxes, scores = np.array([A, FAR, B], float), np.array([(0.9, 0), (0.7, 0), (0.01, 0.02)])
        selection = {"score_threshold": 0.05, "iou_threshold": 0.5, "max_detections": 100}
        background = 1 - scores.sum(axis=1)
        return [DetectionTrace(boxes, scores, background, (), boxes, (64, 64), selection) for _ in images]


def squares(*boxes):
    masks = np.zeros((len(boxes), 64, 64), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = True
    return masks


def report_of(stub, dataset):
    collector = ErrorCollector(stub, dataset)
    for index in range(len(dataset)):
        collector.add(dataset[index], stub.predict(index))
    return collector.report()


def test_report():
    dataset = Planted()
    dataset.has_masks = True
    report = report_of(Stub(), dataset)
    assert report.causes == {"box": {"taken for background": 1}, "mask": {"taken for background": 1}}
    assert report.errors["box"].counts["background"] == 1
    content = report.as_dict()
    assert (content["missed"], content["masks"]["missed"]) == (1, 1)
    assert content["confusion"] == {"score": 0.5, "counts": [[0, 1, 0], [0, 1, 0], [1, 0, 0]]}
    lines = "\n".join(error_lines(report))
    assert "1 of 2 objects are not found" in lines and "errors of masks" in lines


def test_a_right_box_with_a_wrong_mask_is_coarse():
    dataset, stub = Planted(), Stub()
    dataset.has_masks, stub.mask = True, (2, 2, 8, 8)
    report = report_of(stub, dataset)
    assert report.causes["box"] == {"taken for background": 1}
    assert report.causes["mask"] == {"taken for background": 1, "coarse mask": 1}
    assert report.errors["mask"].unfound == 2


def test_the_page_shows_what_is_wrong_and_escapes_all_text():
    dataset = Planted()
    content = page(report_of(Stub(), dataset), dataset, f"{EVIL}, on 2 images", "1.0")
    assert EVIL not in content and content.count("&lt;b onclick=&quot;x&quot;&gt;&amp;$name") >= 4
    (card,) = re.findall(r'<div class="card".*?</ul></div>', content, re.DOTALL)  # nothing is wrong in the other image
    assert 'data-errors="2:taken-for-background 1:background"' in card
    assert "dog not found: taken for background" in card and "0.70: background" in card
    assert card.count("stroke-dasharray") == 2  # the missed object, with its rim
    assert '<option value="taken-for-background">' in content and '<option value="2">dog' in content


def test_many_images_are_counted_on_the_page(monkeypatch):
    monkeypatch.setattr("minivision.cli.errors_page.MAX_CARDS", 0)
    dataset = Planted()
    assert "and 1 more image with errors" in page(report_of(Stub(), dataset), dataset, "stub", "1.0")
