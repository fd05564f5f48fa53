"""Stories: their numbers are those of minivision's operations, and their pages show them in a browser."""

import numpy as np
import pytest

from minivision import ops
from minivision.data import Scenes
from minivision.detection import region_hierarchy
from minivision.viz import play_nms, play_regions, play_sequence
from minivision.viz.proposals import in_mean_colors

PLAYER = "document.querySelector('#player-0').player"
PIXELS = "[...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 128, 128).data]"


@pytest.fixture
def open_story(page, tmp_path):
    def open_it(story, **screen):
        story.save(tmp_path / "story.html")
        page.open(tmp_path / "story.html", **screen)
        assert page.problems == []
        assert all(url.startswith(("file:", "data:")) for url in page.requests)
        return page

    return open_it


@pytest.fixture
def detections(rng):
    objects = np.array([[10, 10, 60, 90], [30, 20, 85, 95], [100, 40, 180, 100]])
    boxes = np.concatenate([objects + rng.normal(0, 5, (3, 4)) for _ in range(5)])
    return boxes, rng.integers(1, 8, len(boxes)) / 8  # some scores are equal


def as_played(boxes, scores):
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order]


def test_suppression_ends_with_what_nms_keeps_for_every_threshold(detections):
    boxes, scores = detections
    story = play_nms(boxes, scores, 0.37)
    assert story.data["setting"]["values"][story.data["setting"]["start"]] == "0.37"
    ordered = as_played(boxes, scores)
    for threshold, steps in zip(story.data["setting"]["values"], story.data["tracks"], strict=True):
        kept = [k for k, mark in enumerate(steps[-1]["marks"]) if mark == "kept"]
        assert kept == ops.nms(*ordered, float(threshold)).tolist()
        assert len(steps) == len(boxes) + 1 and set(steps[0]["marks"]) == {"waiting"}


def test_sentences_of_suppression_name_the_rival_and_the_iou(detections):
    boxes, _ = ordered = as_played(*detections)
    iou = ops.box_iou(boxes, boxes)
    story = play_nms(*detections, 0.5)
    keep = ops.nms(*ordered, 0.5).tolist()
    for k, step in enumerate(story.data["tracks"][story.data["setting"]["start"]][1:]):
        if k in keep:
            assert step["say"].startswith(f"Box {k + 1} is kept")
        else:
            by = next(other for other in keep if iou[k, other] > 0.5)
            assert step["say"] == f"Box {k + 1} is suppressed by box {by + 1}: IoU {iou[k, by]:.2f} > 0.50."


def test_the_page_of_suppression_follows_its_slider(open_story, detections):
    story = play_nms(*detections, 0.5)
    page = open_story(story)
    values = story.data["setting"]["values"]
    page.run("document.querySelector('.mv-setting input').focus()")
    for threshold in values[story.data["setting"]["start"] : -1 : 4]:
        track = values.index(threshold)
        while page.run(f"{PLAYER}.track") < track:
            page.press("ArrowRight")
        assert page.run("document.querySelector('.mv-setting output').textContent") == threshold
        shown = page.run("document.querySelectorAll('.mv-box-kept').length")
        assert shown == len(ops.nms(*as_played(*detections), float(threshold)))
    page.click(".mv-story li:nth-child(1) button")
    assert page.run("document.querySelectorAll('.mv-box-kept, .mv-box-dropped').length") == 0
    page.run("document.querySelector('.mv-player').focus()")
    page.press("ArrowRight")
    assert page.run("document.querySelectorAll('.mv-box-kept').length") == 1
    assert "has the best score" in page.run("document.querySelector('[aria-current]').textContent")


def test_too_many_boxes_are_refused_by_name():
    with pytest.raises(ValueError, match=r"boxes: expected 1 to 80 boxes, got 81; take those with the best scores"):
        play_nms(np.tile([0.0, 0, 1, 1], (81, 1)), np.ones(81))
    with pytest.raises(ValueError, match=r"boxes: expected 1 to 80"):
        play_nms(np.zeros((0, 4)), np.zeros(0))
    with pytest.raises(ValueError, match="iou_threshold"):
        play_nms(np.zeros((1, 4)), np.zeros(1), 1.5)


@pytest.fixture(scope="module")
def scene():
    return Scenes("hard", "val", size=128)[0].image


def test_regions_are_those_of_the_hierarchy_at_every_step(open_story, scene):
    """The picture of a step is the image with each region in its mean color, pixel by pixel."""
    story = play_regions(scene)
    hierarchy = region_hierarchy(scene)
    initial = len(hierarchy.children) + 1
    page = open_story(story)
    steps = story.data["tracks"][0]
    for k in range(story.data["start"], len(steps), 3):
        page.run(f"{PLAYER}.jump({k})")
        pixels = np.array(page.run(PIXELS), np.uint8).reshape(128, 128, 4)[..., :3]
        expected = in_mean_colors(scene, hierarchy.after(initial - steps[k]["regions"]))
        np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("k", [100, 30])  # few regions, and so many that a step has several merges
def test_pixels_merge_before_regions_and_never_part(scene, k):
    story = play_regions(scene, k=k)
    steps, first = story.data["tracks"][0], story.data["start"]
    counts = [step["regions"] for step in steps]
    assert counts == sorted(counts, reverse=True) and counts[-1] == 1
    assert first > 0 and counts[0] > 2 * counts[first]
    assert f"fewer than {k} pixels" in steps[first]["say"]
    assert counts[first] == len(region_hierarchy(scene, k=k).children) + 1
    assert (len(steps) - first < counts[first]) == (k == 30)
    parent = list(range(len(story.data["regions"]["sums"]) // 4))

    def root(region):
        while parent[region] != region:
            region = parent[region]
        return region

    for step in steps:
        for one, other in step["joins"]:
            parent[root(one)] = root(other)
        assert len({root(region) for region in range(len(parent))}) == step["regions"]


def test_boxes_of_merged_regions_are_proposals(scene):
    boxes = region_hierarchy(scene).boxes.tolist()
    drawn = [each for step in play_regions(scene).data["tracks"][0] for each in step.get("boxes", [])]
    assert {mark for _, mark in drawn} == {"part", "new"} and all(box in boxes for box, _ in drawn)
    assert drawn[-1] == [[0, 0, 128, 128], "new"]


def test_an_image_of_one_color_and_one_pixel_is_a_story_too(open_story):
    for shape in ((1, 1, 3), (40, 30, 3)):
        page = open_story(play_regions(np.full(shape, 90, np.uint8)))
        assert page.run("document.querySelector('figcaption').textContent") == "1 region"


def test_large_images_are_reduced(scene):
    story = play_regions(np.tile(scene, (3, 4, 1)))
    assert story.data["view"] == [0, 0, 240, 180]


def test_a_sequence_shows_its_states_and_words(open_story, rng):
    states = np.round(rng.normal(size=(5, 3, 4)), 2)
    story = play_sequence(states, inputs=["<b>START", "a", "red", "disc"], outputs=["a", "red", "disc", "END"])
    page = open_story(story)
    moments = "[...document.querySelectorAll('.mv-moment')]"
    titles = page.run(f"{moments}.map(each => [...each.querySelectorAll('title')].map(title => title.textContent))")
    np.testing.assert_array_equal(np.array(titles, float).reshape(states.shape), states)
    minus = "document.querySelectorAll('.mv-moment:nth-child(3) .mv-minus').length"
    assert page.run(minus) == (states[2] < 0).sum()
    words = page.run("[...document.querySelectorAll('.mv-in')].map(each => each.textContent)")
    assert words == ["", "<b>START", "a", "red", "disc"]
    for k in range(5):
        assert page.run("document.querySelectorAll('.mv-moment.mv-later').length") == 4 - k
        assert page.run(f"{moments}.findIndex(each => each.matches('.mv-now'))") == k
        page.press("ArrowRight")


def test_a_sequence_takes_pictures(open_story, rng):
    pictures = rng.integers(0, 256, (2, 8, 6, 3), np.uint8)
    page = open_story(play_sequence(np.zeros((3, 2)), inputs=list(pictures)))
    assert page.run("document.querySelectorAll('.mv-in img').length") == 2


@pytest.mark.parametrize(
    ("states", "inputs", "message"),
    [
        (np.zeros(4), ["a"], "states: expected shape"),
        (np.zeros((62, 3)), ["a"] * 61, "at most 256 numbers"),
        (np.full((3, 2), np.nan), ["a", "b"], "states: expected finite"),
        (np.zeros((3, 2)), ["a"], "inputs: expected 2, one for each state but the first, got 1"),
    ],
)
def test_a_sequence_that_does_not_fit_is_refused_by_name(states, inputs, message):
    with pytest.raises(ValueError, match=message):
        play_sequence(states, inputs=inputs)


def test_texts_stay_texts(open_story):
    evil = "</script><img src=x onerror=window.bad=1>"
    page = open_story(play_sequence(np.zeros((2, 1)), inputs=[evil], outputs=[evil], title=evil, says=[evil]))
    assert page.run("window.bad") is None
    assert page.run("document.querySelector('h2').textContent") == evil


def test_stories_fit_a_phone_and_are_dark_where_the_system_is(open_story, detections, scene):
    for story in (
        play_nms(*detections, image=scene),
        play_regions(scene),
        play_sequence(np.zeros((30, 9)), inputs=["word"] * 29),
    ):
        page = open_story(story, width=360, touch=True, dark=True)
        assert page.run("document.documentElement.scrollWidth") <= 360
        assert (
            page.run("getComputedStyle(document.querySelector('.mv-player')).getPropertyValue('--mode').trim()")
            == "dark"
        )


def test_a_notebook_gets_a_frame_and_films_are_refused(detections, tmp_path):
    story = play_nms(*detections)
    assert story._repr_html_().startswith("<iframe srcdoc=")
    with pytest.raises(ValueError, match="a story is written as a page"):
        story.save(tmp_path / "story.gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8)), "image: expected a uint8 array, 0 to 255, got float64"),
        (np.zeros((8, 8, 4), np.uint8), r"image: expected RGB of shape \(H, W, 3\), got \(8, 8, 4\)"),
        ("photo.jpg", "image: expected a uint8 array, 0 to 255, got str"),
    ],
)
def test_what_is_no_image_is_named(image, message):
    with pytest.raises((TypeError, ValueError), match=message):
        play_nms([[0, 0, 5, 5]], [0.5], image=image)
    with pytest.raises((TypeError, ValueError), match=message):
        play_sequence(np.zeros((2, 3)), inputs=["a"], image=image)
    if not isinstance(image, str):  # a text is a word that is read
        with pytest.raises((TypeError, ValueError), match=message.replace("image", r"inputs\[0\]", 1)):
            play_sequence(np.zeros((2, 3)), inputs=[image])


def test_a_text_is_no_list_of_inputs_and_words_are_no_states():
    with pytest.raises(TypeError, match="inputs: expected a list, one for each state but the first, got the text 'ab'"):
        play_sequence(np.zeros((3, 2)), inputs="ab")
    with pytest.raises(TypeError, match="states: expected an array of numbers"):
        play_sequence(["a", "b"], inputs=["a"])
