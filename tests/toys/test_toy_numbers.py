"""The numbers that the toys show are those of minivision's operations, on random positions."""

import json

import numpy as np
import pytest
from toy_pages import DATA, FOLDER, SET, TEXTS, TOYS, open_toy, shown

from minivision import ops
from minivision.detection import anchor_grid, encode_yolo, match

POSITIONS = 40


def random_boxes(rng, count, width, height, least=4):
    """Return boxes with whole corners in a picture, of at least this width and height."""
    x1, y1 = rng.integers(0, width - least, count), rng.integers(0, height - least, count)
    x2, y2 = rng.integers(x1 + least, width + 1), rng.integers(y1 + least, height + 1)
    return np.stack([x1, y1, x2, y2], axis=1).astype(float)


def pixels(box, size=(80, 100)):
    """Return the pixels of a box with whole corners as a mask: areas can be counted."""
    x1, y1, x2, y2 = (int(corner) for corner in box)
    mask = np.zeros(size, bool)
    mask[y1:y2, x1:x2] = True
    return mask


def test_iou_giou_and_distance(page, rng):
    open_toy(page, "iou")
    for a, b in zip(*(random_boxes(rng, POSITIONS, 100, 80) for _ in "ab"), strict=True):
        page.ask(SET, {"a": a.tolist(), "b": b.tolist()})
        iou, giou, distance = (shown(page, f"#{name}")[0] for name in ("iou", "giou", "l2"))
        assert iou == pytest.approx(ops.box_iou(a[None], b[None])[0, 0], abs=1e-12)
        hull = pixels([*np.minimum(a, b)[:2], *np.maximum(a, b)[2:]]).sum()
        union, both = (pixels(a) | pixels(b)).sum(), (pixels(a) & pixels(b)).sum()
        assert giou == pytest.approx(both / union - (hull - union) / hull, abs=1e-12)
        assert distance == pytest.approx(np.linalg.norm(a - b))
        formula = page.ask(TEXTS, "#iou-formula .fraction > *")
        assert formula[-2:] == [str(both), str(union)]


def test_presets_of_iou_have_the_distance_they_promise(page):
    open_toy(page, "iou")
    ious = []
    for k in range(5):
        page.click(f"#distance button:nth-of-type({k + 1})")
        assert shown(page, "#l2")[0] == pytest.approx(20)
        ious += shown(page, "#iou")
    assert max(ious) > 0.65 and min(ious) == 0
    near, far = ([page.click(f"#apart button:nth-of-type({k})"), *shown(page, "#iou, #giou")][1:] for k in (1, 2))
    assert near[0] == far[0] == 0 and near[1] > far[1]


def test_suppression_keeps_what_nms_keeps_and_names_the_rival(page, rng):
    open_toy(page, "nms")
    for _ in range(POSITIONS):
        boxes = random_boxes(rng, 9, 120, 84, least=20)
        scores = rng.integers(0, 20, 9) / 20  # some are equal
        threshold, least = rng.integers(0, 101) / 100, rng.integers(0, 50) / 100
        page.ask(SET, {"boxes": boxes.tolist(), "scores": scores.tolist(), "threshold": threshold, "least": least})
        chosen = np.flatnonzero(scores > least)
        expected = chosen[ops.nms(boxes[chosen], scores[chosen], threshold)]
        assert page.ask(DATA, "#say", "keep") == expected.tolist()
        rows = page.ask("() => [...document.querySelectorAll('#rows tr')].map((row) => row.textContent)")
        numbers = page.ask("() => [...document.querySelectorAll('#rows tr')].map((row) => Number(row.dataset.box))")
        iou = ops.box_iou(boxes, boxes)
        for k, row in zip(numbers, rows, strict=True):
            if k in expected:
                assert "✓ kept" in row
            elif scores[k] > least:
                rival = next(other for other in expected if iou[k, other] > threshold)
                assert f"✕ suppressed by {rival + 1}: IoU {iou[k, rival]:.2f} > {threshold:.2f}" in row
            else:
                assert f"is not above {least:.2f}" in row


def test_regions_have_the_values_of_roi_pool_and_roi_align(page, rng):
    open_toy(page, "roi")
    x = np.array(page.run("toy.MAP"), float)[None, None]
    for _ in range(POSITIONS):
        x1, y1 = rng.integers(0, 60, 2) / 10
        box = np.array([x1, y1, rng.integers(10 * x1 + 10, 81) / 10, rng.integers(10 * y1 + 10, 81) / 10])
        (rows, columns), ratio = rng.integers(1, 4, 2).tolist(), int(rng.integers(1, 4))
        sample = [int(rng.integers(rows)), int(rng.integers(columns)), int(rng.integers(ratio**2))]
        state = {"box": box.tolist(), "rows": rows, "columns": columns, "samplingRatio": ratio, "sample": sample}
        page.ask(SET, state)

        def values(box, size=(rows, columns), ratio=ratio):
            rois = np.array([[0, *box]])
            return ops.roi_pool(x, rois, size)[0][0, 0], ops.roi_align(x, rois, size, sampling_ratio=ratio)[0, 0]

        pool, align = values(box)
        np.testing.assert_allclose(shown(page, '[data-kind="pool"]'), pool.ravel(), atol=1e-12)
        np.testing.assert_allclose(shown(page, '[data-kind="align"]'), align.ravel(), atol=1e-12)
        moved = values(box + np.array([0.1, 0, 0.1, 0]))
        changes = [
            after[sample[0], sample[1]] - before[sample[0], sample[1]]
            for after, before in zip(moved, (pool, align), strict=True)
        ]
        np.testing.assert_allclose(page.ask(DATA, "#say", "change"), changes, atol=1e-9)


def test_shares_of_a_sample_are_the_areas_that_are_drawn(page, rng):
    open_toy(page, "roi")
    areas = """() => [...document.querySelectorAll("#align rect.purple.box")].map((each) =>
        [Math.floor(each.y.baseVal.value + 1e-9), Math.floor(each.x.baseVal.value + 1e-9),
         each.width.baseVal.value * each.height.baseVal.value])"""
    for number in range(16):
        box = [rng.integers(0, 20) / 10, rng.integers(0, 20) / 10, 6 + rng.integers(0, 20) / 10, 6.0]
        page.ask(SET, {"box": box, "sample": [number // 8, number // 4 % 2, number % 4]})
        shares = {}
        for pixel in page.ask(DATA, "#shares", "shares"):
            if pixel["share"] > 0:
                place = pixel["row"], pixel["column"]
                shares[place] = shares.get(place, 0) + pixel["share"]
        drawn = {(row, column): area for row, column, area in page.ask(areas)}
        assert shares.keys() == drawn.keys()
        for place, area in drawn.items():
            assert area == pytest.approx(shares[place], abs=1e-6)


def test_anchors_match_as_in_training(page, rng):
    open_toy(page, "anchors")
    for _ in range(POSITIONS):
        objects = random_boxes(rng, int(rng.integers(1, 3)), 128, 96, least=12)
        sizes = sorted(rng.choice([16, 32, 64], rng.integers(1, 4), replace=False).tolist())
        ratios = sorted(rng.choice([0.5, 1, 2], rng.integers(1, 4), replace=False).tolist())
        low, high = sorted((rng.integers(0, 21, 2) / 20).tolist())
        best, (row, column) = bool(rng.integers(2)), (int(rng.integers(6)), int(rng.integers(8)))
        state = {"objects": objects.tolist(), "sizes": sizes, "ratios": ratios, "foreground": high, "background": low}
        page.ask(SET, {**state, "lowQuality": best, "cell": [row, column]})
        anchors = anchor_grid((6, 8), 16, sizes, ratios, offset=0.5, dtype=np.float64)
        iou = ops.box_iou(objects, anchors)
        expected = match(iou, fg_iou_thresh=high, bg_iou_thresh=low, allow_low_quality_matches=best)
        assert page.ask(DATA, "#say", "matches") == expected.tolist()
        counts = [(expected >= 0).sum(), (expected == -2).sum(), (expected == -1).sum()]
        assert [shown(page, f"#{name}")[0] for name in ("matched", "ignored", "background")] == counts
        each = len(sizes) * len(ratios)
        here = iou.max(axis=0).reshape(6, 8, each)[row, column]
        np.testing.assert_allclose(shown(page, "#rows td.number"), here, atol=1e-12)


def test_yolo_shows_the_target_of_encode_yolo(page, rng):
    open_toy(page, "yolo")
    lost = 0
    for _ in range(POSITIONS):
        boxes = random_boxes(rng, 3, 100, 100, least=6)
        S, B = int(rng.integers(2, 8)), int(rng.integers(1, 4))
        cell = [int(part) for part in rng.integers(0, S, 2)]
        page.ask(SET, {"boxes": boxes.tolist(), "S": S, "B": B, "cell": cell})
        expected = encode_yolo(boxes, np.array([1, 2, 3]), S, B, 3, size=(100, 100), dtype=np.float64)
        np.testing.assert_allclose(page.ask(DATA, "#say", "tensor"), expected, atol=1e-12)
        np.testing.assert_allclose(shown(page, "#rows td.number"), expected[cell[0], cell[1]], atol=1e-12)
        left_out = 3 - int(expected[..., 4 : 5 * B : 5].sum())
        assert ("left out" in page.ask(TEXTS, "#say")[0]) == (left_out > 0)
        lost += left_out
    assert lost > 3  # conflicts occurred


def test_weights_show_what_was_trained(page):
    open_toy(page, "loss-weight")
    text = (FOLDER / "loss-weight-results.js").read_text(encoding="utf-8")
    trained = json.loads(text[text.index("{") : text.rindex("}") + 1])
    for k, result in enumerate(trained["results"]):
        page.ask(SET, {"chosen": k})
        expected = [np.mean([curve[-1][name] for curve in result["curves"]]) for name in ("accuracy", "mean_iou")]
        np.testing.assert_allclose(page.ask(DATA, "#say", "reached"), expected)
        say = page.ask(TEXTS, "#say")[0]
        assert say.startswith(f"λ = {result['weight']:,}: the class is right in {100 * expected[0]:.0f} %")
        assert f"IoU of {expected[1]:.2f}" in say
    footer = page.ask(TEXTS, "footer")[0]
    for fact in ("level", "date", "processor"):
        assert trained[fact] in footer
    for fact in ("steps", "training_images", "held_out_images"):
        assert f"{trained[fact]:,}" in footer
    assert all(version in footer for version in trained["versions"].values())


@pytest.mark.parametrize("toy", TOYS)
def test_python_beside_a_toy_runs(page, toy):
    """The line that a page offers is Python; what it names exists."""
    open_toy(page, toy)
    for code in page.ask(TEXTS, "#python"):
        for line in code.split("; "):
            if "likewise" not in line:
                compile(line, toy, "exec")


def test_rules_at_their_limits(page):
    """What the pages' own positions hardly meet: an IoU equal to the threshold, an object that no anchor overlaps."""
    open_toy(page, "nms")
    boxes, scores = [[0, 0, 20, 20], [0, 0, 20, 40]], [0.9, 0.8]  # their IoU is .5
    for threshold in (0.5, 0.49):
        steps = page.ask("nmsSteps", boxes, scores, threshold)
        kept = [step["box"] for step in steps if step["by"] is None]
        assert kept == ops.nms(np.array(boxes, float), np.array(scores), threshold).tolist()
    open_toy(page, "anchors")
    iou = [[0.0, 0.0, 0.0], [0.4, 0.2, 0.4]]
    matches = [each["match"] for each in page.ask("matchAnchors", iou, 0.7, 0.3, True)]
    assert matches == match(np.array(iou), fg_iou_thresh=0.7, bg_iou_thresh=0.3).tolist()
