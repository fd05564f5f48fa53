"""Time the kernels beside PyTorch and beside the textbook, in one run and taking turns.

Prints medians in milliseconds. The ratio to PyTorch is below 1 where minivision is faster; without PyTorch its columns
are left out. The textbook is so slow that it is given less to do (the shape in the last column), and so is Numba for
that comparison: "textbook / Numba" says how many times longer the textbook takes for the same.
"""

import json
import pathlib

from minivision.cli.arguments import UsageError, count
from minivision.replacing import replacing

EPILOG = """\
examples:
  minivision bench
  minivision bench conv2d conv2d_backward
  minivision bench encoder-decoder --threads 1
  minivision bench --json speed.json
"""

SYSTEM = "encoder-decoder"  # whose training step is timed
SMALL_ROUNDS, SMALL_SECONDS = 3, 0.01  # beside the textbook, of which a single call takes longer


def add_arguments(parser, system):
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"operations, or {SYSTEM} for its training step (default: all)"
    )
    parser.add_argument("--threads", type=count, metavar="N", help="threads for both (default: one a core)")
    parser.add_argument("--rounds", type=count, default=7, metavar="N", help="turns for each (default: 7)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the figures to a file")


def run(args):
    _refuse_unknown(args)
    torch = _torch()
    from minivision import backends
    from minivision.kernels.memory import keep_freed_memory

    keep_freed_memory()  # for all
    about = _start(torch, args.threads)
    rows, small = [], {}  # what several lines have in common is given to the textbook once
    with backends.backend("numba"):
        for entry in _entries(torch, args.names):
            rows.append({**_timed(entry, args.rounds), **_beside_the_textbook(entry, args.rounds, small)})
            print(_line(rows[-1], torch), flush=True)
    if args.json:
        with replacing(args.json) as file:
            file.write_text(json.dumps({**about, "operations": rows}, indent=2) + "\n", encoding="utf-8")
    return 0


def _refuse_unknown(args):
    from minivision.operation import all_operations

    unknown = set(args.names) - {SYSTEM, *all_operations()}
    if unknown:
        raise UsageError(f"nothing to time is called {', '.join(sorted(unknown))}")
    if args.json and not args.json.absolute().parent.is_dir():
        raise UsageError(f"--json: there is no folder {args.json.parent}")


def _torch():
    """Return PyTorch, or None; it comes before Numba's kernels, for each reads its OpenMP settings when it starts."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: its columns are left out (any CPU build of torch will do)")
        return None
    return torch


def _start(torch, threads):
    """Set the number of threads, print the head of the table, and return what was printed."""
    import numba

    threads = threads or (torch.get_num_threads() if torch else numba.get_num_threads())
    if torch:
        torch.set_num_threads(threads)
    numba.set_num_threads(threads)
    versions = {"numba": numba.__version__} | ({"torch": torch.__version__} if torch else {})
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    print(f"{named}, {threads} thread(s), float32, medians in ms")
    theirs = f" {'PyTorch':>9} {'ratio':>6}" if torch else ""
    print(f"{'operation':<33} {'shape':<31} {'Numba':>9}{theirs} {'textbook / Numba':>17}  on")
    return {**versions, "threads": threads}


def _entries(torch, names):
    from minivision.bench.operations import entries, training_step

    operations = [name for name in names if name != SYSTEM]
    if operations or not names:
        yield from entries(torch, operations)
    if SYSTEM in names or not names:
        yield training_step(torch)


def _timed(entry, rounds):
    """Time an entry beside PyTorch; return its figures by name, the times in milliseconds."""
    from minivision.bench.timing import interleaved_medians

    peers = {"numba": entry.ours} | ({"torch": entry.theirs} if entry.theirs else {})
    times = interleaved_medians(peers, rounds=rounds, seconds=entry.seconds)
    return {"name": entry.name, "shape": entry.shape} | {f"{name}_ms": 1e3 * time for name, time in times.items()}


def _beside_the_textbook(entry, rounds, known):
    """Time an entry's smaller work in the same way, unless it is `known`."""
    from minivision.bench.timing import interleaved_medians

    if entry.textbook is None:
        return {}
    key = entry.name, entry.small_shape
    if key not in known:
        peers = {"numba": entry.ours_small, "textbook": entry.textbook}
        times = interleaved_medians(peers, rounds=min(rounds, SMALL_ROUNDS), seconds=SMALL_SECONDS)
        known[key] = {"small_shape": entry.small_shape}
        known[key] |= {f"small_{name}_ms": 1e3 * time for name, time in times.items()}
    return known[key]


def _line(row, torch):
    line = f"{row['name']:<33} {row['shape']:<31} {row['numba_ms']:>9.3f}"
    if torch:
        theirs = row.get("torch_ms")
        line += f" {theirs:>9.3f} {row['numba_ms'] / theirs:>6.2f}" if theirs else f" {'-':>9} {'-':>6}"
    if "small_shape" not in row:
        return f"{line} {'-':>17}"
    times = row["small_textbook_ms"] / row["small_numba_ms"]
    return f"{line} {f'{times:,.0f}x' if times >= 10 else f'{times:.1f}x':>17}  {row['small_shape']}"
