"""The student's file is found in whatever was handed in, or the reason says why not; nothing harms who looks for it."""

import io
import os
import stat
import sys
import tarfile
import time
import zipfile

import pytest

from minivision.homework import collecting
from minivision.homework.collecting import RefusedError, collect

RIGHT = b"x = 1\n"


def write(path, data=RIGHT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def zipped(path, *names, kind=zipfile.ZIP_DEFLATED, data=RIGHT):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name in names:
            entry = zipfile.ZipInfo("x")
            entry.filename, entry.compress_type = name, kind  # as it is, with backslashes
            archive.writestr(entry, data)
    return path


def tarred(path, name, data=RIGHT, **about):
    with tarfile.open(path, f"w:{path.suffix[1:] if path.suffix != '.tgz' else 'gz'}") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        for key, value in about.items():
            setattr(entry, key, value)
        archive.addfile(entry, io.BytesIO(data))
    return path


def reason(path, name="hw1.py"):
    with pytest.raises(RefusedError) as refused:
        collect(name, path)
    return str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "hw1.py",
        "HW1.PY",
        "anything.py",
        "roeann_12_345_hw1.py",  # Canvas
        "roeann_LATE_12_345_hw1-2.py",
    ],
)
def test_a_python_file_is_the_submission_whatever_it_is_called(tmp_path, name):
    assert collect("hw1.py", write(tmp_path / name)) == RIGHT


@pytest.mark.parametrize(
    "name",
    ["hw1.py", "Hw1.py", "hw1 (1).py", "hw1-1.py", "hw1_copy.py", "deep/down/hw1.py"],
)
def test_a_folder_is_searched(tmp_path, name):
    folder = tmp_path / "Ann Roe_12_assignsubmission_file_"  # Moodle
    write(folder / name)
    for other in ("notes.txt", "__MACOSX/._hw1.py", ".venv/hw1.py", "venv/lib/hw1.py", "hw2.py"):
        write(folder / other, b"other")
    assert collect("hw1.py", folder) == RIGHT


@pytest.mark.parametrize("suffix", [".zip", ".ZIP", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"])
def test_archives_are_read_also_in_a_folder(tmp_path, suffix):
    path = tmp_path / "ann" / f"upload{suffix}"
    path.parent.mkdir()
    if "zip" in suffix.lower():
        zipped(path, "__MACOSX/._hw1.py", "homework\\hw1.py", "homework\\", "homework/")
    else:
        tarred(path, "homework/hw1.py")
    assert collect("hw1.py", path) == collect("hw1.py", path.parent) == RIGHT


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "ann has no hw1.py"),
        ({"a/hw1.py": RIGHT, "b/hw1.py": RIGHT}, "ann has 2 files called hw1.py: a/hw1.py, b/hw1.py"),
        ({"hw1 (1).py": RIGHT, "hw1 (2).py": RIGHT}, "ann has 2 files called hw1.py: hw1 (1).py, hw1 (2).py"),
        ({"hw1.ipynb": b"{}"}, "but a notebook: the functions are handed in as hw1.py"),
        ({"a.zip": b"", "b.zip": b""}, "but 2 archives in it: hand in hw1.py itself"),
        ({"hw1.py": bytes(collecting.MAX_FILE_BYTES + 1)}, "larger than 1 MiB"),
        ({"a.zip": b"none"}, "a.zip is not a readable archive: File is not a zip file"),
    ],
)
def test_the_reason_says_what_to_do(tmp_path, files, message):
    (tmp_path / "ann").mkdir()
    for name, data in files.items():
        write(tmp_path / "ann" / name, data)
    assert message in reason(tmp_path / "ann")


def test_notebooks_and_other_files_are_refused_with_a_sentence(tmp_path):
    assert "is a notebook: the functions are handed in as hw1.py" in reason(write(tmp_path / "HW1.ipynb"))
    assert "no Python file, no folder and no archive" in reason(write(tmp_path / "hw1.pdf"))
    assert "No such file" in reason(tmp_path / "nobody.py")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")
def test_links_are_not_followed(tmp_path):
    """Not to a file beside the class, not within a folder or an archive, not in place of a folder."""
    secret = write(tmp_path / "secret" / "hw1.py")
    links = tmp_path / "links"
    links.mkdir()
    (links / "ann.py").symlink_to(secret)
    (links / "bob").symlink_to(secret.parent)
    (links / "cy").mkdir()
    (links / "cy" / "hw1.py").symlink_to(secret)
    (links / "dee").mkdir()
    (links / "dee" / "deeper").symlink_to(secret.parent)
    assert "is a link" in reason(links / "ann.py") and "is a link" in reason(links / "bob")
    assert "a link of this name" in reason(links / "cy") and "dee has no hw1.py" in reason(links / "dee")
    linked = tarred(tmp_path / "a.tgz", "hw1.py", b"", type=tarfile.SYMTYPE, linkname=str(secret))
    assert "a link of this name" in reason(linked)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("hw1.py")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, str(secret))
    assert "a link of this name" in reason(tmp_path / "a.zip")
    os.mkfifo(links / "eve.py")
    assert "neither a file nor a folder" in reason(links / "eve.py")


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_unpacks_to_much_is_not_unpacked(tmp_path, kind):
    path = zipped(tmp_path / "a.zip", "hw1.py", kind=kind, data=bytes(30 << 20))
    assert path.stat().st_size < 1 << 17
    assert "larger than 1 MiB" in reason(path)


def test_a_zip_that_lies_about_a_size_or_is_broken_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", "hw1.py", data=bytes(30 << 20))
    data = path.read_bytes()
    path.write_bytes(data.replace((30 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    assert "not a readable archive" in reason(path)
    broken = bytearray(zipped(path, "hw1.py", data=bytes(range(256)) * 40).read_bytes())
    broken[60:90] = b"\xff" * 30  # in the compressed stream
    path.write_bytes(broken)
    assert "not a readable archive" in reason(path)


def test_a_tar_whose_next_entry_is_far_away_is_refused_at_once(tmp_path, monkeypatch):
    header = tarfile.TarInfo("big.bin")
    header.size = 1 << 40
    (tmp_path / "a.tar").write_bytes(header.tobuf() + bytes(1024))
    start = time.monotonic()
    assert "more than 512 MiB" in reason(tmp_path / "a.tar") and time.monotonic() - start < 20


def test_too_many_files_and_too_many_levels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "MAX_ENTRIES", 50)
    for k in range(60):
        write(tmp_path / "many" / f"{k}.txt")
    write(tmp_path / "deep" / "/".join(["d"] * 45) / "hw1.py")
    for path in (tmp_path / "many", tmp_path / "deep"):
        with pytest.raises(RefusedError, match="more than 50 files, or 40 levels"):
            collecting.find("hw1.py", str(path))
    zipped(tmp_path / "many.zip", *(f"{k}.txt" for k in range(60)))
    with pytest.raises(RefusedError, match="more than 50 files"):
        collecting.find("hw1.py", str(tmp_path / "many.zip"))


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_names_of_any_bytes_are_told_as_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/M\xfcller\x1b[2J\n"
    os.mkdir(path)
    assert reason(os.fsdecode(path)) == "M?ller?[2J? has no hw1.py"
    with open(path + b"/hw1.py", "wb") as file:
        file.write(RIGHT)
    assert collect("hw1.py", os.fsdecode(path)) == RIGHT


def test_only_the_file_is_taken_from_an_archive(tmp_path):
    path = zipped(tmp_path / "inner" / "trick.zip", "../../hw1.py", "../../evil.py")
    assert collect("hw1.py", path) == RIGHT
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["inner", "trick.zip"]


def test_a_file_of_another_kind_is_found_in_the_same_way_and_may_be_larger(tmp_path):
    write(tmp_path / "ann" / "run" / "checkpoint (1).npz")
    write(tmp_path / "ann" / "notes.ipynb")
    zipped(tmp_path / "bob.zip", "hw4\\checkpoint.npz", data=bytes(3 << 20))
    write(tmp_path / "flat_12_345.NPZ", bytes(3 << 20))
    assert collect("checkpoint.npz", tmp_path / "ann") == RIGHT
    for name in ("bob.zip", "flat_12_345.NPZ"):
        assert len(collect("checkpoint.npz", tmp_path / name, max_bytes=4 << 20)) == 3 << 20
        with pytest.raises(RefusedError, match="checkpoint.npz is larger than 2 MiB"):
            collect("checkpoint.npz", tmp_path / name, max_bytes=2 << 20)
    assert "is no .npz file" in reason(write(tmp_path / "hw1.py"), "checkpoint.npz")
    (tmp_path / "ann" / "run" / "checkpoint (1).npz").unlink()
    assert reason(tmp_path / "ann", "checkpoint.npz") == "ann has no checkpoint.npz"  # a notebook would be no help
