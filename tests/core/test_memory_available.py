"""Available memory as the three systems tell it, from what they print."""

import sys

import pytest

from minivision.core.memory_available import available_memory, from_meminfo, from_vm_stat, left_in_group

MEMINFO = "MemTotal:       32594712 kB\nMemFree:         1170844 kB\nMemAvailable:   21402112 kB\nBuffers: 7 kB\n"
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               5000.
Pages active:                           300000.
Pages inactive:                          20000.
Pages speculative:                         300.
Pages throttled:                             0.
Pages wired down:                       100000.
Pages purgeable:                            40.
"File-backed pages":                    100000.
"""


def test_this_machine_has_some_memory_but_not_more_than_there_is():
    psutil = pytest.importorskip("psutil", reason="psutil is the oracle")
    own = available_memory()
    assert own is not None and 1 << 20 < own <= psutil.virtual_memory().total
    if sys.platform == "linux":
        assert own <= 1.2 * psutil.virtual_memory().available


def test_linux_and_macos():
    assert from_meminfo(MEMINFO) == 21402112 * 1024 and from_meminfo("MemTotal: 5 kB\n") is None
    assert from_vm_stat(VM_STAT) == 16384 * 25340 and from_vm_stat("") is None


def test_a_container_may_have_less(tmp_path):
    assert left_in_group(tmp_path) is None
    new, old = tmp_path / "new", tmp_path / "old"
    (old / "memory").mkdir(parents=True)
    new.mkdir()
    (new / "memory.max").write_text("1000\n")
    (new / "memory.current").write_text("700\n")
    (new / "memory.stat").write_text("anon 400\nfile 300\ninactive_file 250\n")
    assert left_in_group(new) == 550
    (new / "memory.max").write_text("max\n")
    assert left_in_group(new) is None
    (old / "memory" / "memory.limit_in_bytes").write_text("1000\n")
    (old / "memory" / "memory.usage_in_bytes").write_text("1200\n")
    (old / "memory" / "memory.stat").write_text("inactive_file 7\ntotal_inactive_file 50\n")
    assert left_in_group(old) == 0
    (old / "memory" / "memory.usage_in_bytes").write_text("600\n")
    assert left_in_group(old) == 450


def test_a_system_that_says_nothing_is_no_error(monkeypatch):
    monkeypatch.setattr("minivision.core.memory_available.sys.platform", "darwin")

    def missing(*args, **options):
        raise FileNotFoundError("vm_stat")

    monkeypatch.setattr("minivision.core.memory_available.subprocess.run", missing)
    assert available_memory() is None
