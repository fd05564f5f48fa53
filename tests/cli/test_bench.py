"""The command bench: all implementations do the same work, and every operation with a kernel is timed."""

import json
import sys
import time

import numpy as np
import pytest
from PIL import Image

from minivision.bench import operations
from minivision.bench.operations import entries
from minivision.bench.profile import Clock
from minivision.bench.roof import processor_name
from minivision.cli import main
from minivision.cli.bench import ratios
from minivision.core import registry
from minivision.core.backends import backend, get_backend

RANDOM = {"dropout"}  # each call draws other numbers


@pytest.fixture(autouse=True)
def short_roofs(monkeypatch):
    """Measure the roofs for a moment only."""
    monkeypatch.setattr("minivision.bench.roof.SECONDS", 0.02)


@pytest.fixture(scope="module")
def lines():
    """All lines, without PyTorch."""
    return list(entries(None))


def arrays(result):
    """Return the arrays of a result, whatever tuples they are wrapped in."""
    if isinstance(result, (tuple, list)):
        return [array for part in result for array in arrays(part)]
    return [] if result is None or isinstance(result, bool) else [np.asarray(result)]


def assert_alike(ours, theirs, title):
    ours, theirs = arrays(ours), arrays(theirs)
    assert [array.shape for array in ours] == [array.shape for array in theirs], title
    for a, b in zip(ours, theirs, strict=True):
        assert np.abs(a - b).max() <= 1e-2 * max(1, np.abs(b).max()), title  # Winograd's error, in sums of 576 products


def test_every_operation_with_a_kernel_is_timed_with_its_reference(lines):
    with_kernel = {name for name, op in registry.operations().items() if get_backend("numba").kernel(op) is not None}
    assert {line.name for line in lines if line.reference} == with_kernel


def test_reference_and_numba_do_the_same_small_work(lines):
    seen = set()
    for line in lines:
        if line.reference and line.name not in seen | RANDOM:
            seen.add(line.name)
            with backend("numba"):
                assert_alike(line.ours_small(), line.reference(), line.name)
            assert line.small_shape


def test_pytorch_does_the_same_work():
    torch = pytest.importorskip("torch")
    compared = 0
    for line in entries(torch):
        if line.theirs and line.name not in RANDOM | {"batch_norm2d", "batch_norm2d_backward"}:
            assert_alike(line.ours(), line.theirs(), f"{line.name} {line.shape}")
            compared += 1
    assert compared > 40


def test_an_operation_without_a_line_of_its_own_gets_its_largest_case(monkeypatch):
    monkeypatch.setattr(operations.importlib.util, "find_spec", lambda name: None)
    (line,) = entries(None, ["max_pool2d"])
    assert line.name == "max_pool2d" and line.theirs is None
    assert_alike(line.ours_small(), line.reference(), line.name)


def test_a_line_for_the_operation_with_times_and_ratios(capsys):
    pytest.importorskip("torch")
    assert main(["bench", "relu", "--rounds", "1"]) == 0
    head, roofs, arrays, columns, line, mean, *slower = capsys.readouterr().out.splitlines()
    assert "torch" in head and "numba" in head and "ratio" in columns and "reference / Numba" in columns
    assert head.startswith(processor_name()) and "multiply-adds/s" in roofs and "MiB" in arrays
    name, shape, ours, theirs, ratio, share, nearer, times, small_shape = line.split()
    assert (name, shape, nearer, small_shape) == ("relu", "8x64x64x64", "mem", "1x64x64x64")
    assert float(ratio) == pytest.approx(float(ours) / float(theirs), rel=0.05) and times.endswith("x")
    assert float(share) > 0 and mean.startswith(f"geometric mean of 1 ratio(s): {ratio}")
    assert len(slower) == (float(ours) > float(theirs))


def test_without_pytorch_its_columns_are_left_out_with_a_message(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # what Python takes for "cannot be imported"
    assert main(["bench", "relu", "--rounds", "1"]) == 0
    note, head, *_, columns, line = capsys.readouterr().out.splitlines()
    assert note.startswith("PyTorch is not installed") and "torch" not in head
    assert "PyTorch" not in columns and "ratio" not in columns.split() and len(line.split()) == 7


def test_times_are_written_to_a_file(capsys, tmp_path):
    path = tmp_path / "speed.json"
    assert main(["bench", "max_pool2d", "--rounds", "1", "--threads", "1", "--json", str(path)]) == 0
    figures = json.loads(path.read_text())
    (row,) = figures["operations"]
    assert figures["threads"] == 1 and row["name"] == "max_pool2d" and row["shape"] == "8x64x64x64, 2x2"
    assert row["small_reference_ms"] > row["small_numba_ms"] > 0 and row["numba_ms"] > 0
    roof, numbers = figures["roof"], 8 * 64 * 64 * 64
    assert row["bytes"] == numbers * 4 + numbers // 4 * (4 + 8) and row["multiply_adds"] == 0
    assert row["share"] == pytest.approx(1e3 * row["bytes"] / roof["bandwidth"] / row["numba_ms"])
    assert roof["multiply_adds"] == max(roof["blas"], roof["tile"]) and figures["processor"] == processor_name()
    assert list(tmp_path.iterdir()) == [path]
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("max_pool2d"))
    times = float(line.split()[-3].rstrip("x").replace(",", ""))
    assert times == pytest.approx(row["small_reference_ms"] / row["small_numba_ms"], rel=0.1)


def test_where_the_work_depends_on_the_values_there_is_a_dash(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["bench", "nms", "--rounds", "1"]) == 0
    assert all(line.split()[3] == "-" for line in capsys.readouterr().out.splitlines()[-3:])


def test_ratios_are_summed_up_by_their_geometric_mean_and_the_rows_above_1():
    rows = [
        {"name": "a", "shape": "1", "numba_ms": 1.0, "torch_ms": 4.0},
        {"name": "b", "shape": "2", "numba_ms": 3.0, "torch_ms": 2.0},
        {"name": "c", "shape": "3", "numba_ms": 8.0, "torch_ms": 3.0},
        {"name": "d", "shape": "4", "numba_ms": 3.0},
    ]
    assert ratios(rows) == ["geometric mean of 3 ratio(s): 1.00; above 1.0: 2", "  2.67  c 3", "  1.50  b 2"]
    assert ratios(rows[3:]) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [(["conv3d"], "nothing to time is called conv3d"), (["relu", "--json", "no/where.json"], "there is no folder no")],
)
def test_wrong_names_are_refused_before_anything_is_timed(capsys, words, message):
    assert main(["bench", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out


def test_a_profile_names_operations_and_what_is_none(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("minivision.bench.profile.SCENES", 8)
    out = run_profile(capsys, "encoder-decoder", "--json", tmp_path / "p.json", "--picture", tmp_path / "p.png")
    parts = {part["name"]: part for part in json.loads((tmp_path / "p.json").read_text())["parts"]}
    assert parts["conv2d_backward"]["group"] == "operations" and parts["optimizer"]["group"] == "no operation"
    assert parts["softmax_cross_entropy"]["calls"] == 1 and parts["conv2d"]["calls"] > 4
    assert all(part["milliseconds"] > 0 for part in parts.values())
    assert "(optimizer)" in out and "of it no operation" in out
    with Image.open(tmp_path / "p.png") as image:
        assert min(image.size) > 200


def run_profile(capsys, *words):
    assert main(["bench", "--profile", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_the_clock_counts_a_part_once():
    clock = Clock()
    with clock.measure("a", "outer"):
        time.sleep(0.02)
        with clock.measure("b", "inner"):
            time.sleep(0.05)
    assert 0.015 < clock.seconds["a", "outer"] < 0.045 < clock.seconds["b", "inner"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--picture", "p.png"], "only a profile is drawn"),
        (["relu", "--profile", "yolo"], "it takes no names of operations"),
        (["--profile", "yol"], "invalid choice: 'yol'"),
    ],
)
def test_what_a_profile_does_not_take_is_refused(capsys, words, message):
    assert main(["bench", *words]) == 2
    assert message in capsys.readouterr().err
