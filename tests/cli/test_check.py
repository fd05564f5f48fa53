"""The check command: a line for each operation, what is wrong below, and the exit code."""

import signal

import pytest

from minivision.cli import main

RIGHT = """\
import numpy as np


def relu(x):
    return np.maximum(x, 0)


def relu_backward(dy, x):
    return dy * (x > 0)
"""
WRONG = RIGHT.replace("dy * (x > 0)", "-dy * (x > 0)")


@pytest.fixture
def check(capsys, tmp_path, monkeypatch):
    """Run the command next to a file ``mine.py``; return the exit code, the lines printed and the errors."""
    monkeypatch.chdir(tmp_path)

    def check(*words, text=None):
        if text is not None:
            (tmp_path / "mine.py").write_text(text)
            words += ("--backend", "mine.py")
        code = main(["check", *words])
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err

    return check


def test_an_operation_and_its_backward_pass_belong_together(check):
    for name in ("relu", "relu_backward"):
        code, (backend, head, forward, backward, summary), _ = check(name, "--backend", "reference")
        assert code == 0 and backend == "backend reference" and summary == "2 ok"
        assert head.split() == ["operation", "cases", "values", "gradients", "adjoint", "verdict"]
        assert forward.split() == ["relu", "8", "0.0e+00", "-", "-", "ok"]
        name, cases, values, gradients, adjoint, verdict = backward.split()
        assert (name, adjoint, verdict) == ("relu_backward", "-", "ok") and 0 < float(gradients) < 1e-6


def test_the_active_backend_and_the_reason_are_printed(check, monkeypatch):
    monkeypatch.setattr("minivision.core.backends._chosen", None)
    monkeypatch.setenv("MINIVISION_BACKEND", "reference")
    assert check("relu")[1][0] == "backend reference, chosen by the variable MINIVISION_BACKEND"


def test_progress_goes_to_the_error_output(check):
    _, out, errors = check("relu", "--backend", "reference")
    assert "operation/s" in errors and not any("operation/s" in line for line in out)


def test_the_operations_in_a_file_are_checked(check):
    code, lines, _ = check(text=RIGHT)
    assert code == 0 and lines[0] == "mine.py: 2 operations: relu, relu_backward"
    assert [line.split()[0] for line in lines[2:-1]] == ["relu", "relu_backward"] and lines[-1] == "2 ok"


def test_a_mistake_is_explained_below_the_table_and_the_exit_code_is_1(check):
    code, lines, _ = check(text=WRONG)
    assert code == 1 and lines[3].endswith("WRONG") and lines[4] == "1 ok, 1 wrong"
    assert lines[6].startswith("relu_backward (mine.py, line 8), ") and "The sign is wrong" in "\n".join(lines)


def test_operations_that_are_not_in_the_file_are_not_reported_as_ok(check):
    code, lines, _ = check("relu", "sigmoid", text=RIGHT)
    assert code == 1
    rows = {line.split()[0]: line for line in lines}
    assert rows["relu"].endswith("ok") and rows["sigmoid"].endswith("not in mine.py, not checked")
    assert "sigmoid" not in lines[0] and lines[-1] == "2 ok"


def test_a_missing_backward_pass_that_was_not_selected_is_no_failure(check):
    code, lines, _ = check("relu", text=RIGHT.partition("\n\n\ndef relu_backward")[0])
    assert code == 0 and lines[3].endswith("not in mine.py, not checked")


def test_a_function_that_is_not_written_yet_is_listed_and_is_no_success(check):
    code, lines, _ = check(text=RIGHT.replace("return dy * (x > 0)", "raise NotImplementedError"))
    assert code == 1 and lines[3].endswith("not yet") and lines[4] == "1 ok, 1 not yet"


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        (("conv2",), None, "no operation is called conv2; did you mean conv2d?"),
        (("relu", "--backend", "fortran"), None, "fortran is neither a backend (reference, numba, cupy"),
        (("relu", "--backend", "none.py"), None, "none.py: No such file"),
        (("relu", "--seed", "-1"), None, "--seed: expected a whole number"),
        (("relu",), "def relu(x)\n    return x\n", "mine.py, line 1: expected ':'"),
        ((), "import numpy\n", "mine.py has no function with the name of an operation"),
    ],
)
def test_wrong_usage_is_an_error_of_one_sentence_and_exit_code_2(check, words, text, message):
    code, out, errors = check(*words, text=text)
    assert code == 2 and message in errors and errors.count("\n") == 1 and not out


def test_ctrl_c_in_an_endless_loop_prints_its_line(check):
    loop = "import os, signal\n\n\ndef relu(x):\n    while True:\n        os.kill(os.getpid(), signal.SIGINT)\n"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores Ctrl-C
    try:
        code, _, errors = check(text=loop)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 1 and "minivision: stopped in line 6 of mine.py: `os.kill" in errors


def test_another_seed_draws_other_numbers(check):
    figures = {check("sigmoid", "--backend", "reference", "--seed", seed)[1][3].split()[3] for seed in "123"}
    assert len(figures) > 1


def test_help_has_examples(capsys):
    assert main(["check", "--help"]) == 0
    out = capsys.readouterr().out
    assert "examples:" in out and "minivision check conv2d --backend mine.py" in out


def test_a_page_shows_wrong_functions_step_by_step(check, tmp_path):
    code, lines, _ = check("--html", "page.html", text=WRONG)
    assert code == 1 and lines[-1] == "To see it step by step, open page.html in a browser"
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("minivisionPlayer(document") == 1 and "-dy * (x > 0)" in page and "should be" in page
    assert check(text=WRONG)[1][-1] == "To see it step by step beside the right values, add --html FILE.html"
    (tmp_path / "page.html").unlink()
    code, lines, _ = check("--html", "page.html", text=RIGHT)
    assert code == 0 and lines[-1] == "page.html is not written: there is nothing wrong to show"
    assert not (tmp_path / "page.html").exists()


def test_a_page_about_a_function_that_stops_names_the_line(check, tmp_path):
    check("relu", "--html", "page.html", text=RIGHT.replace("np.maximum(x, 0)", "x[1000, 1000]"))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "mine.py has no steps to show. IndexError in line 5 of mine.py" in page


def test_a_page_needs_a_file(check):
    code, _, errors = check("relu", "--html", "page.html")
    assert code == 2 and "give it with --backend" in errors


def test_a_function_that_ends_the_program_is_wrong(check, tmp_path):
    text = "import sys\n\n\ndef relu(x):\n    sys.exit(0)\n"
    code, lines, _ = check("relu", "--html", "steps.html", text=text)
    assert code == 1 and "SystemExit in line 5 of mine.py" in "\n".join(lines)
    assert "SystemExit in line 5" in (tmp_path / "steps.html").read_text()


def test_a_page_about_a_list_that_is_no_array(check, tmp_path):
    code, lines, errors = check("relu", "--html", "steps.html", text="def relu(x):\n    return [[1, 2], [3]]\n")
    assert code == 1 and "y is of type list, expected an array" in "\n".join(lines), errors
    assert "wrote to no array, and returned what is of type list" in (tmp_path / "steps.html").read_text()


def test_messages_of_a_file_do_not_steer_the_terminal(check):
    text = "def relu(x):\n    raise RuntimeError(chr(27) + '[31mred')\n"
    code, lines, _ = check("relu", text=text)
    assert code == 1 and "\\x1b[31mred" in "\n".join(lines) and "\x1b" not in "\n".join(lines)


def test_what_writes_to_its_input_has_no_steps_and_is_not_called_right(check):
    text = "import numpy as np\n\n\ndef relu(x):\n    y = np.maximum(x, 0)\n    x[...] = 0\n    return y\n"
    code, lines, _ = check("relu", "--html", "steps.html", text=text)
    assert code == 1 and lines[-1] == "steps.html is not written: there is nothing to show"
