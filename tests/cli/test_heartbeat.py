"""No command is silent for long, and what it prints then says what takes the time."""

import time

from minivision.cli.heartbeat import PACKAGE, describe, heartbeat


def test_a_silent_block_is_told_what_it_does_and_one_that_prints_is_left_alone(capsys):
    def slow_function():
        time.sleep(0.7)

    with heartbeat(0.25):
        slow_function()
    said = capsys.readouterr().err
    assert 1 <= said.count("minivision: running slow_function of ") <= 3
    assert f"{__file__}, line " in said and "the time is that of this file" in said and " s so far" in said
    with heartbeat(0.4):
        for _ in range(6):
            time.sleep(0.1)
            print("a step")
    assert capsys.readouterr().err == ""


def test_functions_of_the_package_and_compiling_are_named():
    class Frame:
        def __init__(self, path, name, back=None):
            self.f_code = type("Code", (), {"co_filename": str(path), "co_name": name})
            self.f_lineno, self.f_back = 7, back

    own = Frame(PACKAGE / "detection" / "search.py", "selective_search")
    assert describe(own) == "in selective_search (search.py)"
    assert describe(Frame("/x/site-packages/numba/core/compiler.py", "compile_ir", own)).startswith("compiling kernels")
    assert describe(Frame("/x/site-packages/numpy/lib/pad.py", "pad", own)) == "in selective_search (search.py)"
    helper = Frame(PACKAGE / "detection" / "search.py", "_merge", Frame("/x/numpy.py", "pad", own))
    assert describe(helper) == "in selective_search (search.py)"
    assert describe(Frame(PACKAGE / "search.py", "_alone")) == "in _alone (search.py)"
    assert describe(None) == "still at work"
