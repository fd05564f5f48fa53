"""Control groups, in folders that look like those of the kernel."""

import os
import pathlib
import subprocess
import sys

import pytest

from minivision.homework import control_group
from minivision.homework.control_group import PREFIX, ControlGroup


@pytest.fixture
def process():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()


def made(tmp_path, process, groups, monkeypatch, refused=()):
    """Return the control group of a process under a root in which the kernel refuses some files."""
    own = tmp_path / "own"
    own.write_text(groups, encoding="utf-8")
    write = pathlib.Path.write_text

    def written(self, *args, **options):
        if self.name in refused:
            raise PermissionError(f"there is no {self.name}")
        return write(self, *args, **options)

    monkeypatch.setattr(pathlib.Path, "write_text", written)
    return ControlGroup(process.pid, processes=8, memory=1 << 30, root=tmp_path, own=own)


def version_2(tmp_path, path):
    """Make the folders of version 2 down to a group; only the root has its controllers switched on."""
    for folder in (tmp_path, *((tmp_path / path).parents)[-3::-1], tmp_path / path):
        folder.mkdir(exist_ok=True, parents=True)
    for folder in {tmp_path, tmp_path / path, (tmp_path / path).parent}:
        (folder / "cgroup.controllers").write_text("cpuset cpu io memory pids\n", encoding="utf-8")
        (folder / "cgroup.subtree_control").write_text("cpu\n", encoding="utf-8")


def numbers(folder):
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


def test_version_2_has_one_group_beside_our_own(tmp_path, process, monkeypatch):
    version_2(tmp_path, "system.slice/grader.service")
    group = made(tmp_path, process, "0::/system.slice/grader.service\n", monkeypatch)
    (folder,) = group.folders
    assert folder.parent == tmp_path / "system.slice" and group.limited == {"processes", "memory"}
    limits = {"pids.max": "8", "memory.max": str(1 << 30), "memory.swap.max": "0", "cgroup.procs": str(process.pid)}
    assert numbers(folder) == limits
    switched_on = (folder.parent / "cgroup.subtree_control").read_text(encoding="utf-8")
    assert switched_on in ("+memory", "+pids")  # the last of the two writes


def test_version_2_in_the_root_of_a_container(tmp_path, process, monkeypatch):
    version_2(tmp_path, "x")
    group = made(tmp_path, process, "0::/\n", monkeypatch)
    assert [folder.parent for folder in group.folders] == [tmp_path]


@pytest.mark.parametrize(
    ("refused", "limited"),
    [
        (("memory.max", "memory.swap.max"), {"processes"}),
        (("pids.max",), {"memory"}),
        (("memory.swap.max",), {"processes", "memory"}),  # a kernel without swap
        (("memory.max", "memory.swap.max", "pids.max"), set()),
        (("cgroup.procs",), set()),
    ],
)
def test_version_2_limits_what_the_kernel_lets_it(tmp_path, process, monkeypatch, refused, limited):
    version_2(tmp_path, "system.slice/grader.service")
    group = made(tmp_path, process, "0::/system.slice/grader.service\n", monkeypatch, refused)
    assert group.limited == limited and bool(group.folders) == bool(limited)


def test_version_1_has_a_group_in_each_hierarchy(tmp_path, process, monkeypatch):
    for name in ("memory/a", "pids/b", "cpu"):
        (tmp_path / name).mkdir(parents=True)
    group = made(tmp_path, process, "5:memory:/a\n4:pids:/b\n3:cpu:/\n", monkeypatch)
    assert {folder.parent for folder in group.folders} == {tmp_path / "memory" / "a", tmp_path / "pids" / "b"}
    assert group.limited == {"processes", "memory"}


def test_closing_kills_the_group_and_its_processes(tmp_path, process, monkeypatch):
    version_2(tmp_path, "system.slice/grader.service")
    group = made(tmp_path, process, "0::/system.slice/grader.service\n", monkeypatch)
    (folder,) = group.folders
    monkeypatch.setattr(control_group.time, "sleep", lambda seconds: None)
    group.close()
    assert process.wait(10) == -9 and numbers(folder)["cgroup.kill"] == "1" and not group.folders


def test_groups_of_graders_that_were_killed_are_removed(tmp_path, process, monkeypatch):
    version_2(tmp_path, "system.slice/grader.service")
    parent, gone = tmp_path / "system.slice", subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stale, living = parent / f"{PREFIX}{gone.pid}-5", parent / f"{PREFIX}{os.getpid()}-5"
    for folder in (stale, living):
        folder.mkdir()
    made(tmp_path, process, "0::/system.slice/grader.service\n", monkeypatch)
    assert not stale.exists() and living.exists()
