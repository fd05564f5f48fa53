"""A checkpoint is complete or absent, its errors name the cause, and it never runs code."""

import io
import json
import os
import zipfile

import numpy as np
import pytest

from minivision.training import Checkpoint, CheckpointError


def make(step=3):
    return Checkpoint(
        system="tiny",
        classes=["background", "cell"],
        options={"width": 4, "sizes": [1, [2, 3]]},
        model={"net.w": np.arange(6.0).reshape(2, 3), "net.b": np.float32([1, 2])},
        optimizer={"count": np.array(step), "mean": np.ones(8, np.float32)},
        step=step,
        total=10,
        settings={"seed": np.int64(5), "rate": np.float64(0.1)},
        data={"data": "scenes", "size": None},
        seconds=1.5,
    )


def test_what_is_saved_is_loaded(tmp_path):
    make().save(tmp_path / "c.npz")
    loaded = Checkpoint.load(tmp_path / "c.npz")
    assert loaded.options == {"width": 4, "sizes": (1, (2, 3))}  # tuples, as options are given
    assert loaded.settings == {"seed": 5, "rate": 0.1} and loaded.data == {"data": "scenes", "size": None}
    assert (loaded.step, loaded.total, loaded.seconds, loaded.finished) == (3, 10, 1.5, False)
    for name, array in make().model.items():
        assert loaded.model[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded.model[name], array)
    assert loaded.optimizer["count"] == 3
    assert os.listdir(tmp_path) == ["c.npz"]


@pytest.mark.parametrize("moment", ["replace", "fsync"])
def test_death_before_the_rename_leaves_the_last_checkpoint(tmp_path, monkeypatch, moment):
    path = tmp_path / "c.npz"
    make(step=3).save(path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            make(step=4).save(path)
    assert Checkpoint.load(path).step == 3
    assert os.listdir(tmp_path) == ["c.npz"]


def test_leftover_of_a_killed_process_is_overwritten(tmp_path):
    (tmp_path / "c.npz.partial").write_bytes(b"half a checkpoint")
    make().save(tmp_path / "c.npz")
    assert os.listdir(tmp_path) == ["c.npz"]


def test_full_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "c.npz"
    make(step=3).save(path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        make(step=4).save(path)
    assert Checkpoint.load(path).step == 3 and os.listdir(tmp_path) == ["c.npz"]


def test_every_cut_and_many_flipped_bytes_are_noticed(tmp_path):
    make().save(tmp_path / "c.npz")
    whole = (tmp_path / "c.npz").read_bytes()
    damaged = tmp_path / "d.npz"
    for end in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        damaged.write_bytes(whole[:end])
        with pytest.raises(CheckpointError, match="d.npz"):
            Checkpoint.load(damaged)
    with zipfile.ZipFile(tmp_path / "c.npz") as archive:
        for info in archive.infolist():
            data = bytearray(whole)
            data[whole.index(archive.read(info)) + info.file_size // 2] ^= 0xFF
            damaged.write_bytes(data)
            with pytest.raises(CheckpointError, match="damaged"):
                Checkpoint.load(damaged)


@pytest.mark.parametrize("content", [b"", b"hello, this is a text", b"\x93NUMPY\x01\x00", b"PK\x03\x04 no zip"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="c.npz"):
        Checkpoint.load(tmp_path / "c.npz")


def rewrite(path, **changes):
    arrays = dict(np.load(path))
    metadata = json.loads(arrays["metadata"].tobytes())
    metadata.update(changes)
    arrays["metadata"] = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    np.savez(path, **arrays)


def test_other_archives_and_versions_are_refused(tmp_path):
    path = tmp_path / "c.npz"
    np.savez(path, weights=np.ones(3))
    with pytest.raises(CheckpointError, match="not a minivision checkpoint"):
        Checkpoint.load(path)
    make().save(path)
    rewrite(path, version=99)
    with pytest.raises(CheckpointError, match="version 99.*update minivision"):
        Checkpoint.load(path)
    make().save(path)
    rewrite(path, surprise=1)
    with pytest.raises(CheckpointError, match="unknown"):
        Checkpoint.load(path)


def test_pickles_are_not_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was run",))

    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("metadata.npy", buffer.getvalue())
    with pytest.raises(CheckpointError):
        Checkpoint.load(tmp_path / "c.npz")


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Checkpoint.load(tmp_path / "c.npz")


def test_options_that_json_cannot_hold_are_named_before_anything_is_written(tmp_path):
    checkpoint = make()
    checkpoint.options["rng"] = np.random.default_rng(0)
    with pytest.raises(TypeError, match="Generator"):
        checkpoint.save(tmp_path / "c.npz")
    assert os.listdir(tmp_path) == []


EDITED = {
    "its format version should be a number": lambda about: about.update(version="2"),
    "'classes' should be names": lambda about: about.update(classes=[{}]),
    "'data' cannot be 'scenes'": lambda about: about.update(data="scenes"),
    "'step' cannot be None": lambda about: about.update(step=None),
    "'finished' cannot be 1": lambda about: about.update(finished=1),
}


@pytest.mark.parametrize("message", EDITED)
def test_metadata_of_other_types_is_refused(tmp_path, message):
    path = tmp_path / "c.npz"
    make().save(path)
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(arrays["metadata"].tobytes())
    EDITED[message](about)
    np.savez(path, **{**arrays, "metadata": np.frombuffer(json.dumps(about).encode(), np.uint8)})
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.load(path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("model/net.w", np.array(["a"]), "holds <U1, not numbers"),
        ("model/net.w", np.array([np.nan]), "not finite"),
        ("metadata", np.frombuffer(b"[" * 100_000, np.uint8), "its metadata cannot be read"),
    ],
)
def test_arrays_that_are_no_parameters_are_refused(tmp_path, name, array, message):
    path = tmp_path / "c.npz"
    make().save(path)
    with np.load(path) as file:
        arrays = {**file, name: array}
    np.savez(path, **arrays)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.load(path)


def test_an_array_that_claims_more_than_its_file_holds_is_not_allocated(tmp_path):
    path = tmp_path / "c.npz"
    make().save(path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model/huge.npy", header.getvalue())
    with pytest.raises(CheckpointError, match="claims the shape"):
        Checkpoint.load(path)


def test_an_array_file_and_a_pipe_are_no_checkpoints(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(CheckpointError, match="not a minivision checkpoint"):
        Checkpoint.load(tmp_path / "a.npy")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(CheckpointError, match="not a file"):
            Checkpoint.load(tmp_path / "pipe")
