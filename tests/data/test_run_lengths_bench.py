"""The timing of run lengths runs, and says that both give the same text."""

import numpy as np
import pytest

from minivision.bench import run_lengths


def test_a_line_for_each_mask_says_that_the_texts_are_the_same(monkeypatch, capsys):
    pytest.importorskip("pycocotools")
    monkeypatch.setattr(run_lengths, "ROUNDS", 1)
    monkeypatch.setattr(run_lengths, "masks", lambda: {"one": np.eye(9, dtype=bool), "other": np.ones((4, 5), bool)})
    run_lengths.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["one", "other"]
    assert all("the same text of" in line and "pycocotools" in line for line in lines)
