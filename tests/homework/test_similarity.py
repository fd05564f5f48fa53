"""Similarity: copies are found in any disguise, independent right solutions are not, and what was handed out counts for
nobody."""

import ast
import csv
import random

import pytest

from minivision.cli import main
from minivision.homework import assignments, load_assignment, similarity, source
from minivision.homework.similarity import SOLUTION, compare, fingerprints, similar_submissions, tokens
from minivision.homework.verification import alternatives

PROGRAM = """\
import numpy as np


def pool(x, size):
    '''The largest number of each window.'''
    rows, columns = x.shape[0] // size, x.shape[1] // size
    y = np.zeros((rows, columns), x.dtype)
    for i in range(rows):
        for j in range(columns):
            window = x[i * size : (i + 1) * size, j * size : (j + 1) * size]
            y[i, j] = max(window.ravel().tolist())  # of all
    return y
"""


class Renamed(ast.NodeTransformer):
    """Gives every argument and every variable another name."""

    def __init__(self, seed):
        self.names, self.random = {}, random.Random(seed)

    def new(self, name):
        return self.names.setdefault(name, f"{self.random.choice('abcdefgh')}_{len(self.names)}")

    def visit_arg(self, node):
        node.arg = self.new(node.arg)
        return node

    def visit_Name(self, node):
        if node.id in self.names or isinstance(node.ctx, ast.Store):
            node.id = self.new(node.id)
        return node


def disguised(text, seed=0):
    """Return a program with other names of variables, functions in another order, other layout and no comments."""
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    others = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    renamed = [Renamed(seed).visit(node) for node in functions]
    random.Random(seed).shuffle(renamed)
    for node in renamed:
        if ast.get_docstring(node) is not None:
            node.body[0] = ast.parse("'''Mine.'''").body[0]
    return "\n\n\n# my own work\n".join(ast.unparse(node).replace("    ", "  ") for node in [*others, *renamed])


def independent(assignment):
    """Return two programs of right functions that were written one by one, in two ways."""
    by_task = {}
    for id, _, text in alternatives(assignment):
        by_task.setdefault(id, []).append(text)
    return {f"way {k}": "\n\n".join(texts[k] for texts in by_task.values()) for k in (0, 1)}


@pytest.mark.parametrize("name", assignments())
def test_a_disguised_copy_is_found_and_independent_solutions_are_not(name):
    assignment = load_assignment(name)
    if not list(alternatives(assignment)):
        pytest.skip("it has no functions to write")
    solution = source.solution(assignment)
    texts = {"one": solution, "copy": disguised(solution), **independent(assignment)}
    matches = {(match.first, match.second): match for match in compare(texts, source.blank(assignment))}
    assert matches.pop(("copy", "one")).similarity > 0.9
    assert max(match.similarity for match in matches.values()) < 0.3


def test_a_copy_of_one_function_is_found_with_its_lines():
    other = "import os\n\nCONSTANT = [os.sep, 3]\n\n\n" + disguised(PROGRAM, seed=1)
    (match,) = compare({"a": PROGRAM, "b": other})
    assert match.similarity > 0.8
    (of_a, of_b), *rest = match.lines
    assert not rest and 4 <= of_a[0] <= 8 and of_a[1] == 12
    last = len(other.splitlines())
    assert of_b[1] == last and last - of_b[0] <= 9


def test_what_was_handed_out_counts_for_nobody():
    mine = f"{PROGRAM}\n\ndef f(a, b):\n    return [a[k] * b[k] + a[k - 1] * b[k + 1] for k in range(len(a))]\n"
    yours = (
        f"{PROGRAM}\n\ndef f(a, b):\n    s = 0\n    while a:\n        s += sum(a.pop() for _ in b if s)\n    return s\n"
    )
    assert compare({"a": mine, "b": yours})
    assert compare({"a": mine, "b": yours}, handed_out=PROGRAM) == []


def test_names_layout_comments_and_numbers_do_not_count_and_attributes_do():
    assert [token for token, *_ in tokens("y = f(x)[2]  # c\n")] == [token for token, *_ in tokens("(b)=(g( a )[3])")]
    assert tokens("x.shape") != tokens("x.size") and tokens("len(x)") != tokens("sum(x)")
    assert [token for token, *_ in tokens('def f():\n    """Doc."""\n    return "a"\n')][-2:] == ["return", "text"]


def test_every_match_of_the_guaranteed_length_has_a_fingerprint():
    """Whatever two programs share over NOISE + WINDOW - 1 tokens is found, wherever it begins."""
    length = similarity.NOISE + similarity.WINDOW - 1
    words = ["+", "-", "*", "/", "[", "]", ".", ",", "%", "|", "&", "^", "~", "@", "<", ">"]
    for seed in range(30):
        rng = random.Random(seed)
        shared = [rng.choice(words) for _ in range(length)]
        one, other = ([rng.choice(words) for _ in range(80)] for _ in range(2))
        one[rng.randrange(60) : 0] = shared
        place = rng.randrange(60)
        one[place:place], other[40:40] = shared, shared
        assert fingerprints(" ".join(one)).keys() & fingerprints(" ".join(other)).keys()


def test_idioms_of_a_large_class_do_not_count():
    idiom = (
        "def f(x, b):\n    for n in range(x.shape[0]):\n        for c in range(x.shape[1]):\n            b[n, c] += 1\n"
    )
    own = [f"\n\ndef g(a):\n    return {' + '.join(f'a[{i}].{m}' for i in range(12))}\n" for m in "bcdefghijk"]
    texts = {f"{k}": idiom + text for k, text in enumerate(own)}
    assert compare({name: texts[name] for name in "0123"}) and compare(texts) == []


def test_programs_that_are_unfinished_or_no_programs_are_compared_as_far_as_they_go():
    broken = PROGRAM + "\ndef g(x:\n    '''not closed"
    assert compare({"a": PROGRAM, "b": broken, "c": "\x00\x01", "d": ""})[0].similarity > 0.8


def test_the_command_lists_pairs_with_lines_and_who_took_the_librarys_solution(tmp_path, capsys, trial):
    hw1 = load_assignment("hw1")
    folder, solution = tmp_path / "class", source.solution(hw1, ["1.6", "1.7", "1.8", "1.9"])
    ways = independent(hw1)
    for name, text in {
        "ann": ways["way 0"],
        "bob": disguised(ways["way 0"]),
        "eve": solution,
        "kim": ways["way 1"],
    }.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "hw1.py").write_text(text)
    (folder / "tim").mkdir()
    words = ["homework", "similar", "hw1", str(folder), "--csv", str(tmp_path / "pairs.csv")]
    assert main(words) == 0
    out = capsys.readouterr().out
    pairs = [line for line in out.splitlines() if line.lstrip()[:1].isdigit()]
    assert {"ann" in pairs[k] and "bob" in pairs[k] or SOLUTION in pairs[k] and "eve" in pairs[k] for k in (0, 1)} == {
        True
    }
    assert "lines " in out and "no proof" in out and "tim" in out.partition("not compared: ")[2]
    with open(tmp_path / "pairs.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = [float(row["similarity"]) for row in rows]
    assert values == sorted(values, reverse=True) and values[1] > 0.8 > 0.4 > values[2]
    assert " = " in rows[0]["lines"]


def test_a_submission_that_cannot_be_read_stops_nobody(trial, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    (tmp_path / "b.py").write_bytes(b"def relu(x):\n    return '\xff'\n")
    matches, problems = similar_submissions(trial, sorted(tmp_path.iterdir()))
    assert matches == [] and len(problems) == 1 and "a.zip" in problems[0]
