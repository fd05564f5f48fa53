"""Captions of drawn scenes: true by a checker that parses them, made of few words, and no scene changes with them."""

import itertools

import numpy as np
import pytest

from minivision.data import InMemory, Instances, Scenes, flip_horizontal, flip_vertical, open_dataset
from minivision.data import scenes as scenes_module
from minivision.data.captions import (
    VOCABULARY,
    ObjectFacts,
    color_names,
    is_true,
    look_at,
    parse,
    write_captions,
    wrong_parts,
)
from minivision.data.captions.color_names import COLOR_NAMES

SCENES = Scenes("mid", "val", captions=True)


@pytest.fixture(scope="module")
def samples():
    return [SCENES[i] for i in range(12)]


def seen(kind="disc", colors=("red",), box=(50, 50, 80, 80), **changes):
    facts = ObjectFacts(kind, colors, 50.0, box, 7.0, (), (), (128, 128))
    return facts._replace(**changes)


# ---- colors ----------------------------------------------------------------------------------------------------------


def test_names_of_colors_are_those_of_other_peoples_lists():
    """CSS has names that end in a basic term, such as darkred: another source than the survey that is used."""
    from matplotlib.colors import CSS4_COLORS, to_rgb

    ours, theirs = [], []
    for name, value in CSS4_COLORS.items():
        for term in COLOR_NAMES:
            if name.endswith(term):
                ours.append(color_names(255 * np.array(to_rgb(value))))
                theirs.append(term)
    agree = [term in names for term, names in zip(theirs, ours, strict=True)]
    assert len(agree) > 60 and np.mean(agree) > 0.85
    assert {color_names((255, 0, 0))[0], color_names((0, 0, 255))[0], color_names((0, 0, 0))[0]} == {
        "red", "blue", "black",
    }  # fmt: skip


def test_lab_is_that_of_scikit_image(rng):
    color = pytest.importorskip("skimage.color")
    from minivision.data.captions.color_names import _lab

    rgb = rng.uniform(0, 255, (50, 3))
    np.testing.assert_allclose(_lab(rgb), color.rgb2lab(rgb / 255), atol=0.05)


# ---- scenes ----------------------------------------------------------------------------------------------------------


def test_captions_change_nothing_else(samples):
    plain = Scenes("mid", "val")
    for index, sample in enumerate(samples):
        other = plain[index]
        np.testing.assert_array_equal(sample.image, other.image)
        np.testing.assert_array_equal(sample.label_map, other.label_map)
        np.testing.assert_array_equal(sample.instances.boxes, other.instances.boxes)
        assert other.instances.captions is None
    assert "captions" not in plain.parameters()  # their cache is found


def test_captions_depend_on_seed_and_index_alone(samples):
    again = Scenes("mid", "val", captions=True)
    assert [list(again[i].instances.captions) for i in (5, 2)] == [list(samples[i].instances.captions) for i in (5, 2)]


def test_every_object_has_several_captions_and_all_are_true_of_it(samples):
    words, count = set(), 0
    for sample in samples:
        facts = look_at(sample, SCENES.classes)
        for k, captions in enumerate(sample.instances.captions):
            assert len(set(captions)) == len(captions) >= 1
            count += len(captions)
            for caption in captions:
                assert is_true(caption, k, facts), (caption, wrong_parts(caption, k, facts))
                words |= set(caption.split())
    assert count > 100 and words <= set(VOCABULARY) and 60 <= len(VOCABULARY) <= 120


def test_captions_tell_objects_apart(samples):
    """Most captions are not true of the other objects: a checker that says yes to everything would fail here."""
    answers = []
    for sample in samples:
        facts = look_at(sample, SCENES.classes)
        for k, j in itertools.permutations(range(len(facts)), 2):
            answers += [is_true(caption, j, facts) for caption in sample.instances.captions[k]]
    assert len(answers) > 300 and np.mean(answers) < 0.15


def test_colors_patterns_and_hiding_are_those_that_were_drawn(monkeypatch):
    """What is measured in the picture is what the drawing functions were told."""
    from minivision.data import drawing

    painted = []
    paint = drawing.paint

    def remember(image, coverage, extent, color, texture, strength, *others):
        painted.append((np.array(color), strength))
        paint(image, coverage, extent, color, texture, strength, *others)

    monkeypatch.setattr(drawing, "paint", remember)
    monkeypatch.setattr(scenes_module, "_visible_objects", lambda owners, count: _all_objects(owners, count))
    right_color, rough, smooth = [], [], []
    scenes = Scenes("easy", "test", objects=3)
    for index in range(40):
        painted.clear()
        sample = scenes[index]
        for facts, (color, strength) in zip(look_at(sample, scenes.classes), painted, strict=True):
            right_color.append(not set(facts.colors).isdisjoint(color_names(color)))
            if facts.roughness is not None:
                (rough if strength else smooth).append(facts.roughness)
    assert np.mean(right_color) > 0.9
    assert np.mean(np.array(smooth) < 3.5) > 0.95 and np.mean(np.array(rough) > 3.5) > 0.5


def _all_objects(owners, count):
    kept, boxes = list(range(count)), []
    for k in kept:
        rows, columns = np.nonzero(owners == k + 1)
        boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    return kept, owners, np.array(boxes, np.float32)


def test_combinations_can_be_left_out():
    scenes = Scenes("easy", "train", objects=4, classes=["disc", "ring"], without=["green disc", "blue disc"])
    usual = Scenes("easy", "train", objects=4, classes=["disc", "ring"])
    count = {False: 0, True: 0}
    for each in (scenes, usual):
        for index in range(15):
            for facts in look_at(each[index], each.classes):
                count[each is scenes] += facts.kind == "disc" and facts.colors[0] in ("green", "blue")
    assert count[True] <= 0.15 * count[False] and count[False] > 10  # a few are called otherwise in the shade
    with pytest.raises(ValueError, match="without: expected a color .*got 'mauve ring'"):
        Scenes(without=["mauve ring"])


def test_captions_are_kept_in_memory_and_in_its_file(tmp_path, samples):
    scenes = SCENES.draw(5, threads=1)
    scenes.save(tmp_path / "scenes.npz")
    for dataset in (scenes, InMemory.load(tmp_path / "scenes.npz")):
        for index in range(5):
            assert list(dataset[index].instances.captions) == list(samples[index].instances.captions)
    assert open_dataset("scenes", split="val", level="mid", captions=True)[3].instances.captions is not None


def test_a_mirror_changes_sides(samples):
    sample = next(each for each in samples if any("left" in text for ts in each.instances.captions for text in ts))
    mirrored = flip_horizontal(sample, SCENES.keypoint_flip)
    facts = look_at(mirrored, SCENES.classes)
    for k, captions in enumerate(mirrored.instances.captions):
        assert all(is_true(caption, k, facts) for caption in captions), captions
    assert flip_vertical(sample, SCENES.keypoint_flip).instances.captions is None


# ---- objects with captions -------------------------------------------------------------------------------------------


def test_captions_follow_their_objects():
    instances = Instances([[0, 0, 1, 1]] * 3, [1, 2, 3], captions=["one", ("two", "zwei"), "three"])
    assert list(instances[[2, 0]].captions) == [("three",), ("one",)]
    assert instances[1].captions[0] == ("two", "zwei") and "captions" in repr(instances)
    equal = Instances([[0, 0, 1, 1]] * 2, [1, 1], captions=[("a", "b"), ("c", "d")])
    assert equal.captions.shape == (2,)
    with pytest.raises(ValueError, match="captions must be as many"):
        Instances([[0, 0, 1, 1]], [1], captions=[])
    with pytest.raises(TypeError, match=r"captions\[0\] must be a phrase"):
        Instances([[0, 0, 1, 1]], [1], captions=[[1]])


# ---- grammar and truth -----------------------------------------------------------------------------------------------

DISC = [seen(), seen("ring", ("blue",), (10, 55, 40, 75), hidden_by=(0,)), seen(box=(90, 50, 120, 80))]


@pytest.mark.parametrize(
    "caption, k, wrong",
    [
        ("a red disc", 0, []),
        ("a red circle", 0, []),
        ("a blue disc", 0, ["color"]),
        ("a red ring", 0, ["kind"]),
        ("a big blue star", 0, ["size", "color", "kind"]),
        ("a red disc right of a blue ring", 0, []),
        ("a red disc left of a blue ring", 0, ["relation"]),
        ("a red disc right of a red ring", 0, ["relation"]),
        ("a red disc left of another disc", 0, []),
        ("a red disc right of another disc", 0, ["relation"]),
        ("a red disc right of another ring", 0, ["relation"]),
        ("a blue ring partly hidden by a red disc", 1, []),
        ("a red disc partly hidden by a blue ring", 0, ["relation"]),
        ("a red disc in front of a blue ring", 0, []),
        ("a blue ring with a hole on the left", 1, []),
        ("a blue ring with five points", 1, ["property"]),
        ("a red disc in the middle", 0, []),
        ("a red disc at the top", 2, ["place"]),
        ("a dark red disc", 0, ["shade"]),
        ("red disc", 0, ["grammar"]),
        ("an red disc", 0, ["grammar"]),
        ("a red disc left of", 0, ["grammar"]),
        ("a disc red", 0, ["grammar"]),
        ("a red disc on the left of a blue ring", 0, ["grammar"]),
        ("", 0, ["grammar"]),
    ],
)
def test_the_checker_says_what_is_wrong(caption, k, wrong):
    assert wrong_parts(caption, k, DISC) == wrong
    assert is_true(caption, k, DISC) == (not wrong)


@pytest.mark.parametrize(
    "arms, caption, true",
    [
        ((True, True), "a red person with both arms raised", True),
        ((True, False), "a red person with both arms raised", False),
        ((True, False), "a red figure with one arm raised", True),
        ((False, None), "a red person with both arms down", True),  # it may be so
        ((True, None), "a red person with both arms down", False),
    ],
)
def test_arms(arms, caption, true):
    assert is_true(caption, 0, [seen("person", arms=arms)]) == true


def test_what_is_written_is_parsed_back(rng):
    facts = [seen(kind, hidden_by=()) for kind in ("disc", "square", "triangle", "star", "ring", "person")]
    for captions in write_captions(facts, rng):
        assert all(parse(caption) is not None for caption in captions)
