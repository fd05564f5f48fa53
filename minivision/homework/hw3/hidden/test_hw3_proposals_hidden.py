"""Graded tests of region proposals: other boxes than the visible tests, partial credit for each step."""

import pytest


@pytest.mark.task("3.10", points=2)
def test_candidates_of_all_anchors(student):
    student.check("candidate_boxes", seed=student.seed, keep=lambda a: a["pre_nms_top_n"] > 100)


@pytest.mark.task("3.10", points=2)
def test_candidates_with_all_settings(student):
    student.check("candidate_boxes", seed=student.seed)


@pytest.mark.task("3.10", points=2)
def test_proposals_of_all_anchors(student):
    student.check("select_proposals", seed=student.seed, keep=lambda a: a["pre_nms_top_n"] > 100)


@pytest.mark.task("3.10", points=2)
def test_proposals_with_all_settings(student):
    student.check("select_proposals", seed=student.seed)
