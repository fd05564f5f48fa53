"""Image files on the command line: patterns, odd images, results that would overwrite an image, locks."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.cli.images import expand, for_each_image, unique_names
from minivision.cli.options import UsageError
from minivision.core.folder_lock import FolderInUseError, folder_lock
from minivision.models import make_model
from minivision.training import Checkpoint


@pytest.fixture
def run(tmp_path):
    model = make_model("full-resolution", ("background", "cell"))
    parts = {"model": model.state(), "optimizer": {"count": np.array(1)}}
    about = {"system": model.name, "classes": list(model.classes), "options": model.options}
    Checkpoint(**about, **parts, step=1, total=1, settings={}, data={}).save(tmp_path / "checkpoint.npz")
    return tmp_path / "checkpoint.npz"


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.full((16, 20, 3), 90, np.uint8)).save(folder / name)
    return folder


def test_patterns_are_expanded_and_one_without_a_file_is_told(images, run, tmp_path, capsys):
    assert main(["predict", str(run), str(images / "*.png"), "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*-overlay.png")) == ["a-overlay.png", "b-overlay.png"]
    (images / "c[1].png").write_bytes((images / "a.png").read_bytes())
    assert expand([images / "c[1].png"]) == [images / "c[1].png"]  # a file of that name, no pattern
    with pytest.raises(UsageError, match="no file fits the pattern"):
        expand([images / "*.gif"])


def test_an_image_that_is_named_twice_is_done_once(images, run, tmp_path, capsys):
    words = [str(images / "a.png"), str(images / "*.png")]
    assert expand(words) == [images / "a.png", images / "b.png"]
    assert unique_names([pathlib.Path(name) for name in ("a.png", "A.png", "x/a.jpg")]) == ["a", "A-2", "a-3"]


def test_a_file_in_the_place_of_the_folder_for_results_is_told_once(images, run, tmp_path, capsys):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert main(["predict", str(run), str(images / "*.png"), "--out", str(out)]) == 2
        assert capsys.readouterr().err == f"minivision: --out: {tmp_path / 'file'} is no folder; choose another name\n"


def test_nothing_is_said_to_be_written_where_no_image_can_be_read(run, tmp_path, capsys):
    assert main(["predict", str(run), str(tmp_path / "none.png"), "--out", str(tmp_path / "out")]) == 1
    assert "Wrote" not in capsys.readouterr().out and not (tmp_path / "out").exists()


def test_an_odd_image_ends_no_run_and_a_full_disk_does(images, capsys):
    done = []

    def work(path, name, image):
        if name == "a":
            raise ZeroDivisionError("an odd image")
        done.append(name)

    paths = expand([images / "*.png", images / "missing.png"])
    assert for_each_image(paths, ["a", "b", "c"], work) == 2 and done == ["b"]
    shown = capsys.readouterr().err
    assert f"{images / 'a.png'}: an odd image" in shown and "missing.png: there is no such file" in shown

    def full(path, name, image):
        raise OSError(28, "No space left on device", "out/a-overlay.png")

    with pytest.raises(OSError, match="a-overlay.png"):
        for_each_image(paths[:1], ["a"], full)


@pytest.mark.parametrize("shape", [(2, 300), (300, 2), (1, 1)])
def test_images_of_odd_shapes_are_predicted_and_drawn(shape, run, tmp_path):
    Image.fromarray(np.full((*shape, 3), 90, np.uint8)).save(tmp_path / "thin.png")
    assert main(["predict", str(run), str(tmp_path / "thin.png"), "--out", str(tmp_path / "out")]) == 0
    assert main(["propose", str(tmp_path / "thin.png"), "--hierarchy", "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").glob("thin-*.png"))) == 4


def test_no_result_overwrites_an_image_and_none_leaves_an_empty_folder(images, run, tmp_path, capsys):
    (images / "a.png").rename(images / "b-overlay.png")
    before = (images / "b-overlay.png").read_bytes()
    words = [str(images / "b.png"), str(images / "b-overlay.png"), "--out", str(images)]
    assert main(["predict", str(run), *words]) == 2
    assert "would overwrite an image" in capsys.readouterr().err and (images / "b-overlay.png").read_bytes() == before
    assert main(["predict", str(run), str(images / "none.png"), "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_is_locked_by_one_run_and_never_for_ever(tmp_path):
    with folder_lock(tmp_path):
        with pytest.raises(FolderInUseError, match=rf"in use by another run \(process {os.getpid()}\)"):
            with folder_lock(tmp_path):
                pass
    assert not list(tmp_path.iterdir())
    code = f"import time\nfrom minivision.core.folder_lock import folder_lock\nwith folder_lock({str(tmp_path)!r}):\n"
    code += "    print('locked', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(FolderInUseError, match=f"process {other.pid}"), folder_lock(tmp_path):
            pass
        other.kill()
        other.wait()
        with folder_lock(tmp_path):  # what a killed process left does not count
            pass


def test_label_maps_have_no_files_of_objects(trained, picture, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["predict", str(trained), str(picture), "--format", "yolo", "--out", str(out)]) == 2
    assert "--format is for objects, and tiny predicts label maps" in capsys.readouterr().err and not out.exists()
