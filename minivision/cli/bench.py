"""Time the kernels, PyTorch and the reference implementations, alternately in one run.

Prints medians in milliseconds. The ratio to PyTorch is below 1 if minivision is faster; without PyTorch its columns
are left out. The reference implementations are slow, so they are compared with Numba on a smaller shape, in the last
column: "reference / Numba" is the ratio of their times.

First the two roofs of this machine are measured, for the threads in use: multiply-adds a second (a matrix product) and
bytes a second (of arrays far larger than the caches). "share" is the share of the nearer roof that a line reaches
(roofline model; Williams, Waterman and Patterson, 2009), from its multiply-adds ("mul") or the bytes that it must read
and write at least ("mem"); there is none where the work depends on the values, as in suppression. It exceeds 1 where
Winograd's algorithm saves multiplications that are counted, or where arrays stay in the caches.

With --growth time and peak memory of a step are measured over batch (1 to 64), side of the images (64 to 512) and
channels (8 to 256), beside PyTorch, each size in a process of its own: of a block (convolution of 3 x 3, batch
normalization, ReLU; forward and backward) and of the encoder-decoder's training step. With --cliffs convolutions are
timed for 8 to 160 channels and maps of 7 to 130 pixels a side; each pair of neighboring sizes is listed where the time
jumps by more than the work, and the ends of each slope where larger sizes are slower for their work than smaller ones.

With --backend cupy the kernels run on an NVIDIA GPU, next to PyTorch with cuDNN if it is a CUDA build: with batches as
on the CPU ("lesson") and with batches that fill the GPU ("large"). Times include all work on the GPU. "TF32" is
PyTorch with inputs of multiplications rounded to 10 bits; minivision does not round them.

With --profile a system is trained for a few steps, to show where the time of a step goes: each operation, and what is
no operation (in brackets).
"""

import pathlib
import shlex
import statistics

from minivision.cli.bench_modes import MINUTES, run_cliffs, run_growth, run_profile
from minivision.cli.bench_output import refuse_wrong_files, write_json
from minivision.cli.options import UsageError, count, positive

EPILOG = """\
examples:
  minivision bench
  minivision bench conv2d conv2d_backward
  minivision bench encoder-decoder faster-rcnn yolo --threads 1
  minivision bench --json speed.json
  minivision bench --profile faster-rcnn --picture step.png
  minivision bench --growth --threads 1 --picture growth.svg
  minivision bench --growth block --minutes 3 --json growth.json
  minivision bench --cliffs conv2d --factor 1.4 --json cliffs.json
  minivision bench --backend cupy --json gpu.json
  minivision bench --backend cupy conv2d faster-rcnn
"""

STEP = "encoder-decoder"  # whose training step is in the table of all operations
ROUNDS = 7
SMALL_ROUNDS, SMALL_SECONDS = 3, 0.01  # for the reference implementations, whose single calls take longer


def add_arguments(parser, system):
    from minivision.bench.on_gpu import TRAINING_STEPS as ON_GPU
    from minivision.bench.training_steps import SYSTEMS
    from minivision.models import systems

    parser.add_argument(
        "names", nargs="*", metavar="NAME",
        help=f"operations, or systems for their training steps: {', '.join(SYSTEMS)}; with cupy only "
        f"{', '.join(ON_GPU)} (default: all operations, and {STEP})",
    )  # fmt: skip
    parser.add_argument(
        "--backend", choices=("numba", "cupy"), default="numba", metavar="NAME",
        help="numba on the CPU (default), or cupy on an NVIDIA GPU",
    )  # fmt: skip
    parser.add_argument("--threads", type=count, metavar="N", help="threads on the CPU (default: one per core)")
    parser.add_argument("--rounds", type=count, metavar="N", help=f"number of measurements (default: {ROUNDS})")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the figures to a file")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--profile", choices=systems(), metavar="SYSTEM", help="show where the time of a training step of a system goes"
    )
    kind.add_argument(
        "--growth", action="store_true",
        help=f"show how time and memory of a step grow; NAME is block or {STEP} (default: both)",
    )  # fmt: skip
    kind.add_argument(
        "--cliffs", action="store_true",
        help="find sizes between which the time of a convolution jumps; NAME is conv2d, conv_transpose2d, or one of "
        "their backward passes",
    )  # fmt: skip
    limits = " and ".join(f"{minutes:g} of --{name}" for name, minutes in MINUTES.items())
    parser.add_argument("--minutes", type=positive, metavar="M", help=f"largest time (default: {limits})")
    parser.add_argument(
        "--factor",
        type=positive,
        metavar="X",
        help="by which the time of a cliff grows more than the work (default: 1.6)",
    )
    parser.add_argument(
        "--picture", type=pathlib.Path, metavar="FILE", help="also draw a profile or a growth, as a PNG or SVG file"
    )


def run(args):
    refuse_wrong_files(args)
    _refuse_what_does_not_fit(args)
    args.rounds = args.rounds or ROUNDS
    if args.profile:
        return run_profile(args)
    if args.growth:
        return run_growth(args)
    if args.cliffs:
        return run_cliffs(args)
    if args.backend == "cupy":
        return _run_on_gpu(args)
    from minivision.bench.training_steps import SYSTEMS

    _refuse_unknown(args, SYSTEMS)
    torch = _torch()
    from minivision.core import backends
    from minivision.core.allocator import keep_freed_memory

    keep_freed_memory()  # also for PyTorch and NumPy
    about, roof = _start(torch, args.threads)
    rows, small = [], {}  # each reference implementation is timed once
    with backends.backend("numba"):
        for entry in _entries(torch, args.names):
            row = _timed(entry, args.rounds)
            rows.append({**row, **_share(entry, roof, row["numba_ms"]), **_reference_times(entry, args.rounds, small)})
            print(_line(rows[-1], torch), flush=True)
    if torch:
        print("\n".join(ratios(rows)))
    write_json(args.json, {**about, "operations": rows})
    return 0


def _refuse_what_does_not_fit(args):
    """Refuse options that would change nothing."""
    table = not (args.profile or args.growth or args.cliffs)
    if args.picture and not (args.profile or args.growth):
        raise UsageError("--picture: only a profile or a growth is drawn; name the system with --profile, or --growth")
    if args.profile and (args.names or args.backend != "numba"):
        raise UsageError("--profile: it takes no names of operations, and runs on the CPU")
    if not table and args.backend != "numba":
        raise UsageError(f"--backend: {'growth is' if args.growth else 'cliffs are'} measured on the CPU only")
    if args.minutes and not (args.growth or args.cliffs):
        raise UsageError("--minutes: only --growth and --cliffs have a largest time")
    if args.factor and (not args.cliffs or args.factor <= 1):
        raise UsageError("--factor: it is for --cliffs, and greater than 1")
    if args.rounds and not table:
        raise UsageError("--rounds: only the table of operations is measured in rounds")


def _refuse_unknown(args, systems):
    from minivision.core.registry import operations

    unknown = set(args.names) - {*systems, *operations()}
    if unknown:
        raise UsageError(f"nothing to time is called {', '.join(sorted(unknown))}")


def _torch():
    """Return PyTorch, or None; it comes before Numba's kernels, for each reads its OpenMP settings when it starts."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: its columns are left out (any CPU build of torch will do)")
        return None
    return torch


def _start(torch, threads):
    """Set the number of threads, print the head of the table, and return what was printed, and the roofs."""
    import numba

    from minivision.bench.roof import measure_roof, processor_name

    threads = threads or (torch.get_num_threads() if torch else numba.get_num_threads())
    if torch:
        torch.set_num_threads(threads)
    numba.set_num_threads(threads)
    roof, processor = measure_roof(threads), processor_name()
    versions = {"numba": numba.__version__} | ({"torch": torch.__version__} if torch else {})
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    print(f"{processor}, {named}, {threads} thread(s), float32, medians in ms")
    print("\n".join(roof.lines()))
    theirs = f" {'PyTorch':>9} {'ratio':>6}" if torch else ""
    print(f"{'operation':<33} {'shape':<31} {'Numba':>9}{theirs} {'share':>9} {'reference / Numba':>17}  on")
    return {"processor": processor, **versions, "threads": threads, "roof": roof.as_json()}, roof


def _entries(torch, names):
    from minivision.bench import operations, training_steps

    steps = [name for name in names if name in training_steps.SYSTEMS] or ([] if names else [STEP])
    others = [name for name in names if name not in training_steps.SYSTEMS]
    if others or not names:
        yield from operations.entries(torch, others)
    yield from training_steps.entries(torch, steps)


def _timed(entry, rounds):
    """Time an entry and PyTorch; return the results by name, times in milliseconds."""
    from minivision.bench.timing import interleaved_medians

    peers = {"numba": entry.ours} | ({"torch": entry.theirs} if entry.theirs else {})
    times = interleaved_medians(peers, rounds=rounds, seconds=entry.seconds)
    return {"name": entry.name, "shape": entry.shape} | {f"{name}_ms": 1e3 * time for name, time in times.items()}


def _share(entry, roof, milliseconds):
    """Return the work of an entry, and the share of the nearer roof that it reaches; nothing where it has no count."""
    from minivision.bench.work import works_of_entry

    works = works_of_entry(entry)
    if works is None:
        return {}
    multiply_adds, moved = map(sum, zip(*works, strict=True))
    return {
        "multiply_adds": multiply_adds,
        "bytes": moved,
        "share": roof.share(works, milliseconds / 1e3),
        "nearer": "mul" if roof.is_arithmetic(works) else "mem",
    }


def ratios(rows):
    """Return lines that sum up the ratios to PyTorch: their geometric mean, and the rows above 1."""
    known = {f"{row['name']} {row['shape']}": row["numba_ms"] / row["torch_ms"] for row in rows if row.get("torch_ms")}
    if not known:
        return []
    mean = statistics.geometric_mean(known.values())
    slower = sorted((name for name in known if known[name] > 1), key=known.get, reverse=True)
    line = f"geometric mean of {len(known)} ratio(s): {mean:.2f}; above 1.0: {len(slower)}"
    return [line, *(f"  {known[name]:.2f}  {name}" for name in slower)]


def _reference_times(entry, rounds, known):
    """Time the reference implementation and Numba on the smaller shape, unless the result is `known`."""
    from minivision.bench.timing import interleaved_medians

    if entry.reference is None:
        return {}
    key = entry.name, entry.small_shape
    if key not in known:
        peers = {"numba": entry.ours_small, "reference": entry.reference}
        times = interleaved_medians(peers, rounds=min(rounds, SMALL_ROUNDS), seconds=SMALL_SECONDS)
        known[key] = {"small_shape": entry.small_shape}
        known[key] |= {f"small_{name}_ms": 1e3 * time for name, time in times.items()}
    return known[key]


def _line(row, torch):
    line = f"{row['name']:<33} {row['shape']:<31} {row['numba_ms']:>9.3f}"
    if torch:
        theirs = row.get("torch_ms")
        line += f" {theirs:>9.3f} {row['numba_ms'] / theirs:>6.2f}" if theirs else f" {'-':>9} {'-':>6}"
    line += f" {row['share']:>5.2f} {row['nearer']}" if "share" in row else f" {'-':>9}"
    if "small_shape" not in row:
        return f"{line} {'-':>17}"
    times = row["small_reference_ms"] / row["small_numba_ms"]
    return f"{line} {f'{times:,.0f}x' if times >= 10 else f'{times:.1f}x':>17}  {row['small_shape']}"


def _run_on_gpu(args):
    from minivision.bench.on_gpu import TRAINING_STEPS, TorchOnGpu, gpu_and_cuda_version, rows
    from minivision.core.devices import require_gpu

    if args.threads:
        raise UsageError("--threads is for the CPU: leave it out with --backend cupy")
    cupy = require_gpu()
    _refuse_unknown(args, TRAINING_STEPS)
    torch = _torch()
    if torch and not torch.cuda.is_available():
        print("This PyTorch has no CUDA: its columns are left out (install a build of torch for the CUDA of this GPU)")
        torch = None
    name, cuda = gpu_and_cuda_version(cupy)
    command = shlex.join(["minivision", "bench", "--backend", "cupy", *args.names, "--rounds", str(args.rounds)])
    about = {"card": name, "cuda": cuda, "cupy": cupy.__version__, "command": command}
    if torch:
        about |= {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}
    print(", ".join(f"{key} {value}" for key, value in about.items() if key not in ("card", "command")))
    print(f"{name}, float32, medians in ms: {command}")
    theirs = f" {'PyTorch':>9} {'ratio':>6} {'TF32':>9} {'ratio':>6}" if torch else ""
    print(f"{'operation':<33} {'shape':<36} {'batch':<7} {'CuPy':>9}{theirs}")
    timed = []
    for row in rows(TorchOnGpu(torch) if torch else None, args.names, rounds=args.rounds):
        timed.append(row)
        print(_line_on_gpu(row, torch), flush=True)
    write_json(args.json, {**about, "operations": timed})
    return 0


def _line_on_gpu(row, torch):
    line = f"{row['name']:<33} {row['shape']:<36} {row['batch']:<7} {row['cupy_ms']:>9.3f}"
    for peer in ("torch_ms", "torch_tf32_ms") if torch else ():
        line += f" {row[peer]:>9.3f} {row['cupy_ms'] / row[peer]:>6.2f}" if peer in row else f" {'-':>9} {'-':>6}"
    return line
