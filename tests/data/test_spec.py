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
    ],
)
def test_a_text_is_parsed_and_written_again(text, kind, folder, name):
    spec = DataSpec.parse(text)
    assert (spec.kind, spec.folder, spec.name, str(spec)) == (kind, folder, name, text)
    assert DataSpec.parse(spec) is spec and DataSpec.is_like(text)


@pytest.mark.parametrize("text", ["", "coco", "coco:", "scenes:x", "photos", "/data/coco"])
def test_a_wrong_text_is_an_error_that_lists_the_forms(text):
    with pytest.raises(ValueError, match="'scenes', 'FOLDER' or 'auto:FOLDER' .which exists., 'voc:FOLDER', .* got"):
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
