"""``minivision evaluate RUN RUN ... --errors``: one table and one picture of several detectors on the same images."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.data import Dataset, Instances, Sample
from minivision.metrics.errors import KINDS
from minivision.models.base.detection_trace import DetectionTrace
from minivision.tasks.error_comparison import compare_errors
from minivision.tasks.error_table import comparison_csv, comparison_lines, comparison_markdown
from minivision.tasks.misses import CAUSE_GROUPS, CAUSES, possible_causes

A, B, FAR = (2, 2, 22, 22), (30, 30, 50, 50), (40, 2, 60, 12)


def test_groups_have_each_cause_once():
    assert sorted(cause for causes in CAUSE_GROUPS.values() for cause in causes) == sorted(CAUSES)


# ---- planted errors ------------------------------------------------------------------------------------------------


class Planted(Dataset):
    """Two images of 64 x 64 pixels: the first with the objects A and B, the second with A."""

    classes = ("background", "cat", "dog")
    has_label_maps = has_masks = False

    def __len__(self):
        return 2

    def image_sizes(self):
        return [(64, 64)] * 2

    def _sample(self, index):
        objects = Instances([A, B], [1, 2]) if index == 0 else Instances([A], [1])
        return Sample(np.full((64, 64, 3), index, np.uint8), objects, None)


class Stub:
    """A detector that finds what it is told to, and says of each image how it came to that.

    ``found`` has (box, label) of each image, ``candidates`` its boxes with their scores for both classes.
    """

    task, picture_score, keypoint_names, classes = "detection", 0.5, (), Planted.classes
    detected_classes, as_detected = Planted.classes, staticmethod(lambda objects: objects)

    def __init__(self, name, found, candidates, *, proposals=None, iou_threshold=0.5):
        self.name, self.found, self.candidates = name, found, candidates
        self.proposals, self.iou_threshold = proposals, iou_threshold

    def predict(self, images):
        found = [self.found[int(image[0, 0, 0])] for image in images]
        return [
            Instances([box for box, _ in each], [label for _, label in each], scores=[0.9] * len(each))
            if each
            else Instances.empty(scores=True)
            for each in found
        ]

    def trace(self, images):
        traces = []
        for image in images:
            index = int(image[0, 0, 0])
            boxes, scores = (np.array(each, float) for each in zip(*self.candidates[index], strict=True))
            stages = () if self.proposals is None else (("no proposal", np.array(self.proposals[index], float)),)
            selection = {"score_threshold": 0.05, "iou_threshold": self.iou_threshold, "max_detections": 100}
            traces.append(
                DetectionTrace(boxes, scores, 1 - scores.sum(axis=1), stages, boxes, (64, 64), selection)
            )  # fmt: skip
        return traces


class WithFar(Planted):
    """The first image has a third object, which nobody finds."""

    def _sample(self, index):
        sample = super()._sample(index)
        return sample if index else sample._replace(instances=Instances([A, B, FAR], [1, 2, 1]))


def planted():
    """Return a comparison of two systems.

    The first finds A in the first image only: it takes B for background, and has no proposal on A in the second. The
    second finds just these two, and suppresses A of the first image by a box that is too large. Neither finds FAR.
    """
    large = (2, 2, 30, 40)
    one = Stub(
        "one",
        [[(A, 1)], []],
        [[(A, (0.9, 0)), (B, (0.01, 0.02))], [(FAR, (0.01, 0))]],
        proposals=[[A, B], [FAR]],
    )
    two = Stub(
        "two",
        [[(B, 2), (large, 1)], [(A, 1)]],
        [[(large, (0.9, 0)), (A, (0.8, 0)), (B, (0, 0.9)), (FAR, (0.01, 0))], [(A, (0.9, 0))]],
        iou_threshold=0.3,
    )
    return compare_errors({"one": one, "two": two}, WithFar())


def test_mended_and_broken_by_cause():
    (change,) = planted().changes()
    assert (change.before, change.after) == ("one", "two")
    assert change.mended == {"no proposal": 1, "taken for background": 1}
    assert change.broken == {"suppressed": 1}


def test_causes_of_each_system_sum_to_its_missed_objects():
    comparison = planted()
    missed = {name: system.report.errors["box"].unfound for name, system in comparison.systems.items()}
    assert missed == {"one": 3, "two": 2}
    for row in csv.DictReader(io.StringIO(comparison_csv(comparison))):
        lost = [int(number) for name, number in row.items() if name.startswith("lost: ") and number]
        assert sum(lost) == int(row["not found"]) == missed[row["system"]]
        assert int(row["objects"]) == 4
    groups = [line.split() for line in comparison_lines(comparison)]
    sums = {
        " ".join(words[:-2]): list(map(int, words[-2:])) for words in groups if " ".join(words[:-2]) in CAUSE_GROUPS
    }
    assert np.sum([sums[group] for group in CAUSE_GROUPS], axis=0).tolist() == [3, 2]


def test_a_step_that_a_system_does_not_have_is_no_zero():
    comparison = planted()
    rows = {row["system"]: row for row in csv.DictReader(io.StringIO(comparison_csv(comparison)))}
    assert (rows["one"]["lost: no proposal"], rows["two"]["lost: no proposal"]) == ("2", "")
    assert (rows["one"]["lost: moved away"], rows["one"]["lost: cell taken"]) == ("0", "")
    (line,) = [line for line in comparison_lines(comparison) if line.strip().startswith("no proposal")]
    assert line.split()[-2:] == ["2", "-"]


def test_causes_that_are_counted_are_possible():
    for system in planted().systems.values():
        assert set(system.report.causes["box"]) <= system.possible["box"]


def test_a_grid_can_have_taken_cells_and_masks_can_be_coarse():
    (trace,) = Stub("x", [[]], [[(A, (0.9, 0))]]).trace([np.zeros((64, 64, 3))])
    assert "cell taken" not in possible_causes(trace) and "coarse mask" not in possible_causes(trace)
    assert "cell taken" in possible_causes(trace._replace(grid=(8, 8, 2)))
    assert "coarse mask" in possible_causes(trace, "mask")


def test_nothing_missed_and_nothing_right(tmp_path):
    """A system that finds all has zeros; one that finds nothing has a warning, since its costs say little."""
    perfect = Stub("perfect", [[(A, 1), (B, 2)], [(A, 1)]], [[(A, (0.9, 0)), (B, (0, 0.9))], [(A, (0.9, 0))]])
    blind = Stub("blind", [[], []], [[(A, (0, 0)), (B, (0, 0))], [(A, (0, 0))]])
    comparison = compare_errors({"blind": blind, "perfect": perfect}, Planted())
    lines = "\n".join(comparison_lines(comparison))
    assert "AP50 is below 0.05 for blind:" in lines and "for blind, perfect" not in lines
    (row,) = [row for row in csv.DictReader(io.StringIO(comparison_csv(comparison))) if row["system"] == "perfect"]
    assert float(row["least score"]) == 0.05  # of the traces
    assert (row["not found"], row["mended"], row["broken"], float(row["AP50"])) == ("0", "3", "0", 1.0)
    comparison.draw().savefig(tmp_path / "errors.png")
    alone = compare_errors({"perfect": perfect}, Planted())
    assert alone.changes() == [] and "before" not in "\n".join(comparison_lines(alone))
    alone.draw().savefig(tmp_path / "errors.png")


class WithMasks(Planted):
    has_masks = True

    def _sample(self, index):
        sample = super()._sample(index)
        masks = np.ones((len(sample.instances), 64, 64), bool)
        return sample._replace(instances=sample.instances.replace(masks=masks))


def test_a_detector_without_masks_and_detections_has_no_errors_of_masks():
    blind = Stub("blind", [[], []], [[(A, (0, 0)), (B, (0, 0))], [(A, (0, 0))]])
    assert compare_errors({"blind": blind}, WithMasks()).columns() == [("blind", "box")]


def test_names_are_plain_text_in_markdown():
    comparison = planted()
    named = comparison._replace(systems={"a|b*[x](y)": comparison.systems["one"]})
    text = comparison_markdown(named, "<b>")
    assert r"a\|b\*\[x\](y)" in text and r"\<b\>" in text


def test_what_does_not_fit_is_named_before_anything_is_evaluated():
    other = Stub("other", [], [])
    other.classes = ("background", "bird")
    with pytest.raises(ValueError, match="^that: the model knows the classes"):
        compare_errors({"this": Stub("x", [], []), "that": other}, Planted())
    with pytest.raises(ValueError, match="that: compared are detectors that tell classes apart, and pose is none"):
        compare_errors({"that": SimpleNamespace(task="pose", name="pose")}, Planted())


# ---- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with runs of one step of two detectors and a segmenter."""
    root = tmp_path_factory.mktemp("lineage")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
        for system in ("ssd", "yolo", "encoder-decoder"):
            words = ["--level", "easy", "--steps", "1", "--batch-size", "2"]
            assert main(["train", system, "--out", str(root / system), *words]) == 0
    return root


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})


def test_runs_that_are_named_and_a_folder_of_runs(runs, tmp_path, capsys):
    names = [str(runs / "yolo"), str(runs / "ssd")]
    assert main(["evaluate", *names, "--errors", "--json"]) == 0
    named = json.loads(capsys.readouterr().out)
    out = tmp_path / "new" / "folder"
    assert main(["evaluate", str(runs), "--errors", "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == named
    assert "left out: encoder-decoder, no detectors of classes" in printed.err
    assert sorted(each.name for each in out.iterdir()) == ["errors.csv", "errors.md", "errors.png"]
    assert Image.open(out / "errors.png").width > 1000
    assert (named["images"], named["level"], list(named["systems"])) == (5, "easy", ["yolo", "ssd"])
    for system in named["systems"].values():
        assert system["errors"]["missed"] == sum(system["errors"]["causes"].values()) > 0
        assert list(system["errors"]["kinds"]) == list(KINDS)
    assert main(["evaluate", str(runs / "yolo"), "--errors", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone["errors"] == named["systems"]["yolo"]["errors"] and alone["AP50"] == named["systems"]["yolo"]["AP50"]


def test_the_table_is_printed(runs, capsys):
    assert main(["evaluate", str(runs), "--errors"]) == 0
    text = capsys.readouterr().out
    assert "5 images (scenes, easy, val): yolo after step 1 of 1, ssd after step 1 of 1" in text
    for words in ("objects not found", "no candidate box", "found, missed before", *KINDS):
        assert words in text


def test_the_same_system_twice_has_the_names_of_its_folders(runs, capsys):
    copy = runs.parent / "copy.npz"
    copy.write_bytes((runs / "yolo" / "checkpoint.npz").read_bytes())
    assert main(["evaluate", str(runs / "yolo"), str(copy), "--errors", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert list(content["systems"]) == [str(runs / "yolo"), str(copy)]
    assert content["changes"][0]["mended"] == content["changes"][0]["broken"] == {}


def test_different_images_are_refused(runs, tmp_path, capsys):
    words = ["--level", "hard", "--steps", "1", "--batch-size", "2"]
    assert main(["train", "yolo", "--out", str(tmp_path / "hard"), *words]) == 0
    capsys.readouterr()
    pair = [str(runs / "ssd"), str(tmp_path / "hard")]
    assert main(["evaluate", *pair, "--errors"]) == 2
    message = capsys.readouterr().err
    assert f"{pair[0]} would be evaluated on scenes, easy, val and {pair[1]} on scenes, hard, val; give" in message
    assert main(["evaluate", *pair, "--errors", "--level", "mid", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["level"] == "mid"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["yolo", "ssd"], "several runs are compared by their errors: give --errors"),
        (["."], "give --errors, or name one run"),
        (["yolo", "encoder-decoder", "--errors"], "encoder-decoder is a run of encoder-decoder, which is none"),
        (["yolo", "yolo", "--errors"], "is given twice"),
        (["yolo", "none", "--errors"], "none holds no run"),
    ],
)
def test_what_does_not_go_together(runs, words, message, capsys):
    words = [word if word.startswith("-") else str(runs / word) for word in words]
    assert main(["evaluate", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_detectors(runs, tmp_path, capsys):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "checkpoint.npz").write_bytes((runs / "encoder-decoder" / "checkpoint.npz").read_bytes())
    assert main(["evaluate", str(tmp_path), "--errors"]) == 2
    assert "none of the runs in" in capsys.readouterr().err
