"""The benchmark runs, and compares functions that compute the same."""

import pytest

from minivision.bench import average_precision as bench


@pytest.mark.parametrize(("kind", "as_runs"), [("box", False), ("mask", False), ("mask", True)])
def test_all_compute_the_same(kind, as_runs):
    pytest.importorskip("pycocotools", reason="it is what is compared with")
    ours, theirs, difference = bench.compare(bench.Work(kind, 3, (40, 50), 4, 8, 2, as_runs), rounds=1)
    assert set(theirs) == set(bench.installed()) and min(ours, *theirs.values()) > 0 and difference < 1e-9


def test_table_has_a_row_for_every_kind_of_work_and_a_ratio_for_each_rival(monkeypatch, capsys):
    monkeypatch.setattr(bench, "installed", lambda: ["pycocotools", "hotcoco"])
    seconds = {"pycocotools": 4.0, "hotcoco": 2.0}
    monkeypatch.setattr(bench, "compare", lambda work: bench.Comparison(1.0, seconds, 0.0))
    assert bench.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(bench.WORKLOADS)
    assert all("0.250" in line and "0.500" in line for line in lines[1:])


def test_without_anything_to_compare_with_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(bench, "installed", list)
    assert bench.main() == 2
    assert "pip install pycocotools, or hotcoco" in capsys.readouterr().err
