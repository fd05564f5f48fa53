"""The options that say where many pieces of work are done: ``--jobs`` and ``--scheduler``."""

from minivision.cli.options import UsageError, count


def add_executor_arguments(parser, *, jobs="1, this one"):
    """Add ``--jobs`` and ``--scheduler``; `jobs` is the default, for the help."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=count, metavar="N", help=f"number of processes (default: {jobs})")
    add_scheduler_argument(where)


def add_scheduler_argument(parser):
    parser.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="do the work on a Dask cluster, whose scheduler is at tcp://HOST:PORT (docs/cluster.md)",
    )  # fmt: skip


def executor_of(args, *, jobs=1):
    """Return the executor of ``--jobs`` or ``--scheduler``, by default of so many processes.

    Raises
    ------
    UsageError
        If a backend was chosen, which is a setting of this process.
    ValueError
        If the address is none, or Dask is not installed.
    """
    from minivision.executors import open_executor

    for option in ("jobs", "scheduler"):
        if getattr(args, "backend", None) not in (None, "numba") and getattr(args, option) not in (None, 1):
            raise UsageError(f"--{option} computes with numba; leave out --backend {args.backend}")
    return open_executor(args.jobs or jobs, args.scheduler)
