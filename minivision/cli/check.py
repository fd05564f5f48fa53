"""Check operations: compare values with the reference implementation and gradients with finite differences.

An operation and its backward pass are checked together. Linear operations are also checked against the definition of
the transpose (adjoint). For a Python file of yours, the functions in it are checked; if one is wrong, the report names
the likely mistake.
"""

import difflib
import pathlib
import sys

from minivision.cli.options import UsageError, seed
from minivision.core.progress import progress_bar

EPILOG = """\
examples:
  minivision check
  minivision check conv2d max_pool2d
  minivision check conv2d --backend mine.py
  minivision check --backend mine.py
  minivision check conv2d --backend mine.py --html conv2d.html

Errors are relative to the largest value. A file holds functions with the names and the parameters of operations; the
names of its other functions begin with an underscore. The exit code is 1 if something is wrong or not written yet.
"""


def add_arguments(parser, system):
    parser.add_argument("names", nargs="*", metavar="NAME", help="operations (default: all, or those in the file)")
    parser.add_argument(
        "--backend", metavar="BACKEND", help="numba, reference, or a Python file of yours (default: the active one)"
    )
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="write a page on which your wrong functions run step by step beside the right ones",
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the random numbers (default: 0)")


def run(args):
    from minivision.core import backends

    _refuse_unknown(args.names)
    backend, file = _backend(args.backend)
    if args.html and not file:
        raise UsageError("--html shows functions of a Python file step by step: give it with --backend")
    implemented = _implemented(backend)
    operations = _selected(args.names, implemented if file else None)
    if file:
        _introduce(file, implemented)
    else:
        reason = "" if args.backend else f", {backends.active_backend()[1]}"
        print(f"backend {backend}{reason}")
    reports = _check(operations, backend, file, args.seed)
    if reports is None:
        return 1
    verdicts = [report.verdict for report in reports]
    counts = {verdict: verdicts.count(verdict) for verdict in ("ok", "wrong", "not yet")}
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "nothing was checked")
    failing = [report for report in reports if report.failures]
    for report in failing:
        print(f"\n{report}")
    if args.html:
        _write_page(args.html, failing, backend, pathlib.Path(file).name, args.seed)
    elif failing and file:
        print("\nTo see it step by step beside the right values, add --html FILE.html")
    return 1 if failing or _unfinished(reports, args.names, file) else 0


def _refuse_unknown(names):
    from minivision.core.registry import operations

    for name in names:
        if name not in operations():
            close = difflib.get_close_matches(name, operations(), 1)
            hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(operations())}"
            raise UsageError(f"no operation is called {name}{hint}")


def _backend(given):
    """Return the name of the backend, and the file it was loaded from or None."""
    from minivision.checks import load_backend
    from minivision.core import backends

    if given is None:
        return backends.active_backend()[0].name, None
    path = pathlib.Path(given)
    if path.suffix == ".py" or (given not in backends.backends() and path.exists()):
        return load_backend(path), given
    if given not in backends.backends():
        known = ", ".join(backends.backends())
        raise UsageError(f"--backend: {given} is neither a backend ({known}) nor a Python file")
    return given, None


def _implemented(backend):
    """Return the names of the operations that a backend has functions for."""
    from minivision.core import backends
    from minivision.core.registry import operations

    source = backends.get_backend(backend)
    return [name for name, op in operations().items() if source.kernel(op) is not None]


def _selected(names, implemented):
    """Return the names of operations, each with its backward pass; by default of `implemented`, or all if None."""
    from minivision.core.registry import operations

    selected = names or implemented
    if selected is None:
        return list(operations())
    forward = {name.removesuffix("_backward") for name in selected}
    return [name for name in operations() if name.removesuffix("_backward") in forward]


def _introduce(file, implemented):
    """Print which functions the file has."""
    if not implemented:
        raise UsageError(f"{file} has no function with the name of an operation, so there is nothing to check")
    count = "1 operation" if len(implemented) == 1 else f"{len(implemented)} operations"
    print(f"{file}: {count}: {', '.join(implemented)}")


def _check(operations, backend, file, seed):
    """Check the operations and print a line for each; return the reports, or None after Ctrl-C in the file."""
    from minivision.checks import check_operation
    from minivision.checks.load_backend import last_frame

    reports, width = [], max(map(len, operations)) + 1
    print(f"{'operation':<{width}} {'cases':>6} {'values':>9} {'gradients':>10} {'adjoint':>9}  verdict")
    with progress_bar(operations, unit="operation", leave=False) as bar:
        for name in bar:
            bar.set_postfix_str(name)
            try:
                report = check_operation(name, backend, seed=seed)
            except KeyboardInterrupt as error:
                frame = last_frame(error, file) if file else None
                if frame is None:
                    raise
                print(f"minivision: stopped in line {frame.lineno} of {file}: `{frame.line}`", file=sys.stderr)
                return None
            reports.append(report)
            bar.write(_line(report, width, file), file=sys.stdout)
    return reports


def _write_page(path, reports, backend, name, seed):
    """Write a page with a player for each wrong function."""
    from minivision.checks import smallest_failure
    from minivision.core import backends
    from minivision.core.registry import operations
    from minivision.viz import save_players, show_failure

    players = []
    for report in reports:
        op = operations()[report.operation]
        example = smallest_failure(op, backend, seed=seed)
        if example is None:
            print(f"{report.operation} has no steps to show: its results are right in all cases that are small enough")
            continue
        function = backends.get_backend(backend).kernel(op)
        players.append(show_failure(op, function, example, name=name, with_right_run=True))
    if players:
        save_players(players, path, title=f"{name}, step by step")
        print(f"\nTo see it step by step, open {path} in a browser")
    else:
        print(f"{path} is not written: there is nothing {'' if reports else 'wrong '}to show")


def _line(report, width, file):
    where = file or f"backend {report.backend}"
    verdict = {"wrong": "WRONG", "reference": f"not in {where}, not checked"}
    cases = report.cases or "-"
    errors = f"{_error(report.values):>9} {_error(report.gradients):>10} {_error(report.adjoint):>9}"
    return f"{report.operation:<{width}} {cases:>6} {errors}  {verdict.get(report.verdict, report.verdict)}"


def _error(error):
    return "-" if error is None else f"{error:.1e}"


def _unfinished(reports, names, file):
    """Return whether a selected operation is not written yet, or not in the file."""
    missing = [report for report in reports if report.verdict == "reference" and file and report.operation in names]
    return any(report.verdict == "not yet" for report in reports) or bool(missing)
