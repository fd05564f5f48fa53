"""The part of YAML that is read: what it says, what is refused, and that no file takes long."""

import time

import pytest

from minivision.data import BrokenFileError
from minivision.data.yaml_subset import read_yaml

ULTRALYTICS = """\
# a comment
path: ../datasets/coco8  # dataset root
train: images/train # four images
test:  # none

names:
  0: person
  1: "traffic light"
  2: 'it''s #3'

download: |
  from ultralytics import download
  # not a comment
  a: b
"""
ROBOFLOW = """\
train: ../train/images
val: ../valid/images
nc: 3
names: ['a b', "c's", d]

roboflow:
  workspace: w
  url: https://universe.roboflow.com/w/p/dataset/1
"""
LISTS = """\
names:
- no
- 1e3
- - a
  - b
- x: 1
  y: [1, {2: 3}]
shape: [17,
  3,  # a comment
]
wrapped: one
  two
  three
empty: []
none: ~
"""


def read(tmp_path, text):
    path = tmp_path / "data.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


def test_maps_lists_texts_and_comments(tmp_path):
    assert read(tmp_path, ULTRALYTICS) == {
        "path": "../datasets/coco8", "train": "images/train", "test": None,
        "names": {"0": "person", "1": "traffic light", "2": "it's #3"},
        "download": "from ultralytics import download\n# not a comment\na: b",
    }  # fmt: skip
    content = read(tmp_path, ROBOFLOW)
    assert content["names"] == ["a b", "c's", "d"] and content["nc"] == "3"
    assert content["roboflow"] == {"workspace": "w", "url": "https://universe.roboflow.com/w/p/dataset/1"}
    assert read(tmp_path, LISTS) == {
        "names": ["no", "1e3", ["a", "b"], {"x": "1", "y": ["1", {"2": "3"}]}], "shape": ["17", "3"],
        "wrapped": "one two three", "empty": [], "none": None,
    }  # fmt: skip


@pytest.mark.parametrize("text", [
    ULTRALYTICS, ROBOFLOW, LISTS, "---\na: 1\n", "a:\n  b\nc: d-e\n-f: g\n", "a: [b, c,]\n", "'0': a\n1: x:y/z\n",
    'a: "\\u00e9\\t\\x41"\n', "a: {b: c, 'd e': [f]}\n", "a: [b#c, 'd, e']\n", "  a: 1\n  b:\n    - c\n",
    "a:\n    - b\n    - c\nd:\n- e\n", "é: ü\n", "a: x # y\nb: 'x # y'\n", "a: b\r\nc:\r\n  - d\r\n",
])  # fmt: skip
def test_it_is_what_pyyaml_reads_with_every_scalar_as_a_text(tmp_path, text):
    yaml = pytest.importorskip("yaml")

    def plain(value):
        if isinstance(value, dict):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return None if value in ("", "~") else value.rstrip("\n")

    assert read(tmp_path, text) == plain(yaml.load(text, Loader=yaml.BaseLoader))


@pytest.mark.parametrize(("text", "reason"), [
    ("", "it is empty"),
    ("# nothing\n", "it is empty"),
    ("- a\n", "should be a map"),
    ("a: 1\nwords\n", "line 2: expected key: value; got 'words'"),
    ("a: 1\na: 2\n", "line 2: the key 'a' stands twice"),
    ("a:\n\tb: c\n", "line 2: it is indented by a tab"),
    ("a: &x 1\n", r"line 1: anchors \(&\), aliases \(\*\) and tags \(!\) are not read"),
    ("a: !!python/object/apply:os.system [ls]\n", "line 1: anchors .* tags .* are not read"),
    ("a: *x\n", "aliases"),
    ("a: [*x]\n", r"begins with \* needs quotes"),
    ("<<: *x\n", "aliases"),
    ("a: [b\nc: d\n", "line 1: a bracket that is opened here is not closed"),
    ("a: [b]]\n", "behind the closing bracket"),
    ("a: [b}\n", "brackets|comma"),
    ("a: {b: 1, b: 2}\n", "each key once"),
    ("a: 'b\n", "quotes should end in its line"),
    ('a: "\\q"\n', r"\\q is no character"),
    ('a: "\\U00110000"\n', "is no character"),
    ("a: b\n  c: d\n", "line 2: a key below a value"),
    ("a: 1\n---\nb: 2\n", "line 2: expected key: value"),
    ("a:\n" + "".join("  " * k + "a:\n" for k in range(1, 40)), "nested more than 20 times"),
    ("- " * 40 + "a\n", "nested more than 20 times"),
    ("a: " + "[" * 40 + "]" * 40 + "\n", "nested more than 20 times"),
])  # fmt: skip
def test_what_is_no_plain_map_or_is_written_wrong_is_refused_with_its_line(tmp_path, text, reason):
    with pytest.raises(BrokenFileError, match=reason):
        read(tmp_path, text)


@pytest.mark.parametrize("text", [
    "a: x" + " " * 200_000 + "y", "a" * 200_000, "a: [" + " " * 200_000, "[" * 100_000, "a: " + "[" * 100_000,
    "- " * 100_000, "a: " + "'" * 100_001, "a: [" + "x, " * 50_000 + "]", "a: [\n" + "x,\n" * 50_000 + "]",
    "a: b\n" * 100_000, "a: " + '"\\' * 100_000, " " * 200_000 + "a",
])  # fmt: skip
def test_no_file_takes_long_or_ends_the_process(tmp_path, text):
    begin = time.thread_time()
    try:
        read(tmp_path, text)
    except BrokenFileError:
        pass
    assert time.thread_time() - begin < 5  # it takes 0.3 s; a pattern that goes back takes minutes
