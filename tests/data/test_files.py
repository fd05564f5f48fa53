"""Files of datasets: splits by the names of images, files that annotations name, and folders that are walked."""

import hashlib

import pytest

from minivision.data.files import find_file, one_split, split_name, walk


def split_of(name, names):
    return next(split for split in ("train", "val") if name in one_split(names, split, "somewhere", str))


def test_splits_are_those_of_the_hash_for_ever():
    names = [f"{number:04}.png" for number in range(1000)]
    for name in names:
        # Written out once more: the first six bytes of SHA-256, of the name without suffix, below a fifth.
        number = int(hashlib.sha256(name[:4].encode()).hexdigest()[:12], 16)
        assert split_of(name, names) == ("val" if number <= 0.2 * 16**12 else "train")
    assert len(one_split(names, "val", "somewhere", str)) == 203
    # printf street | sha256sum begins with 6008: 0.375 of all numbers
    assert split_of("street.jpg", ["street.jpg", *names]) == "train"


def test_an_image_stays_in_its_split_when_others_are_added_and_in_any_folder_and_format():
    some, more = ([f"{number}.png" for number in range(count)] for count in (50, 500))
    assert set(one_split(some, "val", "somewhere", str)) <= set(one_split(more, "val", "somewhere", str))
    elsewhere = [f"a/b\\{name[:-4]}.jpg" for name in some]
    assert [name[-6:-4] for name in one_split(elsewhere, "val", "", str)] == [
        f"/{name}"[-6:-4].replace("/", "\\") for name in one_split(some, "val", "", str)
    ]


def test_two_images_have_a_split_of_both_kinds():
    for pair in (["a", "b"], ["street", "park"], ["1", "2"]):
        assert [len(one_split(pair, split, "", str)) for split in ("train", "val", "valid", "all")] == [1, 1, 1, 2]
    with pytest.raises(FileNotFoundError, match="here has no folders for splits, .* .of 1 images in all.; got 'train'"):
        one_split(["a"], "train", "here", str)


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
