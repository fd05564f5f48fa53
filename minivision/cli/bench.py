"""Time the kernels beside PyTorch and beside the textbook, in one run and taking turns.

Prints medians in milliseconds. The ratio to PyTorch is below 1 where minivision is faster; without PyTorch its columns
are left out. The textbook is so slow that it is given less to do (the shape in the last column), and so is Numba for
that comparison: "textbook / Numba" says how many times longer the textbook takes for the same.

With --backend cupy the same work is done on an NVIDIA GPU, by our kernels and by PyTorch with cuDNN if it is a CUDA
build: in batches as on the CPU ("lesson") and in ones that fill a card ("large"), until the card is done. "TF32" is
PyTorch where it may round what it multiplies to 10 bits; ours never does.
"""

import json
import pathlib
import shlex

from minivision.cli.options import UsageError, count
from minivision.core.atomic import atomic_write

EPILOG = """\
examples:
  minivision bench
  minivision bench conv2d conv2d_backward
  minivision bench encoder-decoder --threads 1
  minivision bench --json speed.json
  minivision bench --backend cupy --json gpu.json
  minivision bench --backend cupy conv2d faster-rcnn
"""

SYSTEM = "encoder-decoder"  # whose training step is timed
SMALL_ROUNDS, SMALL_SECONDS = 3, 0.01  # beside the textbook, of which a single call takes longer


def add_arguments(parser, system):
    parser.add_argument(
        "names", nargs="*", metavar="NAME",
        help=f"operations, or {SYSTEM} for its training step, with cupy also faster-rcnn, mask-rcnn (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--backend", choices=("numba", "cupy"), default="numba", metavar="NAME",
        help="what to time: numba on the CPU (the default), or cupy on an NVIDIA GPU",
    )  # fmt: skip
    parser.add_argument("--threads", type=count, metavar="N", help="threads for both, on the CPU (default: one a core)")
    parser.add_argument("--rounds", type=count, default=7, metavar="N", help="turns for each (default: 7)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the figures to a file")


def run(args):
    if args.backend == "cupy":
        return _run_on_gpu(args)
    _refuse_unknown(args, {SYSTEM})
    torch = _torch()
    from minivision.core import backends
    from minivision.core.allocator import keep_freed_memory

    keep_freed_memory()  # for all
    about = _start(torch, args.threads)
    rows, small = [], {}  # what several lines have in common is given to the textbook once
    with backends.backend("numba"):
        for entry in _entries(torch, args.names):
            rows.append({**_timed(entry, args.rounds), **_beside_the_textbook(entry, args.rounds, small)})
            print(_line(rows[-1], torch), flush=True)
    _write(args.json, {**about, "operations": rows})
    return 0


def _write(path, figures):
    if path:
        with atomic_write(path) as file:
            file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _refuse_unknown(args, systems):
    from minivision.core.registry import operations

    unknown = set(args.names) - {*systems, *operations()}
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


def _run_on_gpu(args):
    from minivision.bench.on_gpu import STEPS, OnCard, card, rows
    from minivision.core.devices import require_gpu

    if args.threads:
        raise UsageError("--threads is for the CPU: leave it out with --backend cupy")
    cupy = require_gpu()
    _refuse_unknown(args, STEPS)
    torch = _torch()
    if torch and not torch.cuda.is_available():
        print("This PyTorch has no CUDA: its columns are left out (take a build of torch for the card's CUDA)")
        torch = None
    name, cuda = card(cupy)
    command = shlex.join(["minivision", "bench", "--backend", "cupy", *args.names, "--rounds", str(args.rounds)])
    about = {"card": name, "cuda": cuda, "cupy": cupy.__version__, "command": command}
    if torch:
        about |= {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}
    print(", ".join(f"{key} {value}" for key, value in about.items() if key not in ("card", "command")))
    print(f"{name}, float32, medians in ms: {command}")
    theirs = f" {'PyTorch':>9} {'ratio':>6} {'TF32':>9} {'ratio':>6}" if torch else ""
    print(f"{'operation':<33} {'shape':<36} {'batch':<7} {'CuPy':>9}{theirs}")
    timed = []
    for row in rows(OnCard(torch) if torch else None, args.names, rounds=args.rounds):
        timed.append(row)
        print(_line_on_gpu(row, torch), flush=True)
    _write(args.json, {**about, "operations": timed})
    return 0


def _line_on_gpu(row, torch):
    line = f"{row['name']:<33} {row['shape']:<36} {row['batch']:<7} {row['cupy_ms']:>9.3f}"
    for peer in ("torch_ms", "torch_tf32_ms") if torch else ():
        line += f" {row[peer]:>9.3f} {row['cupy_ms'] / row[peer]:>6.2f}" if peer in row else f" {'-':>9} {'-':>6}"
    return line
