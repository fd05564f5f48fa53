"""The text of a dataset, as in ``--data``: parsing it, absolute paths, and opening the dataset."""

from pathlib import Path

import pytest

from minivision.data import DataSpec, Scenes, open_dataset


@pytest.mark.parametrize(
    ("text", "kind", "folder", "name"),
    [
        ("scenes", "scenes", None, "scenes"),
        ("coco:data/nuclei", "coco", Path("data/nuclei"), "nuclei"),
        ("voc:/data/bccd", "voc", Path("/data/bccd"), "bccd"),
        ("folder:a:b", "folder", Path("a:b"), "a:b"),
        ("yolo:set", "yolo", Path("set"), "set"),
        ("auto:set", "auto", Path("set"), "set"),
    ],
)
def test_a_text_is_parsed_and_written_again(text, kind, folder, name):
    spec = DataSpec.parse(text)
    assert (spec.kind, spec.folder, spec.name, str(spec)) == (kind, folder, name, text)
    assert DataSpec.parse(spec) is spec and DataSpec.is_like(text)


@pytest.mark.parametrize(
    "text", ["", "coco", "coco:", "scenes:x", "photos", "/data/coco", "x" * 5000, "a\0b", "~nobody-of-this-name/x"]
)
def test_a_wrong_text_is_an_error_that_lists_the_forms(text):
    with pytest.raises(ValueError, match="'scenes', a folder that exists, 'auto:FOLDER', .*.*'voc:FOLDER', .* got"):
        DataSpec.parse(text)


def test_a_folder_becomes_absolute_if_it_exists(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in ("coco:here", "coco:~/here"):
        assert str(DataSpec.parse(text).absolute()) == f"coco:{tmp_path.resolve() / 'here'}"
    for text in ("scenes", "coco:nowhere"):
        assert str(DataSpec.parse(text).absolute()) == text


def test_scenes_are_opened_with_their_options():
    scenes = DataSpec.parse("scenes").open("val", level="easy", seed=3, objects=2, classes=["disc"], scene_size=96)
    assert isinstance(scenes, Scenes)
    expected = {"level": "easy", "split": "val", "seed": 3, "objects": (2, 2), "size": 96}
    assert scenes.parameters() == {**expected, "classes": ("background", "disc")}
    assert open_dataset("scenes", split="val", scene_size=96).size == 96


def test_a_missing_folder_is_an_error_that_repeats_the_text():
    with pytest.raises(FileNotFoundError, match="^voc:nowhere: there is no folder nowhere$"):
        DataSpec.parse("voc:nowhere").open("train")


def test_the_path_of_what_exists_is_a_dataset_of_a_kind_that_is_found_out(tmp_path, monkeypatch):
    (tmp_path / "scenes").mkdir()
    (tmp_path / "coco").mkdir()
    (tmp_path / "set.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    for text in ("coco", "./scenes", "set.json", str(tmp_path / "coco")):
        assert DataSpec.parse(text) == DataSpec("auto", Path(text))
    assert DataSpec.parse("scenes") == DataSpec("scenes") and not DataSpec.is_like("./scenes")
    assert DataSpec.parse(Path("scenes")) == DataSpec("auto", Path("scenes"))


def test_the_kind_that_is_found_out_is_kept(tmp_path):
    folder = Path(__file__).parent / "exports" / "globox" / "coco"
    spec = DataSpec.parse(str(folder)).resolved()
    assert str(spec) == f"coco:{folder}" and spec.resolved() is spec
    assert DataSpec.parse("scenes").resolved() == DataSpec("scenes")
    assert len(open_dataset(folder, split="all")) == 5  # a path may be given as one


def test_a_command_keeps_the_kind_in_its_checkpoint(tmp_path):
    from argparse import Namespace

    from minivision.cli.options import data_of

    folder = Path(__file__).parent / "exports" / "pylabel" / "yolo"
    args = Namespace(data=str(folder), level=None, split=None, size=None, skip_broken=None)
    assert data_of(args, {"split": "train"}, None)["data"] == f"yolo:{folder}"
    args.data = str(tmp_path)
    with pytest.raises(ValueError, match="is of no format that is known"):
        data_of(args, {"split": "train"}, None)
