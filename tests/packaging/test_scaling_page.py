"""The page about scaling says what its record and its formula say, and its code runs."""

import importlib.util
import pathlib
import re

import numpy as np
import pytest
from thread_ranks import on_ranks

DOCS = pathlib.Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def writer():
    spec = importlib.util.spec_from_file_location("write_scaling", DOCS / "scaling" / "write.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_one_that_the_record_gives(writer):
    page = (DOCS / "scaling.md").read_text(encoding="utf-8")
    assert page == writer.page(), "docs/scaling.md is not what its record says: python docs/scaling/write.py"
    assert "{{" not in page


def test_the_code_of_the_page_runs():
    page = (DOCS / "scaling.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 1
    exec(blocks[0], {})


def test_the_formula_counts_the_messages_and_the_bytes_that_are_sent(writer):
    for size in (2, 3, 8):
        array = np.ones(48_000, np.float32)

        def traffic(ranks, array=array):
            ranks.sum(array)
            return ranks.messages, ranks.sent

        ((messages, sent),) = set(on_ranks(size, traffic))
        assert writer.sum_seconds(size, array.nbytes, 1.0, float("inf")) == messages
        assert writer.sum_seconds(size, array.nbytes, 0.0, 1.0) == pytest.approx(sent)


def test_the_formula_tells_what_the_cable_took(writer):
    facts = writer.measured()["links"]["1gbit"]
    for size, seconds in facts["sums"].items():
        if int(size) >= 1_000_000:
            assert writer.sum_seconds(2, int(size), facts["latency"], facts["bandwidth"]) == pytest.approx(
                seconds, rel=0.5
            )


def test_what_is_sent_during_the_backward_pass_is_not_waited_for(writer, monkeypatch):
    size = 1 << 20
    monkeypatch.setattr(writer, "gradient_bytes", lambda system: size)
    for completed, backward, rest in (
        ([[1.0, 1.0]], 0.5, size),  # complete at the end: all of it is waited for
        ([[0.0, 0.75], [1.0, 0.75]], 0.5, size / 4),  # a quarter is in no group
        ([[0.0, 0.5], [0.0, 1.0]], 0.0, size),  # no time to hide it
    ):
        record = {**writer.measured(), "backward": {"ssd": {"completed": completed}}}
        latency, bandwidth = writer.link(record, "1gbit")
        expected = writer.sum_seconds(2, rest, latency, bandwidth)
        assert writer.waiting(record, "ssd", 2, "1gbit", backward) == pytest.approx(expected, abs=5 * latency)


def test_the_model_tells_what_sending_during_the_backward_pass_saved(writer):
    record = writer.measured()
    for system in record["overlap"]["1gbit"]:
        measured = np.mean(writer.overlap_ratios(record, system, "1gbit"))
        assert writer.overlap_ratio(record, system, "1gbit") == pytest.approx(measured, abs=0.12)
