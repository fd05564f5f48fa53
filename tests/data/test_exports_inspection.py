"""Exports of other tools are looked through and converted, whatever their format."""

import pathlib
import shutil

import numpy as np
import pytest
from test_coco_writer import assert_same

from minivision.data import open_dataset
from minivision.data.coco_writer import write_coco
from minivision.data.inspection import inspect_dataset, list_splits
from minivision.data.recognition import UnknownFormatError, recognize

EXPORTS = pathlib.Path(__file__).parent / "exports"


def is_dataset(path):
    try:
        return path.name not in ("expected", "annotations") and bool(recognize(path))
    except UnknownFormatError:
        return False


def datasets():
    """Return the folders of all exports: those in the folder of a tool, else that itself, else a file in it."""
    found = []
    for tool in sorted(path for path in EXPORTS.iterdir() if path.is_dir() and path.name[0] not in "._"):
        inside = sorted(path for path in tool.iterdir() if path.is_dir() and is_dataset(path))
        file = tool / "export.json"  # of Label Studio, which has two
        found += inside or ([file] if file.is_file() else [tool] if is_dataset(tool) else [])
    return found


FOLDERS = datasets()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_export_is_looked_through_and_comes_back_from_coco(folder, tmp_path):
    inspection = inspect_dataset(f"auto:{folder}")
    assert inspection.counts["error"] == 0 and list(inspection.splits) == list_splits(f"auto:{folder}")
    splits = {name: open_dataset(f"auto:{folder}", split=name) for name in inspection.splits}
    assert {name: each.images for name, each in inspection.splits.items()} == {
        name: len(dataset) for name, dataset in splits.items()
    }
    written = write_coco(splits, tmp_path / "new")
    for name, dataset in splits.items():
        again = open_dataset(f"coco:{tmp_path / 'new'}", split=name)
        fields = {} if dataset.has_boxes else {"fields": ()}
        assert_same(dataset, again, **fields, label_maps=not written[name].changed_label_maps)


def test_there_are_exports_of_many_tools():
    assert len(FOLDERS) > 20 and len({path.relative_to(EXPORTS).parts[0] for path in FOLDERS}) > 8


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("lost-box", "0 1.5 0.5 0.2 0.5"), ("empty-box", "0 0.5 0.5 0 0.5"), ("cut-box", "0 0.9 0.5 0.5 0.5"),
        ("wrong-annotation", "0 0.5"), ("wrong-annotation", "0 nan 0.5 0.5 0.5"),
    ],
)  # fmt: skip
def test_what_a_reader_of_records_leaves_out_is_told(tmp_path, kind, line):
    root = shutil.copytree(EXPORTS / "ultralytics" / "boxes", tmp_path / "set")
    usual = {each.kind for each in inspect_dataset(f"yolo:{root}").problems}
    with open(root / "labels" / "train" / "street.txt", "a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    new = [each for each in inspect_dataset(f"yolo:{root}").problems if each.kind not in usual]
    assert [(each.kind, each.split) for each in new] == [(kind, "train")]
    if kind.endswith("box"):
        assert new[0].file.endswith("street.png") and np.isfinite(new[0].boxes).all()
