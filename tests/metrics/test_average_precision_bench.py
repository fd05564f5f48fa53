"""The benchmark runs, and compares functions that compute the same."""

import pytest

from minivision.bench import average_precision as bench


@pytest.mark.parametrize("kind", ["box", "mask"])
def test_both_compute_the_same(kind):
    pytest.importorskip("pycocotools", reason="it is what is compared with")
    ours, theirs, difference = bench.compare(kind, 3, (40, 50), 4, 8, 2, rounds=1)
    assert ours > 0 and theirs > 0 and difference < 1e-9


def test_table_has_a_row_for_every_case(monkeypatch, capsys):
    pytest.importorskip("pycocotools", reason="it is what is compared with")
    monkeypatch.setattr(bench, "compare", lambda *work: (1.0, 4.0, 0.0))
    assert bench.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(bench.WORKLOADS) and all("0.250" in line for line in lines[1:])
