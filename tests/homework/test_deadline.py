"""A time limit counts what a process uses, not what a busy machine lets it wait for."""

import os
import subprocess
import sys
import time

import pytest

from minivision.homework import deadline
from minivision.homework.deadline import Deadline

BUSY = """
import os, time
os.sched_setaffinity(0, [{cpu}])
end = time.monotonic() + 8
while time.monotonic() < end:
    pass
"""


def test_the_time_is_up_after_the_limit_for_a_process_that_sleeps():
    limit = Deadline(0.2, os.getpid())
    assert 0 < limit.left() <= 0.2
    time.sleep(0.3)
    assert limit.left() < 0.05


def test_what_was_waited_for_does_not_count_up_to_a_bound(monkeypatch):
    waited = [100.0]
    monkeypatch.setattr(deadline, "_seconds_waited", lambda pid: waited[0])
    limit = Deadline(0.1, 1)
    time.sleep(0.15)
    waited[0] += 0.1
    assert limit.used() == pytest.approx(0.05, abs=0.04) and limit.left() > 0
    waited[0] += 1000
    assert limit.used() == pytest.approx(0.15 - 0.1 * deadline.MAX_STRETCH, abs=0.05)


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this system does not tell")
def test_three_processes_on_one_processor_wait_for_each_other():
    cpu = min(os.sched_getaffinity(0))
    busy = [subprocess.Popen([sys.executable, "-c", BUSY.format(cpu=cpu)]) for _ in range(3)]
    try:
        time.sleep(0.5)
        limits = [Deadline(0.9, process.pid) for process in busy]
        time.sleep(1.5)
        assert all(limit.used() < 1.2 for limit in limits), [limit.used() for limit in limits]
    finally:
        for process in busy:
            process.kill()
            process.wait()
