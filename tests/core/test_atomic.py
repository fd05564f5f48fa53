"""Atomic writing: all of a file or none of it, and errors name it."""

import errno

import pytest

from minivision.core.atomic import atomic_write


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(OSError, match="No space left.*weights.npz") as caught, atomic_write(path) as partial:
        partial.write_text("ha", encoding="utf-8")
        raise OSError(errno.ENOSPC, "No space left on device")  # as of a write, which does not know the name
    assert caught.value.errno == errno.ENOSPC
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]


def test_other_errors_are_left_as_they_are(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic_write(tmp_path / "a"):
        1 / 0  # noqa: B018
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "a") as partial:
        (tmp_path / "other" / "b").write_text("", encoding="utf-8")
    assert caught.value.filename.endswith("b") and not partial.exists()


def test_errors_name_the_file_and_not_the_temporary_one(tmp_path):
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "nowhere" / "page.html"):
        with pytest.raises(OSError) as caught, atomic_write(path) as partial:
            partial.write_text("new")
        assert caught.value.filename == str(path)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
