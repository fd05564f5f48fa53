"""Training on images that stay on disk: the same bits as from memory, clear errors, no thread that is left."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_system import Blobs, TinySystem

from minivision.data import BrokenFileError, open_dataset
from minivision.data.memory import in_memory
from minivision.training import train
from minivision.training.batches import Batches, BatchesAhead


@pytest.fixture
def folder(tmp_path):
    """Twelve images with label maps, in two sizes."""
    for part in ("images", "labels"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for i, sample in enumerate(Blobs(12, sizes=((24, 32), (30, 26)))):
        Image.fromarray(sample.image).save(tmp_path / "data" / "images" / f"{i:02}.jpg")
        Image.fromarray(sample.label_map).save(tmp_path / "data" / "labels" / f"{i:02}.png")
    (tmp_path / "data" / "classes.txt").write_text("red\nblue\n")
    return tmp_path / "data"


def reading():
    return [thread for thread in threading.enumerate() if thread.name == "read ahead"]


def test_batches_are_the_same_as_from_memory_in_any_order(folder):
    dataset = open_dataset(f"folder:{folder}", split="all")
    options = {"seed": 3, "crop": (16, 16), "flips": ("horizontal", "vertical")}
    expected = Batches(in_memory(dataset), 5, **options)
    with BatchesAhead(Batches(dataset, 5, **options)) as batches:
        for step in (0, 0, *range(1, 12), 4, 5, 2):
            for one, other in zip(batches[step], expected[step], strict=True):
                if isinstance(other, np.ndarray):
                    np.testing.assert_array_equal(one, other)
        assert len(reading()) == 1
    assert not reading()


def test_a_training_from_disk_ends_with_the_same_bits(folder):
    dataset = open_dataset(f"folder:{folder}", split="all")

    def trained(share):
        model = TinySystem(dataset.classes, rng=np.random.default_rng(0))
        result = train(model, dataset, steps=30, memory_share=share, progress=False)
        return [entry["loss"] for entry in result.log], model.state()

    (losses, state), (expected_losses, expected) = trained(0), trained(0.5)
    assert losses == expected_losses and len(losses) == 30
    for name, array in expected.items():
        np.testing.assert_array_equal(state[name], array)
    assert not reading()


def test_a_file_that_breaks_while_training_is_named_and_the_checkpoint_kept(folder, tmp_path):
    dataset = open_dataset(f"folder:{folder}", split="all")

    def break_files(step, total):
        if step == 3:
            for path in (folder / "images").iterdir():
                path.write_bytes(b"no image")

    model = TinySystem(dataset.classes, rng=np.random.default_rng(0))
    with pytest.raises(BrokenFileError, match=r"images.\d\d.jpg: it is not an image"):
        train(model, dataset, steps=500, memory_share=0, out=tmp_path / "run", progress=False, on_step=break_files)
    assert (tmp_path / "run" / "checkpoint.npz").is_file() and not reading()


def test_an_error_of_another_kind_says_which_image(folder, monkeypatch):
    dataset = open_dataset(f"folder:{folder}", split="all")
    monkeypatch.setattr(dataset, "_sample", lambda index: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught, BatchesAhead(Batches(dataset, 2, crop=(8, 8))) as batches:
        batches[0]
    assert "while reading image" in caught.value.__notes__[0] and ".jpg" in caught.value.__notes__[0]


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from tiny_system import TinySystem
import numpy as np
from minivision.data import open_dataset
from minivision.training import train
dataset = open_dataset("folder:" + sys.argv[2], split="all")
model = TinySystem(dataset.classes, rng=np.random.default_rng(0))
say = lambda step, total: print(step, flush=True)
result = train(model, dataset, steps=10**6, memory_share=0, out=sys.argv[3], progress=False, on_step=say)
print(result.interrupted, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_a_training_from_disk_at_once_and_saves(folder, tmp_path):
    words = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(folder), str(tmp_path / "run")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if int(line) == 3:
                break
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert time.monotonic() - start < 20
        assert process.returncode == 0 and output.splitlines()[-1] == "True"
    finally:
        process.kill()
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] >= 3
