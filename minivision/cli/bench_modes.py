"""What the command bench measures besides its table: a profile, how a step grows, and where its time jumps."""

import importlib.util

from minivision.cli.bench_output import save_picture, write_json
from minivision.cli.options import UsageError
from minivision.core.progress import progress_bar

MINUTES = {"growth": 5.0, "cliffs": 15.0}  # by default


def run_profile(args):
    """Show where the time of a training step of a system goes."""
    import numba

    from minivision.bench.profile import STEPS, draw, profile, table
    from minivision.core.allocator import keep_freed_memory
    from minivision.core.numba_internals import start_threads

    keep_freed_memory()  # as in a training
    start_threads()
    numba.set_num_threads(args.threads or numba.get_num_threads())
    parts = profile(args.profile)
    print(f"numba {numba.__version__}, {numba.get_num_threads()} thread(s): {args.profile}, means of {STEPS} steps")
    print("\n".join(table(parts)))
    write_json(args.json, {"system": args.profile, "parts": [part._asdict() for part in parts]})
    if args.picture:
        save_picture(args.picture, draw(args.profile, parts))
    return 0


def run_growth(args):
    """Measure how time and memory of the steps grow."""
    import numba

    from minivision.bench import growth, growth_picture
    from minivision.bench.growth_point import OURS, STEPS, TORCH
    from minivision.bench.roof import processor_name

    _refuse_unknown(args.names, STEPS, "--growth")
    steps = [step for step in STEPS if step in args.names or not args.names]
    libraries = [OURS, TORCH] if importlib.util.find_spec("torch") else [OURS]
    threads, minutes = args.threads or numba.config.NUMBA_NUM_THREADS, args.minutes or MINUTES["growth"]
    wanted = growth.points(steps, libraries, threads)
    clock = "processor time" if threads == 1 else "time"
    print(f"{processor_name()}, {threads} thread(s), {len(wanted)} processes of one size each, for {minutes:g} minutes")
    print(f"median {clock} of a step in ms; peak memory of its arrays, and of its process beyond that of a small step")
    measured = dict(progress_bar(growth.measure_points(wanted, minutes=minutes), total=len(wanted), unit="size"))
    print("\n".join(growth.table(measured)))
    about = {"processor": processor_name(), "threads": threads, "bases": growth.BASES}
    write_json(args.json, {**about, "points": growth.as_json(measured)})
    if args.picture:
        save_picture(args.picture, growth_picture.draw(measured), growth_picture.description(measured))
    return 0 if any(not isinstance(figures, str) for figures in measured.values()) else 1


def run_cliffs(args):
    """Look for neighboring sizes between which the time of a convolution jumps."""
    import numba

    from minivision.bench import cliffs
    from minivision.bench.roof import processor_name
    from minivision.core import backends
    from minivision.core.allocator import keep_freed_memory

    _refuse_unknown(args.names, cliffs.operations(), "--cliffs")
    if args.threads not in (None, 1):
        raise UsageError("--threads: cliffs are looked for on one thread, whose processor time is measured")
    keep_freed_memory()
    numba.set_num_threads(1)
    factor, minutes = args.factor or cliffs.FACTOR, args.minutes or MINUTES["cliffs"]
    wanted = cliffs.lines(args.names)
    print(f"{processor_name()}, one thread, processor time, at most {minutes:g} minutes")
    print(f"{len(wanted)} lines of sizes; a cliff is a jump by a factor of {factor:g} more than the work")
    with backends.backend("numba"):
        swept = list(
            progress_bar(cliffs.sweep(args.names, factor=factor, minutes=minutes), total=len(wanted), unit="line")
        )
    found = [cliff for _, on_line in swept for cliff in on_line]
    print("\n".join(cliffs.table(found)))
    left = wanted[len(swept) :]
    if left:
        print(f"{len(left)} lines were not timed, from {left[0].title} on: give more --minutes, or name operations")
    about = {"processor": processor_name(), "factor": factor, "cliffs": [cliff._asdict() for cliff in found]}
    write_json(args.json, {**about, "lines": [cliffs.as_json(timed) for timed, _ in swept]})
    return 0


def _refuse_unknown(names, known, option):
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"{option}: nothing to measure is called {', '.join(unknown)}; there are {', '.join(known)}")
