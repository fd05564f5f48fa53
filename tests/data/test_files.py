"""Files of datasets: splits by the names of images, files that annotations name, and folders that are walked."""

import hashlib
import unicodedata

import pytest

from minivision.data.files import find_file, one_split, split_name, walk


def test_splits_are_those_of_the_hash_for_ever():
    names = ["street.jpg", *(f"{number:04}.png" for number in range(1000))]
    validation = one_split(names, "val", "somewhere", str)
    # Written out once more: the first six bytes of SHA-256 of the name without suffix, below a fifth of all numbers.
    shares = [int(hashlib.sha256(name.split(".")[0].encode()).hexdigest()[:12], 16) / 16**12 for name in names]
    assert validation == [name for name, share in zip(names, shares, strict=True) if share <= 0.2]
    assert one_split(names, "train", "somewhere", str) == [name for name in names if name not in validation]
    assert len(validation) == 206
    assert round(shares[0], 3) == 0.375  # printf street | sha256sum begins with 6008c26f4452


def test_an_image_stays_in_its_split_when_others_are_added_and_in_any_folder_and_format():
    some, more = ([f"{number}.png" for number in range(count)] for count in (50, 500))
    validation = one_split(some, "val", "somewhere", str)
    assert set(validation) <= set(one_split(more, "val", "somewhere", str))
    for folder, suffix in (("a/b/", ".jpg"), ("a\\b\\", ".png"), ("/", "")):
        moved = {folder + name[:-4] + suffix: name for name in some}
        assert [moved[name] for name in one_split(list(moved), "val", "somewhere", str)] == validation


def test_a_name_is_the_same_in_both_ways_of_writing_an_accent():
    names = [f"caf\u00e9 {number}.png" for number in range(50)]
    others = [unicodedata.normalize("NFD", name) for name in names]
    assert names != others
    expected = [names.index(name) for name in one_split(names, "val", "", str)]
    assert [others.index(name) for name in one_split(others, "val", "", str)] == expected
    assert one_split(["half a pair \udc80", "\ud800"], "all", "", str)  # the name of a file that is no text


def test_two_images_have_a_split_of_both_kinds():
    for pair in (["a", "b"], ["street", "park"], ["1", "2"]):
        assert [len(one_split(pair, split, "", str)) for split in ("train", "val", "valid", "all")] == [1, 1, 1, 2]
    with pytest.raises(FileNotFoundError, match="of 1 images in all none is left for 'train'; add images"):
        one_split(["a"], "train", "here", str)
    with pytest.raises(FileNotFoundError, match="here has no folders for splits, .*of 1 images in all.; got 'test'"):
        one_split(["a"], "test", "here", str)
    with pytest.raises(FileNotFoundError, match="here has no images of this format"):
        one_split([], "train", "here", str)


def test_names_of_splits():
    assert [split_name(name) for name in ("valid", "validation", "Train", "test", "val2017")] == [
        "val", "val", "train", "test", "val2017",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["../secret", "..\\secret", "/etc/secret", "C:\\secret", "a/../../secret", "//host/secret"]
)
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "secret").write_text("outside")
    assert not find_file(name, [folder]).is_file()
    (folder / "secret").write_text("inside")
    assert find_file(name, [folder]).read_text() == "inside"


def test_files_are_walked_by_name_without_hidden_ones(tmp_path):
    for name in ("b/x.PNG", "a.png", "b/.hidden.png", ".git/y.png", "c/d/e/f/g/deep.png", "b/note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in walk(tmp_path, [".png"])] == ["a.png", "b/x.PNG"]
    assert [path.name for path in walk(tmp_path, [".png"], depth=5)][-1] == "deep.png"
    assert list(walk(tmp_path / "nowhere", [".png"])) == []


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_with_accents_are_found_in_either_way_of_writing_them(tmp_path, forms):
    there, given = (unicodedata.normalize(form, "caf\u00e9/\u00fc.png") for form in forms)
    assert there != given
    (tmp_path / there).parent.mkdir()
    (tmp_path / there).touch()
    assert find_file(given, [tmp_path]).is_file()
