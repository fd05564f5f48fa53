"""Open projects: handed out, and judged by a leaderboard. A part of ``minivision homework``."""

import contextlib
import pathlib
import sys

from minivision.cli.options import DATA_FORMS, UsageError, count, positive, seed
from minivision.core.printable import printable
from minivision.core.progress import progress_bar

_OF_PROJECTS = "data", "level", "minutes"  # options of `release`, and of `leaderboard`


def add_release_options(sub):
    """Add the options of ``release`` that open projects have."""
    group = sub.add_argument_group("of an open project (hw4)")
    group.add_argument("--data", metavar="DATA", help="what to train on, as students will write it (default: scenes)")
    _add_level_and_minutes(group)


def add_leaderboard(commands):
    """Add the command ``leaderboard``."""
    sub = commands.add_parser("leaderboard", help="judge the detectors of an open project on hidden images")
    sub.add_argument("folder", help="folder of submissions, each with one checkpoint.npz")
    sub.add_argument("--data", required=True, metavar="DATA", help=DATA_FORMS)
    sub.add_argument("--split", default="test", metavar="NAME", help="part of the data (default: test)")
    sub.add_argument("--seed", type=seed, metavar="N", help="of scenes: other scenes than those of everybody")
    sub.add_argument("--predictions", action="store_true", help="predictions.json counts where there is no checkpoint")
    sub.add_argument("--out", default="leaderboard", metavar="DIR", help="the tables (default: leaderboard)")
    sub.add_argument("--jobs", type=count, default=1, metavar="N", help="submissions at the same time (default: 1)")
    _add_level_and_minutes(sub)
    sub.set_defaults(homework=leaderboard)


def _add_level_and_minutes(sub):
    sub.add_argument("--level", metavar="LEVEL", help="of scenes: easy, mid or hard (default: hard)")
    sub.add_argument("--minutes", type=positive, metavar="M", help="how long a detector may be trained (default: 5)")


def given(args):
    """Return those options of open projects that were given.

    Raises
    ------
    UsageError
        If a level is given for other data than scenes.
    """
    options = {name: getattr(args, name) for name in _OF_PROJECTS if getattr(args, name) is not None}
    if "level" in options and options.get("data", "scenes") != "scenes":
        raise UsageError("--level is for scenes only")
    return options


def release(args):
    """Write the folder of an open project."""
    from minivision.homework.project import hand_out

    for name in hand_out(args.assignment, args.out, **given(args)):
        print(f"{args.out}/{name}")
    return 0


def start(name, folder):
    """Write the folder of an open project for somebody who has the library."""
    from minivision.homework.project import hand_out

    hand_out(name, folder, library=False)
    print(f"{name}: {folder.resolve()}\n\n  cd {folder}\n  python detector.py --minutes 0.5 --out runs/quick")
    print("\nREADME.md says the rest.")
    return 0


def leaderboard(args):
    from minivision.homework.batch_grading import submissions_with
    from minivision.homework.judging import CHECKPOINT, HiddenSplit, fingerprint, judge_all
    from minivision.homework.leaderboard import Leaderboard, text_lines
    from minivision.homework.project import LEVEL, MINUTES

    options = {"level": LEVEL, "minutes": MINUTES, **given(args)}
    if args.seed is not None and args.data != "scenes":
        raise UsageError("--seed is for scenes only")
    paths = submissions_with(CHECKPOINT, args.folder)
    if pathlib.Path(args.out).resolve().is_relative_to(pathlib.Path(args.folder).resolve()):
        raise UsageError(f"--out {args.out}: the tables would be taken for a submission; give a folder elsewhere")
    split = HiddenSplit(args.data, args.split, options["level"], args.seed or 0)
    dataset = split.dataset()
    settings = {"data": args.data, "split": args.split, "images": len(dataset), "fingerprint": fingerprint(dataset)}
    board = Leaderboard(args.out, settings, options["minutes"])
    kept = tuple(board.entries.values())
    judged = judge_all(paths, split, len(dataset), kept=kept, predictions=args.predictions, jobs=args.jobs)
    with progress_bar(total=len(paths), unit="submission", leave=False) as bar, contextlib.closing(judged):
        try:
            for entry in judged:
                board.add(entry)
                bar.update()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped; what was judged stands in {args.out}, and the same command goes on"
            ) from None
    print("\n".join(map(printable, text_lines(board.rows))))
    _tell_of_others(kept, paths)
    ranks = sum(row.rank is not None for row in board.rows)
    said = f"{len(board.rows)} submission{'s' * (len(board.rows) != 1)}"
    print(f"\n{said}, {ranks} ranked: {board.folder}/leaderboard.csv, .md and .json")
    return 0 if ranks else 1


def _tell_of_others(kept, paths):
    """Say which lines are of an earlier run, since their submissions are not in this folder."""
    from minivision.homework.judging import names_of

    others = [entry.submission for entry in kept if entry.submission not in names_of(paths)]
    if others:
        print(f"\nnot in this folder, from an earlier run: {printable(', '.join(others))}", file=sys.stderr)
