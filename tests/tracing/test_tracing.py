"""The tracer compared with the operation itself: values, dependences, steps."""

import concurrent.futures
import copy
import math

import numpy as np
import pytest
from numpy import exp

import minivision
from minivision import ops
from minivision.checks.cases import cases_of
from minivision.core.registry import operations
from minivision.tracing import Padding, Trace, Traced, symbols, traced

OPERATIONS = operations()
SMALL = 150  # numbers in the arguments


def small_cases(op, seed=1):
    for arguments, keywords in cases_of(op, np.random.default_rng(seed)):
        size = sum(value.size for value in arguments if isinstance(value, np.ndarray))
        if 0 < size <= SMALL:
            yield arguments, keywords


def plain(array):
    values = [getattr(element, "value", element) for element in array.ravel().tolist()]
    return np.array(values, float).reshape(array.shape)


def arrays_in(result):
    if isinstance(result, tuple):
        return [array for part in result for array in arrays_in(part)]
    return [np.asarray(result)] if isinstance(result, np.ndarray | np.number) else []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_can_be_stepped_and_gives_its_values(name):
    op = OPERATIONS[name]
    for arguments, keywords in list(small_cases(op))[:6]:
        with minivision.backend("reference"):
            expected = arrays_in(op(*copy.deepcopy(arguments), **copy.deepcopy(keywords)))
        trace = Trace(op, *copy.deepcopy(arguments), **copy.deepcopy(keywords))
        assert len(trace.results) == len(expected)
        for array, values in zip(trace.results.values(), expected, strict=True):
            np.testing.assert_allclose(plain(array), values.astype(float), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_last_step_shows_the_results(name):
    op = OPERATIONS[name]
    for arguments, keywords in list(small_cases(op))[:4]:
        trace = Trace(op, *copy.deepcopy(arguments), **copy.deepcopy(keywords))
        for number, panel in enumerate(trace.panels):
            if panel.is_result and trace.steps and trace.results[panel.name].size:
                shown = [trace.steps[-1].cells[number][cell] for cell in panel.own_cells.ravel()]
                np.testing.assert_array_equal(
                    np.array([getattr(element, "value", element) for element in shown], float),
                    plain(trace.results[panel.name]).ravel(),
                )


# Smooth operations, at points where nothing is zero by chance.
DEPENDENCE = [
    (ops.conv2d, [(1, 2, 4, 4), (2, 2, 3, 2), (2,)], {"stride": (2, 1), "padding": ((1, 0), (1, 2))}),
    (ops.conv_transpose2d, [(1, 2, 2, 3), (2, 1, 3, 3), (1,)], {"stride": 2, "padding": 1}),
    (ops.conv2d_backward, [(1, 1, 2, 2), (1, 1, 3, 3), (1, 1, 2, 2)], {}),
    (ops.avg_pool2d, [(1, 1, 4, 5), 2], {"stride": 1}),
    (ops.max_pool2d, [(1, 1, 4, 5), 3], {"stride": 2, "padding": 1}),
    (ops.upsample_bilinear, [(1, 1, 3, 2)], {}),
    (ops.upsample_nearest_backward, [(1, 1, 4, 4)], {}),
    (ops.linear, [(2, 3), (2, 3), (2,)], {}),
    (ops.sigmoid, [(2, 3)], {}),
]


@pytest.mark.parametrize(("op", "shapes", "keywords"), DEPENDENCE, ids=lambda value: getattr(value, "__name__", ""))
def test_an_output_depends_on_exactly_the_inputs_that_move_it(op, shapes, keywords, rng):
    arguments = [rng.uniform(1, 2, shape) if isinstance(shape, tuple) else shape for shape in shapes]
    trace = Trace(op, *arguments, **keywords)
    name = next(iter(trace.results))
    names = list(trace._arguments)

    def result():
        with minivision.backend("reference"):
            return arrays_in(op(*arguments, **keywords))[0].copy()

    before = result()
    depends = {index: trace.inputs_of(index, name) for index in np.ndindex(*before.shape)}
    arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
    for argument, array in zip(names, arrays, strict=True):
        for place in np.ndindex(*array.shape):
            array[place] += 1e-4
            moved = result() != before
            array[place] -= 1e-4
            reached = trace.outputs_of(place, argument)[name]
            np.testing.assert_array_equal(reached, moved, err_msg=f"{argument}{place}")
            assert all(depends[index][argument][place] == moved[index] for index in depends)


def test_the_example_of_the_lecture_in_symbols():
    x, w = symbols("a b", (1, 1, 1, 2)), symbols("x y z", (1, 1, 1, 3))
    trace = Trace(ops.conv_transpose2d, x, w, stride=2)
    assert trace.expressions().ravel().tolist() == ["ax", "ay", "az + bx", "by", "bz"]
    X = Trace(ops.conv_matrix, w, (1, 4), padding=(0, 1)).expressions()
    assert X[1].tolist() == ["x", "y", "z", "0"]


def test_symbols_without_values_refuse_to_be_compared():
    with pytest.raises(TypeError, match="compare the symbol b"):
        Trace(ops.max_pool2d, symbols("a b c d", (1, 1, 2, 2)), 2)
    trace = Trace(ops.max_pool2d, symbols("a b c d", (1, 1, 2, 2), values=[1, 4, 2, 3]), 2)
    assert trace.expressions().ravel().tolist() == ["b"]


def test_a_convolutions_steps_read_the_window_and_write_one_element(rng):
    trace = Trace(ops.conv2d, rng.normal(size=(1, 1, 4, 4)), rng.normal(size=(1, 1, 3, 3)), np.ones(1), padding=1)
    x, w, b, y = range(4)
    assert [panel.name for panel in trace.panels] == ["x", "w", "b", "y"]
    assert trace.panels[x].shape == (1, 1, 6, 6)  # shown with its padding
    assert len(trace.steps) == 16
    step = trace.steps[0]
    corner = [row * 6 + column for row in range(3) for column in range(3)]
    assert sorted(step.reads[x]) == corner and step.reads[w] == set(range(9)) and step.reads[b] == {0}
    assert step.writes == {y: [0]}
    assert "window * w[f]" in step.code and step.counters["i"] == 0
    assert trace.panels[x].title_of(0) == "x[-1,-1]"


def test_a_transpose_convolutions_steps_write_overlapping_copies(rng):
    trace = Trace(
        ops.conv_transpose2d, rng.normal(size=(1, 1, 2, 2)), rng.normal(size=(1, 1, 3, 3)), stride=2, padding=1
    )
    x, w, y = range(3)
    assert trace.panels[y].shape == (1, 1, 5, 5)  # the canvas, of which padding cuts the border off
    assert [len(step.writes[y]) for step in trace.steps] == [9] * 4
    assert [step.reads[x] for step in trace.steps] == [{0}, {1}, {2}, {3}]
    assert len(set(trace.steps[0].writes[y]) & set(trace.steps[1].writes[y])) == 3


def test_a_bias_added_after_the_loops_is_a_step_of_its_own(rng):
    trace = Trace(ops.conv_transpose2d, rng.normal(size=(1, 1, 2, 2)), rng.normal(size=(1, 1, 2, 2)), np.ones(1))
    assert len(trace.steps) == 5 and trace.steps[-1].reads == {2: {0}} and trace.steps[-1].code.startswith("y += b")


def test_compared_numbers_count_as_read(rng):
    trace = Trace(ops.max_pool2d, rng.permutation(np.arange(16.0)).reshape(1, 1, 4, 4), 2)
    assert [trace.panels[0].title_of(cell) for cell in sorted(trace.steps[1].reads[0])] == [
        "x[0,2]", "x[0,3]", "x[1,2]", "x[1,3]",
    ]  # fmt: skip
    y, indices = 1, 2
    assert all(step.writes == {y: [k], indices: [k]} for k, step in enumerate(trace.steps))
    relu = Trace(ops.relu, np.array([-1.0, 2.0]))
    assert [step.reads for step in relu.steps] == [{0: {0}}, {0: {1}}]


def test_a_backward_pass_does_not_read_what_it_adds_to(rng):
    trace = Trace(
        ops.conv2d_backward, *(rng.normal(size=shape) for shape in [(1, 1, 2, 2), (1, 1, 3, 3), (1, 1, 2, 2)])
    )
    assert [step.reads[0] for step in trace.steps] == [{0}, {1}, {2}, {3}]


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):  # a student's function: no padding, no stride
    y = np.zeros((1, 1, x.shape[2] - 1, x.shape[3] - 1))
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[0, 0, i, j] = np.sum(x[0, 0, i : i + 2, j : j + 2] * w[0, 0, ::-1, ::-1])
    return y


def test_a_students_wrong_function_is_stepped_as_it_is(rng):
    x, w = rng.normal(size=(1, 1, 3, 3)), rng.normal(size=(1, 1, 2, 2))
    trace = Trace(conv2d, x, w)
    assert trace.expressions()[0, 0, 0, 0] == "x[0,0]·w[1,1] + x[0,1]·w[1,0] + x[1,0]·w[0,1] + x[1,1]·w[0,0]"
    np.testing.assert_allclose(plain(next(iter(trace.results.values()))), conv2d(x, w))
    assert len(trace.steps) == 4


def vectorized(a, *, times):
    kept = []
    while len(kept) < times:
        kept.append(a * len(kept))
    total = a.sum(axis=0) + np.maximum(a, 0).max()
    return np.concatenate([total, np.pad(a[0], 1)]), a.mean()


def test_a_function_that_is_not_an_operation_is_stepped(rng):
    a = rng.normal(size=(2, 3))
    trace = Trace(vectorized, a, times=2)
    first, mean = vectorized(a, times=2)
    np.testing.assert_allclose(plain(trace.results["result 0"]), first)
    np.testing.assert_allclose(plain(trace.results["result 1"]), mean)
    assert trace.inputs_of((0,), "result 0")["a"][:, 0].all() and trace.inputs_of((), "result 1")["a"].all()


def test_inputs_are_not_written_to_and_the_hooks_are_removed(rng):
    import sys

    from minivision.tracing.number import active_recording

    x = rng.normal(size=(1, 1, 3, 3))
    before = x.copy()
    with pytest.raises(ZeroDivisionError):
        Trace(lambda x: x / 0 if 1 // 0 else x, x)
    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace())
    assert active_recording.get() is None
    np.testing.assert_array_equal(x, before)


def test_two_threads_record_at_the_same_time(rng):
    """The numbers that one thread compares are not those that another one records."""
    x = rng.permutation(np.arange(64.0)).reshape(1, 1, 8, 8)
    expected = [step.reads for step in Trace(ops.max_pool2d, x, 2).steps]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        traces = list(pool.map(lambda _: Trace(ops.max_pool2d, x, 2), range(8)))
    assert all([step.reads for step in trace.steps] == expected for trace in traces)


def test_arrays_too_large_to_show_are_refused():
    with pytest.raises(ValueError, match="small enough to look at"):
        Trace(ops.relu, np.zeros((100, 100)))


def test_a_number_that_would_lose_its_history_is_refused(rng):
    with pytest.raises(TypeError, match="dtype=x.dtype"):
        Trace(lambda x: math.exp(x[0]), rng.normal(size=2))


def from_numpy_import(x):
    return np.sqrt(np.where(x > 1, x, 4.0)) + exp(np.where(x > 1, 0, x))


def test_numpys_functions_take_arrays_of_plain_and_traced_numbers():
    trace = Trace(from_numpy_import, np.array([0.5, 9.0]))
    np.testing.assert_allclose(plain(trace.results["result"]), from_numpy_import(np.array([0.5, 9.0])))
    assert trace.expressions().tolist() == ["2 + exp(x[0])", "sqrt(x[1]) + 1"]


def test_unknown_names_are_refused(rng):
    trace = Trace(ops.relu, rng.normal(size=2))
    with pytest.raises(ValueError, match="no argument 'w'"):
        trace.outputs_of((0,), "w")
    with pytest.raises(ValueError, match="no result 'dx'"):
        trace.inputs_of((0,), "dx")
    with pytest.raises(ValueError, match="3 names cannot fill"):
        symbols("a b c", (2, 2))


def test_constants_that_change_nothing_are_not_recorded():
    a, b = traced([3.0, 4.0], "a")
    assert a + 0 is a and 1 * a is a and a * 0 == 0 and not isinstance(a * 0, Traced)
    padding = Padding(0)
    assert padding * a == 0 and a + padding is a and (padding < a) is True and (a > padding) is True
    assert (a * b + 1).leaves() == [a, b] and (a - a).value == 0


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda a, b, x: a * x + b, "ax + b"),
        (lambda a, b, x: (a + b) * x, "(a + b)·x"),
        (lambda a, b, x: a - (b - x), "a − (b − x)"),
        (lambda a, b, x: a / (b * x), "a / (bx)"),
        (lambda a, b, x: -(a + b), "−(a + b)"),
        (lambda a, b, x: (a + 2) ** 2, "(a + 2)^2"),
        (lambda a, b, x: a * -3.0, "a·(−3)"),
        (lambda a, b, x: np.exp(np.array([a + x]))[0], "exp(a + x)"),
        (lambda a, b, x: 2 - a, "2 − a"),
    ],
)
def test_expressions_are_written_with_the_brackets_they_need(make, text):
    assert make(*symbols("a b x")).expression() == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (-0.0, "0"), (0.25, "0.25"), (-2.374, "−2.37"), (1234.4, "1234"), (float("nan"), "NaN"),
     (-math.inf, "−∞"), (1e9, "1e9"),
     (True, "1"), (-0.0001, "−1e−4"), (-0.01234, "−0.01"), (0.5, "0.5"), (1e-7, "1e−7")],
)  # fmt: skip
def test_numbers_are_short_enough_for_a_cell(value, text):
    from minivision.tracing.expression import format_value

    assert format_value(value) == text


def test_a_long_chain_is_written_without_recursion():
    y = first = symbols("x")[0]
    for _ in range(3000):
        y = 0.5 * y + first
    text = y.expression()
    assert text.startswith("0.5·(0.5·(") and text.endswith("+ x") and text.count("x") == 3001


def test_numbers_that_steps_saw_are_those_of_the_loops(rng):
    trace = Trace(ops.conv2d, rng.normal(size=(1, 1, 4, 4)), rng.normal(size=(1, 1, 2, 2)))
    assert [(step.counters["i"], step.counters["j"]) for step in trace.steps] == [divmod(k, 3) for k in range(9)]
    assert trace.steps[4].counters["rows"] == "1:3" and trace.steps[4].counters["columns"] == "1:3"
    pooling = Trace(ops.max_pool2d, np.array([[[[1.0, 7.0], [3.0, 2.0]]]]), 2)
    assert pooling.steps[0].counters["best"] == 7.0


def test_the_source_of_a_function_has_no_docstring_and_knows_its_loops():
    trace = Trace(ops.max_pool2d, np.arange(4.0).reshape(1, 1, 2, 2), 2)
    texts = [text for _, text in trace.source.lines]
    assert (
        texts[0] == "def max_pool2d(" and "return y, indices" in texts[-1] and not any("Parameters" in t for t in texts)
    )
    line = next(number for number, text in trace.source.lines if "value = x[" in text)
    assert [sorted(loop.names) for loop in trace.source.loops_at(line)] == [["c", "i", "j", "n"], ["row"], ["col"]]
    assert trace.source.code(trace.steps[0].lines[0]) == trace.steps[0].code
    made = {}
    exec("def nameless(x):\n    return x * 2", made)
    assert Trace(made["nameless"], np.ones(2)).source.lines == []


class Unhashable(list):
    def __call__(self):
        return self


unhashable = Unhashable()


def test_what_else_a_module_holds_does_no_harm():
    assert Trace(lambda x: x * 2, np.ones(1)).expressions().tolist() == ["x[0]·2"]
