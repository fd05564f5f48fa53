"""The benchmark command: it times what is asked for beside PyTorch, and says what it does not know."""

import pytest

from minivision.cli import main


def test_a_line_for_the_operation_with_both_times_and_their_ratio(capsys):
    pytest.importorskip("torch")
    assert main(["bench", "relu", "--rounds", "1"]) == 0
    head, columns, line = capsys.readouterr().out.splitlines()
    assert "torch" in head and "ratio" in columns
    name, shape, ours, torchs, ratio = line.split()
    assert name == "relu" and float(ratio) == pytest.approx(float(ours) / float(torchs), abs=0.01)


def test_an_unknown_name_is_refused(capsys):
    pytest.importorskip("torch")
    assert main(["bench", "conv3d"]) == 2
    assert "nothing to time is called conv3d" in capsys.readouterr().err


def test_every_entry_computes_the_same_kind_of_result_on_both_sides():
    torch = pytest.importorskip("torch")
    from minivision.bench.operations import entries

    for entry in entries(torch):
        if entry.name.endswith("backward") or "entropy" in entry.name:
            continue
        ours, torchs = (result[0] if isinstance(result, tuple) else result for result in (entry.ours(), entry.torchs()))
        assert ours.shape == tuple(torchs.shape), entry
        assert abs(ours - torchs.numpy()).max() < 1e-2, entry  # Winograd's error, relative to sums of 576 products
