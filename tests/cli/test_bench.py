"""The command bench: all implementations do the same work, and every operation with a kernel is timed."""

import json
import sys
import time

import numpy as np
import pytest
from PIL import Image

from minivision.bench import cliffs, operations
from minivision.bench.growth_point import Figures
from minivision.bench.operations import entries
from minivision.bench.profile import Clock
from minivision.bench.roof import processor_name
from minivision.bench.work import Work
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
            ours = line.ours()
            if line.name == "lstm_step":
                ours = ours[:2]  # the gates, which the backward pass needs, PyTorch keeps for itself
            assert_alike(ours, line.theirs(), f"{line.name} {line.shape}")
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
    monkeypatch.setattr("minivision.bench.training_steps.SCENES", 8)
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
        (["--picture", "p.png"], "only a profile or a growth is drawn"),
        (["relu", "--profile", "yolo"], "it takes no names of operations"),
        (["--profile", "yol"], "invalid choice: 'yol'"),
        (["--profile", "yolo", "--picture", "p.gif"], "ends in .png or .svg"),
        (["--growth", "--picture", "no/where.png"], "--picture: there is no folder no"),
        (["--growth", "conv2d"], "called conv2d; there are block, encoder-decoder"),
        (["--growth", "--cliffs"], "not allowed with argument"),
        (["--growth", "--backend", "cupy"], "measured on the CPU only"),
        (["--cliffs", "relu"], "called relu; there are conv2d, conv2d_backward"),
        (["--cliffs", "--threads", "2"], "looked for on one thread"),
        (["--cliffs", "--factor", "1"], "greater than 1"),
        (["--cliffs", "--rounds", "3"], "only the table"),
        (["relu", "--minutes", "3"], "only --growth and --cliffs"),
        (["relu", "--factor", "3"], "it is for --cliffs"),
    ],
)
def test_what_a_part_does_not_take_is_refused(capsys, words, message):
    assert main(["bench", *words]) == 2
    assert message in capsys.readouterr().err


def test_growth_is_a_table_a_picture_and_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "minivision.bench.growth.measure_apart", lambda point, seconds: Figures(float(point.batch), 1, 2)
    )
    paths = {kind: tmp_path / f"growth.{kind}" for kind in ("json", "svg")}
    words = ["block", "--threads", "1", "--json", paths["json"], "--picture", paths["svg"]]
    assert main(["bench", "--growth", *map(str, words)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(processor_name()) and "block, channels 32, side 64" in out and "encoder-decoder" not in out
    content = json.loads(paths["json"].read_text(encoding="utf-8"))
    assert {point["step"] for point in content["points"]} == {"block"} and content["threads"] == 1
    assert all(point["milliseconds"] == point["batch"] for point in content["points"])
    svg = paths["svg"].read_text(encoding="utf-8")
    assert "<svg" in svg and "minivision, block: 1 ms at batch 1, 64 ms at batch 64." in svg
    assert sorted(tmp_path.iterdir()) == sorted(paths.values())


def test_growth_without_any_figures_fails(capsys, monkeypatch):
    monkeypatch.setattr("minivision.bench.growth.measure_apart", lambda point, seconds: "the process ended with 1: No")
    assert main(["bench", "--growth", "block"]) == 1
    assert "not measured, since the process ended with 1: No" in capsys.readouterr().out


def test_cliffs_are_a_table_and_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(cliffs, "CHANNELS", [8, 9, 10])
    monkeypatch.setattr(cliffs, "MAPS", [7, 8])
    slow = {8: 1.0, 9: 1.3, 10: 20.0}  # of every kernel, by channels
    monkeypatch.setattr(cliffs.Line, "call", lambda line, size, batch: slow.get(line.shape(size)[0], 1.0))
    monkeypatch.setattr(cliffs, "thread_seconds", lambda call, **_: call)
    monkeypatch.setattr(cliffs, "works_of", lambda call: [Work(100, 1)])
    path = tmp_path / "cliffs.json"
    assert main(["bench", "--cliffs", "conv_transpose2d", "--json", str(path), "--factor", "2"]) == 0
    out = capsys.readouterr().out
    assert "5 lines of sizes; a cliff is a jump by a factor of 2 more" in out
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [(cliff["fixed"], cliff["smaller"], cliff["slow"]) for cliff in content["cliffs"]] == [
        (14, 9, 10), (28, 9, 10), (56, 9, 10),
    ]  # fmt: skip
    assert len(content["lines"]) == 5 and content["lines"][0]["milliseconds"] == [1000, 1300, 20000]
    assert main(["bench", "--cliffs", "conv_transpose2d", "--minutes", "1e-9"]) == 0
    assert "5 lines were not timed, from conv_transpose2d 4x4 /2 on" in capsys.readouterr().out
