"""Several seeds: means and spreads; and which row is better, by what is kept of every row."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from minivision.comparison import Comparison, ComparisonSettings, Row, comparisons, get_comparison
from minivision.comparison.differences import Evidence, difference, neighbors, steps_up, within_groups
from minivision.comparison.folder import Folder
from minivision.comparison.spread import mean_and_spread
from minivision.comparison.table import Column, csv_table, decimal, markdown_table, whole
from minivision.metrics.resampling import SegmentationOutcomes
from minivision.models import make_model

ROWS = (Row("way", "one", "a", "tiny"), Row("way", "two", "b", "tiny"), Row("other", "three", "c", "tiny"))
COLUMNS = (Column("miou", "mIoU", decimal, "how good.", varies=True), Column("steps", "steps", whole, "how many."))
SETTINGS = ComparisonSettings("mid", None, 3, 100, 20, steps=7, seeds=2)


class NoFigure:
    def savefig(self, partial, format):
        partial.write_bytes(b"")


COMPARISON = Comparison(
    "test", ROWS, COLUMNS, None, None, lambda table: [], lambda table, settings: NoFigure(), metrics=("miou",)
)


def test_mean_and_standard_deviation_of_a_sample():
    found = mean_and_spread([{"AP": 0.5, "n": 4, "kind": "x"}, {"AP": 0.7, "n": 5, "kind": "x"}, {"AP": 0.9, "n": 6}])
    assert found == {"AP": pytest.approx(0.7), "AP_sd": pytest.approx(np.std([0.5, 0.7, 0.9], ddof=1)), "n": 5,
                     "n_sd": 1, "kind": "x", "seeds": 3}  # fmt: skip
    assert mean_and_spread([{"AP": 0.5}]) == {"AP": 0.5} and mean_and_spread([]) == {}


def test_the_table_shows_the_spread_of_what_varies_and_csv_all_of_them():
    table = {
        "way, one": mean_and_spread([{"miou": 0.25, "steps": 1000}, {"miou": 0.35, "steps": 2000}]),
        "way, two": {"miou": 0.5, "steps": 7},
        "other, three": {},
    }
    text = markdown_table(COMPARISON, table, SETTINGS)
    assert "| way | one | 0.300 ± 0.071 | 1,500 |" in text and "|  | two | 0.500 | 7 |" in text
    assert "7 steps of training each, seeds 3 to 4" in text and "divided by n - 1" in text
    assert "Equal minutes" not in text
    assert "Equal minutes" in markdown_table(COMPARISON, table, ComparisonSettings("mid", 2, 0, 100, 20))
    head, one, two, three = csv.reader(csv_table(ROWS, COLUMNS, table).splitlines())
    assert head == ["group", "row", "miou", "miou_sd", "steps", "steps_sd", "seeds"]
    assert float(one[3]) == pytest.approx(0.0707, abs=1e-4) and one[-1] == "2" and two[3:] == ["", "7", "", ""]
    assert three[2:] == [""] * 5


def confusions(rng, right):
    """Confusion matrices of 20 images, with so many right pixels of 100 in each class."""
    good = rng.integers(right - 15, right + 15, (20, 2))
    confusion = np.zeros((20, 2, 2), np.int64)
    for c in range(2):
        confusion[:, c, c], confusion[:, c, 1 - c] = good[:, c], 100 - good[:, c]
    return SegmentationOutcomes(confusion)


@pytest.fixture
def folder(tmp_path, rng):
    """A comparison in which the first row is much better than the second, and the third has no outcomes."""
    folder = Folder(tmp_path / "out", COMPARISON, SETTINGS)
    for seed in (3, 4):
        for row, right in ((ROWS[0], 80), (ROWS[1], 50), (ROWS[2], None)):
            outcomes = None if right is None else confusions(rng, right)
            whole_set = (
                {"miou": float(outcomes.metrics(np.ones((1, 20), int))["miou"][0])} if outcomes else {"miou": 0.1}
            )
            folder.add(seed, row, {**whole_set, "steps": 7}, outcomes)
    return folder


def test_a_folder_says_which_row_is_better_and_how_sure_that_is(folder):
    folder.write()
    lines = list(csv.DictReader((folder.path / "differences.csv").read_text().splitlines()))
    (line,) = lines  # of the row without outcomes nothing is known
    assert (line["metric"], line["row"], line["other"]) == ("miou", "way, one", "way, two")
    table = folder.table()
    expected = table["way, one"]["miou"] - table["way, two"]["miou"]
    assert float(line["difference"]) == pytest.approx(expected) and float(line["better_share"]) == 1.0
    assert 0.2 < float(line["low"]) < expected < float(line["high"]) < 0.6
    text = (folder.path / "comparison.md").read_text()
    assert f"| mIoU | way, one | way, two | +{expected:.3f} |" in text and "the 2 seeds" in text


def test_a_folder_is_read_again_with_its_outcomes_and_more_seeds_only_add(folder):
    before = folder.evidence()["miou"]["way, one"]
    again = Folder(folder.path, COMPARISON, dataclasses.replace(SETTINGS, seeds=3))
    assert [(seed, row.title) for seed, row in again.missing(again.settings.all_seeds(), ROWS)] == [
        (5, row.title) for row in ROWS
    ]
    np.testing.assert_array_equal(again.evidence()["miou"]["way, one"].resampled[4], before.resampled[4])
    fewer = Folder(folder.path, COMPARISON, dataclasses.replace(SETTINGS, seeds=1))
    assert fewer.settings.seeds == 2 and fewer.table()["way, one"]["seeds"] == 2  # what is there is kept and shown


def test_a_folder_from_before_there_were_seeds_continues(tmp_path):
    path = tmp_path / "old"
    path.mkdir()
    settings = {"level": "mid", "minutes": 1.0, "seed": 0, "train": 100, "val": 20}
    state = {"comparison": "test", "settings": settings, "figures": {"way, one": {"miou": 0.4, "steps": 9}}}
    (path / "comparison.json").write_text(json.dumps(state))
    old = Folder(path, COMPARISON, ComparisonSettings(**settings))
    assert [row.title for _, row in old.missing(old.settings.all_seeds(), ROWS)] == ["way, two", "other, three"]
    old.add(0, ROWS[1], {"miou": 0.3, "steps": 9})
    old.write()
    assert json.loads((path / "comparison.json").read_text())["settings"] == settings
    assert not (path / "differences.csv").exists() and old.run_path("a", 0) == path / "a"
    assert old.run_path("a", 1) == path / "a-seed1"
    with pytest.raises(ValueError, match="was started with 1 min of training each, seed 0"):
        Folder(path, COMPARISON, ComparisonSettings("mid", None, 0, 100, 20, steps=50))


def test_rows_are_compared_by_the_seeds_that_both_have():
    first = Evidence({0: 0.6, 1: 0.8}, {0: np.full(10, 0.6), 1: np.full(10, 0.8)})
    second = Evidence({1: 0.5, 2: 0.9}, {1: np.full(10, 0.5), 2: np.full(10, 0.9)})
    assert difference(first, second) == pytest.approx((0.3, 0.3, 0.3, 1.0))
    assert difference(first, Evidence({7: 0.1}, {7: np.zeros(10)})) is None


def test_pairs_are_neighbors_in_the_ranking_changes_or_members_of_a_group():
    one, two, three = ROWS
    table = {"way, one": {"miou": 0.2}, "way, two": {"miou": 0.5}, "other, three": {}}
    assert neighbors(ROWS, table, "miou") == [(two, one)]
    assert steps_up(ROWS, table, "miou") == [(two, one), (three, two)]
    assert within_groups(ROWS, table, "miou") == [(one, two)]


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"minutes": 1, "steps": 5}, "give minutes or steps, one of them"),
        ({"minutes": None}, "give minutes or steps, one of them"),
        ({"minutes": None, "steps": 0}, "steps: expected at least 1, got 0"),
        ({"minutes": 1, "seeds": 0}, "seeds: expected at least 1, got 0"),
    ],
)
def test_impossible_lengths_are_refused(more, part):
    with pytest.raises(ValueError, match=part):
        ComparisonSettings(**{"level": "mid", "seed": 0, "train": 10, "val": 10, **more})


def test_the_path_to_yolov2_changes_one_thing_at_a_time_and_ends_at_yolov2():
    assert "yolov2" in comparisons()
    rows = get_comparison("yolov2").rows
    assert [row.system for row in rows] == ["yolo"] + 6 * ["yolov2"]
    for before, after in zip(rows[1:], rows[2:], strict=False):
        assert sum(before.options[name] != after.options[name] for name in after.options) == 1
    models = [make_model(row.system, ("background", "disc"), **row.options) for row in rows]
    default = make_model("yolov2", ("background", "disc"))
    assert models[-1].options == default.options
    assert models[1].anchors.shape == default.anchors.shape
