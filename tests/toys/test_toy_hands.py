"""The toys by mouse, finger and keyboard, on small and large screens, in light and dark."""

import numpy as np
import pytest
from toy_pages import FOLDER, TEXTS, TOYS, open_toy, shown

from minivision import ops

STATE = "() => toy.state"


def test_a_box_is_dragged_by_the_mouse(page):
    open_toy(page, "iou")
    before = page.ask(STATE)
    page.drag(".movable.orange > .grip", 60, 40)
    after = page.ask(STATE)
    moved = np.subtract(after["b"], before["b"])
    assert after["a"] == before["a"] and moved[0] == moved[2] > 5 and moved[1] == moved[3] > 5
    expected = ops.box_iou(np.array([after["a"]], float), np.array([after["b"]], float))[0, 0]
    assert shown(page, "#iou")[0] == pytest.approx(expected)


def test_a_corner_resizes_and_stops_at_the_other_corner(page):
    open_toy(page, "iou")
    before = page.ask(STATE)["b"]
    page.drag(".movable.orange > .corner:nth-of-type(4)", -30, -20)
    smaller = page.ask(STATE)["b"]
    assert smaller[:2] == before[:2] and smaller[2] < before[2] and smaller[3] < before[3]
    page.drag(".movable.orange > .corner:nth-of-type(4)", -900, -700)
    least = page.ask(STATE)["b"]
    assert (least[2] - least[0], least[3] - least[1]) == (4, 4)


def test_a_box_stays_in_the_picture(page):
    open_toy(page, "iou")
    page.click("#apart button")  # "near"
    page.drag(".movable.blue > .grip", -900, -900)
    assert page.ask(STATE)["a"] == [0, 0, 30, 40]


def test_a_box_under_another_can_be_taken(page):
    open_toy(page, "iou")
    page.click("#distance button:nth-of-type(2)")  # "larger": B lies over all of A
    before = page.ask(STATE)
    page.drag(".movable.blue > .grip", 50, 0)
    assert page.ask(STATE)["b"] == before["b"] and page.ask(STATE)["a"][0] > before["a"][0]
    page.drag(".movable.blue > .corner:nth-of-type(1)", 10, 0)
    assert page.ask(STATE)["b"] == before["b"] and page.ask(STATE)["a"][2] - page.ask(STATE)["a"][0] < 40


def test_a_finger_moves_a_box(page):
    open_toy(page, "iou", width=360, touch=True)
    before = page.ask(STATE)["b"]
    page.drag_by_finger(".movable.orange > .grip", 60, 30)
    moved = np.subtract(page.ask(STATE)["b"], before)
    assert moved[0] == moved[2] > 10 and moved[1] == moved[3] > 5


def test_arrow_keys_move_and_with_shift_resize(page):
    open_toy(page, "iou")
    page.press("Tab")  # box A
    before = page.ask(STATE)["a"]
    page.press("ArrowRight")
    page.press("ArrowDown", shift=True)
    assert page.ask(STATE)["a"] == [before[0] + 1, before[1], before[2] + 1, before[3] + 1]
    label = page.run("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("Box A") and f"left {before[0] + 1}" in label


def test_steps_and_thresholds_of_suppression(page):
    open_toy(page, "nms")
    page.click('[title="to the start"]')
    assert page.ask("() => document.querySelectorAll('#rows tr.now').length") == 0
    for k in range(4):
        page.click('[title="next box"]')
        assert page.ask("() => document.querySelector('#rows tr.now').dataset.box") == str(k)
    assert "suppressed" in page.ask(TEXTS, "#say")[0] and "…" in page.ask(TEXTS, "#rows tr:last-child")[0]
    page.run("document.querySelector('#threshold').focus()")
    for _ in range(30):
        page.press("ArrowRight")
    assert page.ask(STATE)["threshold"] == pytest.approx(0.8)
    assert "kept" in page.ask(TEXTS, "#rows tr:nth-child(4)")[0]


def test_a_region_moves_by_tenths(page):
    open_toy(page, "roi")
    before = page.ask(STATE)["box"]
    page.click("#nudge button:nth-of-type(2)")
    page.run("document.querySelector('#align .movable').focus()")
    page.press("ArrowUp")
    np.testing.assert_allclose(page.ask(STATE)["box"], np.add(before, [0.1, -0.1, 0.1, -0.1]))
    page.click("#align .choice:nth-of-type(6) circle")
    assert page.ask(STATE)["sample"] == [0, 1, 1]


def test_cells_are_chosen_by_pointer_and_keys(page):
    for toy, selector in (("anchors", "#stage"), ("yolo", "#stage > g:nth-of-type(1) > g > line:nth-of-type(5)")):
        open_toy(page, toy)
        page.run("document.querySelector('#stage .choice').focus()")
        for key in ("ArrowLeft",) * 9 + ("ArrowUp",) * 9 + ("ArrowRight",):
            page.press(key)
        assert page.ask(STATE)["cell"] == [0, 1]
        page.click(selector)
        assert page.ask(STATE)["cell"] != [0, 1]


def test_an_object_of_yolo_takes_its_cell_along(page):
    open_toy(page, "yolo")
    page.drag(".movable.blue > .grip", 200, 0)
    box, cell = (page.ask(STATE)[name] for name in ("boxes", "cell"))
    assert cell == [int((box[0][1] + box[0][3]) / 2 / 20), int((box[0][0] + box[0][2]) / 2 / 20)]


@pytest.mark.parametrize("toy", TOYS)
def test_pages_fit_a_phone_and_stay_quiet(page, toy):
    for width, dark in ((360, False), (360, True), (1200, True)):
        open_toy(page, toy, width=width, dark=dark, touch=width < 500)
        assert page.run("document.documentElement.scrollWidth") <= width
        assert page.run("document.title && document.documentElement.lang && true")


@pytest.mark.parametrize("toy", TOYS)
def test_everything_that_takes_the_focus_has_a_name(page, toy):
    open_toy(page, toy)
    names = []
    for node in page.call("Accessibility.getFullAXTree")["nodes"]:
        properties = {each["name"]: each["value"].get("value") for each in node.get("properties", [])}
        if properties.get("focusable") and node["role"]["value"] != "RootWebArea":
            names.append(node.get("name", {}).get("value", ""))
    assert len(names) >= 2 and all(names), names


@pytest.mark.parametrize("dark", [False, True])
def test_colors_can_be_told_from_the_paper(page, dark):
    """Letters have a contrast of 4.5 at least, lines of 3 (WCAG 2.2, 1.4.3 and 1.4.11)."""
    open_toy(page, "iou", dark=dark)
    names = ("paper", "card", "ink", "faint", "link", "edge", "blue", "orange", "green", "purple")
    read = "name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()"
    light = {name: luminance(page.ask(read, name)) for name in names}
    for paper in ("paper", "card"):
        for name in names[2:]:
            least = 4.5 if name in ("ink", "faint", "link") else 3
            low, high = sorted((light[name], light[paper]))
            assert (high + 0.05) / (low + 0.05) >= least, (name, paper)


def luminance(color):
    """Return the relative luminance of a color such as #22252b (WCAG 2.2)."""
    parts = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_a_frame_becomes_as_high_as_its_toy(page, tmp_path):
    frame = tmp_path / "book.html"
    script, source = (FOLDER / name for name in ("embed.js", "iou.html"))
    frame.write_text(
        f'<script src="{script.as_uri()}"></script><iframe src="{source.as_uri()}" title="toy" width="700"></iframe>'
    )
    page.open(frame)
    grown = "new Promise(done => setTimeout(() => done(document.querySelector('iframe').clientHeight), 300))"
    assert page.run(grown) > 500
