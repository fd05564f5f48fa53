"""Time the kernels beside PyTorch, in one run and taking turns.

Prints the median of each and the ratio, below 1 where minivision is faster. PyTorch must be installed.
"""

import importlib.util

from minivision.cli.arguments import UsageError, count

EPILOG = """\
examples:
  minivision bench
  minivision bench conv2d conv2d_backward
  minivision bench encoder-decoder --threads 1
"""

SYSTEM = "encoder-decoder"  # whose training step is timed


def add_arguments(parser, system):
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"operations, or {SYSTEM} for its training step (default: all)"
    )
    parser.add_argument("--threads", type=count, metavar="N", help="threads for both (default: one a core)")
    parser.add_argument("--rounds", type=count, default=7, metavar="N", help="turns for each (default: 7)")


def run(args):
    if importlib.util.find_spec("torch") is None:
        raise UsageError("PyTorch is not installed, so there is nothing to compare with: install a CPU build of torch")
    import torch  # before Numba's kernels: each reads its OpenMP settings when it starts

    from minivision.bench.operations import entries, training_step
    from minivision.bench.timing import interleaved_medians
    from minivision.kernels.memory import keep_freed_memory

    threads = args.threads or torch.get_num_threads()
    torch.set_num_threads(threads)
    keep_freed_memory()  # for both
    import numba

    numba.set_num_threads(threads)
    table = [*entries(torch), training_step(torch)]
    unknown = set(args.names) - {entry.name for entry in table}
    if unknown:
        raise UsageError(f"nothing to time is called {', '.join(sorted(unknown))}")
    print(f"torch {torch.__version__}, numba {numba.__version__}, {threads} thread(s), float32, medians in ms")
    print(f"{'operation':<27} {'shape':<30} {'minivision':>10} {'PyTorch':>9} {'ratio':>6}")
    for entry in table:
        if args.names and entry.name not in args.names:
            continue
        peers = {"ours": entry.ours, "torch": entry.torchs}
        times = interleaved_medians(peers, rounds=args.rounds, seconds=entry.seconds)
        ours, torchs = 1e3 * times["ours"], 1e3 * times["torch"]
        print(f"{entry.name:<27} {entry.shape:<30} {ours:>10.3f} {torchs:>9.3f} {ours / torchs:>6.2f}", flush=True)
    return 0
