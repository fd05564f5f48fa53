"""Questions about a captioner, answered for one whose answers are known."""

import json

import numpy as np
import pytest

from minivision.comparison import captions
from minivision.comparison.captions import class_accuracy, held_out_combinations, shifted_boxes
from minivision.data import Instances, Scenes
from minivision.data.captions import look_at
from minivision.models import make_model
from minivision.ops import box_iou

SCENES = Scenes("easy", "val", objects=2, captions=True)


@pytest.fixture(scope="module")
def scenes():
    return SCENES.draw(8, threads=1)


class Oracle:
    """Says the plain truth about the object whose box is nearest, except that it calls each blue triangle a red one."""

    def __init__(self, scenes):
        self.samples = list(scenes)

    def describe(self, images, boxes, beams=None):
        described = []
        for image, each in zip(images, boxes, strict=True):
            sample = next(sample for sample in self.samples if np.array_equal(sample.image, image))
            facts = look_at(sample, SCENES.classes)
            nearest = box_iou(each, sample.instances.boxes).argmax(axis=1)
            captions = [f"a {facts[k].colors[0]} {facts[k].kind}".replace("a orange", "an orange") for k in nearest]
            captions = [caption.replace("blue triangle", "red triangle") for caption in captions]
            described.append(Instances(each, sample.instances.labels[nearest], captions=captions))
        return described


def test_a_box_that_is_shifted_to_another_object_is_described_as_that(scenes):
    shares = shifted_boxes(Oracle(scenes), scenes, (0.0, 0.1, 30.0))
    assert shares[0.0] == shares[0.1] and shares[0.0]["kind"] == 1 > shares[0.0]["color"]
    assert shares[30.0]["kind"] < 1  # all boxes are far away from everything


def test_held_out_combinations_are_counted_apart(scenes):
    combination = ("blue", "triangle")
    blue_triangles = [
        facts for s in scenes for facts in look_at(s, SCENES.classes) if (facts.colors[0], facts.kind) == combination
    ]
    found = held_out_combinations(Oracle(scenes), scenes, [combination])
    assert found["held out"]["objects"] == len(blue_triangles) and found["others"]["true"] == 1
    assert len(blue_triangles) >= 3 and found["held out"]["color"] == 0 and found["held out"]["kind"] == 1


def test_the_command_trains_without_combinations_and_answers(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path / "cache"))

    def asked(*words):
        monkeypatch.setattr("sys.argv", ["captions", *words, "--level", "easy", "--scenes", "4"])
        captions.main()
        return capsys.readouterr().out

    run = str(tmp_path / "run")
    answers = json.loads(asked("--without", "red disc, blue star", "--steps", "1", "--out", run, "--json"))
    assert answers["images"] == 4 and answers["without"] == {"combinations": ["red disc", "blue star"], "steps": 1}
    objects = sum(len(sample.instances) for sample in Scenes("easy", "val").draw(4, threads=1))
    assert sum(group["objects"] for group in answers["held_out"].values()) == objects > 0
    lines = asked(run).splitlines()
    assert lines[0].split() == ["shift", "true", "color", "kind"] and len(lines) == 2 + len(captions.SHIFTS)
    assert lines[-1].startswith("class of the true boxes, by the noun: ")
    with pytest.raises(SystemExit):
        asked("--beside", run)


def test_classes_of_both_systems_are_compared_on_true_boxes(scenes):
    assert class_accuracy(Oracle(scenes), scenes) == 1
    model = make_model("faster-rcnn", scenes.classes, widths=(4, 5), depths=(0, 1), hidden=8, anchor_sizes=(10,))
    model.head.scores.w.value[...] = 0
    model.head.scores.b.value[...] = [9, 0, 0, 1, 0, 0, 0]  # background, then triangles
    labels = np.concatenate([sample.instances.labels for sample in scenes])
    assert class_accuracy(model, scenes) == pytest.approx(np.mean(labels == 3))
