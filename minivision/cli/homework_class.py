"""Homework of a class: statistics of the tasks, and submissions that resemble each other. A part of ``minivision
homework``."""

import csv
import statistics

from minivision.cli.options import count
from minivision.core.printable import printable

SHOWN_RANGES = 4  # of lines, for each pair


def add_arguments(commands):
    """Add the commands ``statistics`` and ``similar``."""
    sub = commands.add_parser("statistics", help="what a class got of each task, and why not more")
    sub.add_argument("results", help="file that `homework grade --json` wrote")
    sub.add_argument("--csv", metavar="FILE", help="write the table to a file")
    sub.set_defaults(homework=class_statistics)

    sub = commands.add_parser("similar", help="list submissions that resemble each other")
    sub.add_argument("assignment")
    sub.add_argument("folder", help="folder of submissions, as for `homework grade`")
    sub.add_argument("--top", type=count, default=20, metavar="N", help="number of pairs to show (default: 20)")
    sub.add_argument("--csv", metavar="FILE", help="write all pairs to a file")
    sub.set_defaults(homework=similar)


def class_statistics(args):
    from minivision.homework.class_statistics import MAX_CAUSES, class_statistics, read_results, write_statistics

    results = read_results(args.results)
    tasks = class_statistics(results)
    scores = [each["score"] for each in results if "score" in each]
    if not scores:
        raise ValueError(f"{args.results}: no submission is graded")
    print(
        f"{len(results)} submission{'s' * (len(results) != 1)}, {len(scores)} graded: "
        f"mean {statistics.fmean(scores):.1f}, median {statistics.median(scores):g} "
        f"of {sum(task.points for task in tasks if not task.bonus):g}\n"
    )
    print("task    of   mean  full  none  blank  title")
    for task in tasks:
        print(
            f"{task.id:6}{task.points:4g}  {task.mean:5.1f}  {task.full:4.0%}  {task.none:4.0%}  {task.unwritten:5}"
            f"  {printable(task.title)}{' (bonus)' * task.bonus}"
        )
        for cause, times in task.causes[:MAX_CAUSES]:
            print(f"{'':10}{times:4} x {printable(cause)}")
    if args.csv:
        write_statistics(tasks, args.csv)
    return 0


def similar(args):
    from minivision.homework import load_assignment
    from minivision.homework.batch_grading import submissions
    from minivision.homework.similarity import similar_submissions

    assignment = load_assignment(args.assignment)
    matches, problems = similar_submissions(assignment, submissions(assignment, args.folder))
    if args.csv:
        _write_pairs(matches, args.csv)
    for match in matches[: args.top]:
        print(
            f"{match.similarity:4.0%}  {printable(match.first)} ({match.of_first:.0%} of it)  "
            f"{printable(match.second)} ({match.of_second:.0%} of it)"
        )
        largest = sorted(match.lines, key=lambda pair: pair[0][0] - pair[0][1])[:SHOWN_RANGES]
        more = len(match.lines) - len(largest)
        ranges = ", ".join(f"{a}-{b} and {c}-{d}" for (a, b), (c, d) in sorted(largest))
        print(f"      lines {ranges}{f', and {more} more' if more else ''}")
    for problem in problems:
        print(f"not compared: {printable(problem)}")
    if matches:
        print("\nSimilar is no proof: short functions have few right forms. Read both files.")
    else:
        print("No two submissions resemble each other.")
    return 0


def _write_pairs(matches, path):
    from minivision.core.atomic import atomic_write
    from minivision.homework.class_results import plain_cell

    with atomic_write(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["similarity", "first", "second", "of first", "of second", "lines"])
        for match in matches:
            numbers = [f"{match.of_first:.3f}", f"{match.of_second:.3f}"]
            lines = "; ".join(f"{a}-{b} = {c}-{d}" for (a, b), (c, d) in match.lines)
            names = [plain_cell(match.first), plain_cell(match.second)]
            writer.writerow([f"{match.similarity:.3f}", *names, *numbers, lines])
