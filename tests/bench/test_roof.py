"""The roofs: shares by hand, and measurements that a processor can have."""

import json
import math

import numpy as np
import pytest

from minivision.bench import roof as module
from minivision.bench.roof import Roof, last_level_cache, measure_roof, memory_rate, processor_name
from minivision.bench.work import Work

ROOF = Roof(blas=100.0, tile=50.0, bandwidth=10.0, side=512, array_bytes=1 << 27, cache_bytes=1 << 25)


def test_the_nearer_roof_is_the_one_that_takes_longer():
    products, moves = Work(1000, 20), Work(1000, 200)  # 10 s and 2 s; 10 s and 20 s
    assert ROOF.seconds(products) == 10 and ROOF.seconds(moves) == 20
    assert ROOF.is_arithmetic([products]) and not ROOF.is_arithmetic([moves])
    assert ROOF.share([moves], 40) == 0.5
    assert ROOF.share([products, moves], 60) == 0.5  # one operation after the other: 30 s


def test_without_blas_the_tile_counts_and_the_file_has_no_nan():
    roof = Roof(math.nan, 50.0, 10.0, 512, 1 << 27, 0)
    assert roof.multiply_adds == 50
    assert json.loads(json.dumps(roof.as_json(), allow_nan=False))["blas"] is None
    assert "no known cache" in roof.lines()[1]


def test_measurements_are_those_of_a_processor(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.1)
    roof = measure_roof(1)
    for rate in (roof.blas, roof.tile):
        assert 1e8 < rate < 1e13
    assert 1e8 < roof.bandwidth < 1e13
    assert roof.array_bytes >= 4 * min(roof.cache_bytes, module.LARGEST // 4)
    first, second = roof.lines()
    assert f"{roof.multiply_adds / 1e9:.1f} G" in first and f"{roof.array_bytes >> 20} MiB" in second


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_number_is_added_whatever_the_threads(threads, monkeypatch):
    added = []
    monkeypatch.setattr(module, "SECONDS", 0)
    monkeypatch.setattr(module.np, "add", lambda a, b, out: added.append(a.size))
    memory_rate(1 << 16, threads)
    numbers = (1 << 14) // (max(1, 8 // threads) * threads)
    assert set(added) == {numbers} and len(added) % threads == 0


def test_a_last_level_cache_is_the_largest_file_of_the_system(tmp_path, monkeypatch):
    for k, text in enumerate(["32K\n", "1024K\n", "96M\n", "nonsense\n"]):
        (tmp_path / f"index{k}").mkdir()
        (tmp_path / f"index{k}" / "size").write_text(text, encoding="ascii")
    monkeypatch.setattr(module, "_CACHES", str(tmp_path))
    assert last_level_cache() == 96 << 20
    monkeypatch.setattr(module, "_CACHES", str(tmp_path / "none"))
    assert last_level_cache() == 0


def test_the_processor_has_a_name():
    assert processor_name().strip() and "\n" not in processor_name()


def test_best_seconds_is_the_shortest_call_without_the_first(monkeypatch):
    durations, now = iter([0.5, 3.0, 1.0, 2.0, 4.0]), [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(module, "SECONDS", 0)

    def function():
        now[0] += next(durations)

    assert module.best_seconds(function) == 1.0
    assert np.isfinite(now[0])
