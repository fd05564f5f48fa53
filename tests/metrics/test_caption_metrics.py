"""METEOR (exact and stem), BLEU, CIDEr-D and the stemmer compared with other packages; boxes with sentences by hand."""

import json
import math
import pathlib

import numpy as np
import pytest

from minivision.data.instances import Instances
from minivision.metrics.captions import IOUS, METEORS, bleu, cider_d, dense_captioning_ap, meteor_exact_stem, stem
from minivision.metrics.captions.dense import merge_boxes

VALUES = json.loads(pathlib.Path(__file__).with_name("caption_values.json").read_text(encoding="utf-8"))


def test_meteor_is_nltks_without_wordnet():
    values = [meteor_exact_stem(hypothesis, references) for hypothesis, references, _ in VALUES["meteor"]]
    expected = [value for *_, value in VALUES["meteor"]]
    np.testing.assert_allclose(values, expected, atol=1e-12)
    assert len({round(value, 3) for value in values}) > 40 and 0 in values


def test_bleu_is_that_of_nltk_and_sacrebleu():
    hypotheses, references = zip(*VALUES["bleu"]["pairs"], strict=True)
    values = [bleu(hypotheses, references, n) for n in (1, 2, 3, 4)]
    # NLTK counts one run in a sentence that is too short to have any, sacreBLEU and the paper do not.
    np.testing.assert_allclose(values[:2], VALUES["bleu"]["nltk"][:2], atol=1e-12)
    assert values[3] == pytest.approx(VALUES["bleu"]["sacrebleu"], abs=1e-12) and 0.2 < values[3] < 0.9
    assert bleu([["a"]], [[["b"]]]) == 0


def test_cider_d_is_that_of_the_published_code():
    hypotheses, references = zip(*VALUES["bleu"]["pairs"], strict=True)
    np.testing.assert_allclose(cider_d(hypotheses, references), VALUES["cider"], atol=1e-12)
    assert len({round(value, 3) for value in VALUES["cider"]}) > 60 and max(VALUES["cider"]) > 4


def test_cider_d_is_that_of_pycocoevalcap_where_it_is_installed():
    cider = pytest.importorskip("pycocoevalcap.cider.cider")
    rng = np.random.default_rng(1)
    draw = lambda: list(rng.choice(["a", "red", "star", "left", "of", "ring"], rng.integers(0, 10)))
    references = [[draw() for _ in range(rng.integers(1, 4))] for _ in range(50)]
    hypotheses = [[*each[0][:4], *each[0][:2]] if k % 2 else draw() for k, each in enumerate(references)]
    _, expected = cider.Cider().compute_score(
        {k: list(map(" ".join, each)) for k, each in enumerate(references)},
        {k: [" ".join(each)] for k, each in enumerate(hypotheses)},
    )
    np.testing.assert_allclose(cider_d(hypotheses, references), expected, atol=1e-12)


def test_cider_d_gives_ten_to_long_perfect_sentences_and_nothing_for_what_is_said_of_everything():
    stars, rings = "a big red star".split(), "a big blue ring".split()
    np.testing.assert_allclose(cider_d([stars, rings], [[stars], [rings]]), 10)
    np.testing.assert_allclose(cider_d([stars[1:], rings[1:]], [[stars[1:]], [rings[1:]]]), 7.5)  # no run of four words
    np.testing.assert_allclose(cider_d([["a", "big"], []], [[stars], [rings]]), 0)
    assert cider_d([stars], [[stars]]) == 0  # of one thing alone nothing is rare
    # of two references each is half of it; repeating a word is no gain, and costs by the length
    one, five = cider_d([["star"], ["ring"] * 5], [[["star"], ["disc"]], [["ring"]]])
    assert one == pytest.approx(10 / 4 / 2) and five == pytest.approx(10 / 4 / 5 * math.exp(-16 / 72))
    with pytest.raises(ValueError, match="references: expected a sentence or more of each, got none of number 1"):
        cider_d([stars, rings], [[stars], []])


def test_stems_are_those_of_nltks_original_algorithm():
    assert {word: stem(word) for word in VALUES["stems"]} == VALUES["stems"]
    assert stem("is") == "is"


def found(boxes, captions, scores):
    return Instances(boxes, [1] * len(boxes), scores, captions=captions)


TRUTH = Instances([[0, 0, 10, 10], [50, 50, 70, 70]], [1, 2], captions=[("a red star", "a big star"), "a blue ring"])


def test_a_perfect_captioner_has_one_everywhere():
    same = found(TRUTH.boxes, ["a red star", "a blue ring"], [0.9, 0.8])
    np.testing.assert_allclose(dense_captioning_ap([TRUTH], [same]), 1)


def test_a_wrong_sentence_counts_as_a_miss_from_the_first_threshold_on():
    table = dense_captioning_ap([TRUTH], [found(TRUTH.boxes, ["nothing of that", "a blue ring"], [0.9, 0.8])])
    np.testing.assert_allclose(table[:, 0], 1)
    # recall 1/2 with precision 1/2: 51 of 101 recalls
    np.testing.assert_allclose(table[:, 1:], 51 / 101 / 2)


def test_boxes_are_compared_with_each_threshold():
    boxes = [[0, 0, 10, 5.5], TRUTH.boxes[1]]  # an IoU of .55
    table = dense_captioning_ap([TRUTH], [found(boxes, ["a red star", "a blue ring"], [0.8, 0.9])])
    assert [iou for iou, row in zip(IOUS, table, strict=True) if (row == 1).all()] == [0.3, 0.4, 0.5]
    np.testing.assert_allclose(table[3:], 51 / 101)
    assert table.shape == (len(IOUS), len(METEORS))


def test_a_second_detection_of_an_object_is_wrong():
    twice = found([TRUTH.boxes[0]] * 2, ["a red star"] * 2, [0.9, 0.8])
    np.testing.assert_allclose(dense_captioning_ap([TRUTH], [twice]), 51 / 101)


def test_images_without_objects_or_detections():
    nothing = Instances.empty(scores=True).replace(captions=[])
    assert np.isnan(dense_captioning_ap([Instances.empty()], [nothing])).all()
    assert (dense_captioning_ap([TRUTH], [nothing]) == 0).all()
    with pytest.raises(ValueError, match="fewer"):
        dense_captioning_ap([TRUTH], [])


def test_true_boxes_that_are_nearly_the_same_are_one_with_all_captions():
    boxes = [[0, 0, 10, 10], [0, 0, 10, 11], [40, 40, 50, 50]]
    merged, captions = merge_boxes(Instances(boxes, [1, 1, 1], captions=["a", "b", "c"]))
    np.testing.assert_allclose(merged, [[0, 0, 10, 10.5], [40, 40, 50, 50]])
    assert captions == [[["a"], ["b"]], [["c"]]]
    crowd = Instances(boxes, [1, 1, 1], captions=["a", "b", "c"], crowd=[False, False, True])
    assert len(merge_boxes(crowd)[0]) == 1
