"""Call every operation with valid and invalid arguments, on both backends, in processes that may die.

What counts as wrong: an error that is neither ValueError nor TypeError, or names no argument; an input that was written
to; NaN from finite input; backends that disagree; a process that died or did not answer in time.
"""

import argparse
import copy
import functools
import inspect
import multiprocessing
import re
import sys
import time
import warnings

import numpy as np

CALLS_OF_A_PROCESS = 200
SECONDS_OF_A_CALL = 120.0  # the first one compiles
ALLOWED = (ValueError, TypeError)
# Values in place of an argument; functions get the valid value and a generator.
MUTATIONS = {
    "None": lambda value, rng: None,
    "text": lambda value, rng: "abc",
    "a huge number": lambda value, rng: int(rng.choice([2**31, 2**40, -(2**40)])),
    "a number beyond floats": lambda value, rng: 10**400,
    "NaN": lambda value, rng: float("nan"),
    "infinity": lambda value, rng: float("inf"),
    "minus one": lambda value, rng: -1,
    "zero": lambda value, rng: 0,
    "a 0-d array": lambda value, rng: np.array(2.0),
    "an empty list": lambda value, rng: [],
    "masked": lambda value, rng: np.ma.masked_array(value, mask=True),
    "float32": lambda value, rng: np.asarray(value, np.float32),
    "integers": lambda value, rng: np.asarray(value).astype(np.int64),
    "booleans": lambda value, rng: np.asarray(value) != 0,
    "objects": lambda value, rng: np.full(np.shape(value), None),
    "Fortran order": lambda value, rng: np.asfortranarray(value),
    "every second": lambda value, rng: np.repeat(value, 2, axis=-1)[..., ::2],
    "read-only": lambda value, rng: _read_only(value),
    "swapped bytes": lambda value, rng: value.astype(value.dtype.newbyteorder()),
    "no elements": lambda value, rng: value[:0],
    "an axis more": lambda value, rng: value[None],
    "an axis less": lambda value, rng: value[0],
    "cut": lambda value, rng: value[..., :-1],
    "with NaN": lambda value, rng: _with(value, np.nan, rng),
    "with infinity": lambda value, rng: _with(value, np.inf, rng),
    "with a huge number": lambda value, rng: _with(value, 1e30, rng),
}


def _read_only(value):
    value = np.array(value)
    value.flags.writeable = False
    return value


def _with(value, number, rng):
    value = np.array(value, np.float64 if np.asarray(value).dtype.kind != "f" else None)
    value.reshape(-1)[rng.integers(value.size)] = number
    return value


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=60_000, help="number of calls (default: 60000)")
    parser.add_argument("--minutes", type=float, default=30.0, help="stop after this time (default: 30)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    start, done, found = time.monotonic(), 0, []
    context = multiprocessing.get_context("spawn")
    worker = None
    seed = args.seed
    while done < args.calls and time.monotonic() < start + 60 * args.minutes:
        if worker is None:
            worker = _Worker(context)
        count = min(CALLS_OF_A_PROCESS, args.calls - done)
        for number in range(seed, seed + count):
            problem = worker.call(number)
            done += 1
            if problem:
                found.append(problem)
                print(f"call {number}: {problem}", flush=True)
            if not worker.alive:
                worker = _Worker(context)
        seed += count
    if worker is not None:
        worker.close()
    print(f"{done} calls in {time.monotonic() - start:.0f} s, {len(found)} problems")
    return 1 if found else 0


class _Worker:
    """A process that makes calls one by one."""

    def __init__(self, context):
        self.here, there = context.Pipe()
        self.process = context.Process(target=_serve, args=(there,), daemon=True)
        self.process.start()
        there.close()
        self.alive = True
        assert self.here.recv() == "ready"

    def call(self, number):
        self.here.send(number)
        try:
            if self.here.poll(SECONDS_OF_A_CALL):
                return self.here.recv()
            what = f"no answer in {SECONDS_OF_A_CALL:g} s"
        except EOFError:
            self.process.join()
            what = f"the process died with exit code {self.process.exitcode}"
        self.alive = False
        self.close()
        return f"{_describe(number)}: {what}"

    def close(self):
        self.process.kill()
        self.process.join()
        self.here.close()


def _serve(connection):
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    connection.send("ready")
    while True:
        connection.send(_call(connection.recv()))


def _arguments(number):
    """Return an operation with arguments that depend on the number alone, and what was changed."""
    from minivision.core.registry import operations

    rng = np.random.default_rng(number)
    names = list(operations())
    operation = operations()[names[number % len(names)]]
    cases = _small_cases(operation.__name__)
    arguments, keywords = copy.deepcopy(cases[int(rng.integers(len(cases)))])
    values = dict(inspect.signature(operation).bind(*arguments, **keywords).arguments)
    changed = []
    for _ in range(int(rng.integers(0, 3))):  # none: a valid call
        name, mutation = str(rng.choice(list(values))), str(rng.choice(list(MUTATIONS)))
        try:
            values[name] = MUTATIONS[mutation](values[name], rng)
        except Exception:  # it does not apply to this value
            continue
        changed.append(f"{name} is {mutation}")
    return operation, values, changed


@functools.cache
def _small_cases(name):
    """Return the cases of an operation whose reference is quick."""
    from minivision.checks.cases import cases_of
    from minivision.core.registry import operations

    cases = cases_of(operations()[name], np.random.default_rng(0))
    small = [case for case in cases if sum(np.size(value) for value in case[0] if isinstance(value, np.ndarray)) < 2000]
    return small or cases[:1]


def _describe(number):
    operation, _, changed = _arguments(number)
    return f"{operation.__name__} ({', '.join(changed) or 'valid'})"


def _call(number):
    """Make a call on both backends; return what is wrong, or None."""
    import minivision

    operation, _, changed = _arguments(number)
    results = []
    for backend in ("reference", "numba"):
        _, values, _ = _arguments(number)
        before = {name: np.array(value) for name, value in values.items() if isinstance(value, np.ndarray)}
        try:
            with minivision.backend(backend):
                result = _bound(operation, values)
        except ALLOWED as error:
            if not re.search(r"\b(" + "|".join(map(re.escape, (*values, "expected"))) + r")\b", str(error)):
                return f"{_describe(number)}, {backend}: names no argument: {type(error).__name__}: {error}"
            results.append(type(error))
            continue
        except MemoryError:
            results.append(MemoryError)
            continue
        except BaseException as error:
            return f"{_describe(number)}, {backend}: {type(error).__name__}: {error}"
        for name, value in before.items():
            updated = name in ("running_mean", "running_var")
            if not updated and not np.array_equal(value, np.asarray(values[name]), equal_nan=value.dtype.kind == "f"):
                return f"{_describe(number)}, {backend}: wrote to {name}"
        finite = all(np.isfinite(value).all() for value in before.values() if value.dtype.kind == "f")
        if not changed and finite and any(np.isnan(part).any() for part in _floats(result)):
            return f"{_describe(number)}, {backend}: NaN from finite input"
        results.append(result)
    return _difference(number, *results)


def _bound(operation, values):
    signature = inspect.signature(operation)
    bound = signature.bind_partial()
    bound.arguments.update(values)
    return operation(*bound.args, **bound.kwargs)


def _floats(result):
    parts = result if isinstance(result, tuple) else (result,)
    for part in parts:
        if isinstance(part, tuple):
            yield from _floats(part)
        elif np.asarray(part).dtype.kind == "f":
            yield np.asarray(part)


def _difference(number, reference, numba):
    if isinstance(reference, type) or isinstance(numba, type):
        same = reference == numba or MemoryError in (reference, numba) if isinstance(reference, type) else False
        return None if same else f"{_describe(number)}: only one backend refuses: {reference!r:.80}, {numba!r:.80}"
    for one, other in zip(_floats(reference), _floats(numba), strict=True):
        tolerance = 1e-3 if one.dtype == np.float32 else 1e-6
        if one.shape != other.shape or not np.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True):
            with np.errstate(all="ignore"):
                finite = np.isfinite(one).all() and np.isfinite(other).all() and abs(one).max(initial=0) < 1e6
            if finite:
                return f"{_describe(number)}: the backends disagree"
    return None


if __name__ == "__main__":
    sys.exit(main())
