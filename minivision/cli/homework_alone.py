"""Homework without a class: hints in tiers, and a folder to start in. A part of ``minivision homework``."""

import pathlib
import textwrap

from minivision.cli import homework_project
from minivision.core.printable import printable


def add_hint(commands):
    """Add the command ``hint``, which students have too."""
    sub = commands.add_parser("hint", help="show the next hint of a task")
    sub.add_argument("task", metavar="TASK", help="number of a task, such as 1.3")
    sub.add_argument("--again", action="store_true", help="show the hints that you have seen, and no new one")
    sub.add_argument("--folder", default=".", help="folder of the assignment (default: this folder)")
    sub.set_defaults(homework=hint)


def add_start(commands):
    """Add the command ``start``, which needs the whole library."""
    sub = commands.add_parser("start", help="write a folder to learn in, for yourself")
    sub.add_argument("assignment")
    sub.add_argument("folder", nargs="?", metavar="DIR", help="a new folder (default: the name of the assignment)")
    sub.set_defaults(homework=start)


def hint(args):
    from minivision.homework import hints, load_assignment

    assignment = load_assignment(args.folder)
    if args.again:
        shown, left = hints.shown_hints(assignment, args.task), None
        if not shown:
            print(f"You have seen no hint of task {args.task} yet: minivision homework hint {args.task}")
            return 0
    else:
        shown, is_new, left = hints.next_hint(assignment, args.task)
        if not is_new:
            print(f"Task {args.task} has no further hint; here is what there is.\n")
        else:
            shown = shown[-1:]
    total = len(hints.load_hints(assignment)[args.task])
    first = total - left if left is not None and len(shown) == 1 else 1
    print(f"{args.task} {assignment.task(args.task).title}")
    for number, text in enumerate(shown, first):
        print(f"\nhint {number} of {total}")
        print(textwrap.fill(printable(text), 100, initial_indent="  ", subsequent_indent="  "))
    return 0


def start(args):
    from minivision.homework import load_assignment
    from minivision.homework.manifest import projects
    from minivision.homework.release import start as write

    if args.assignment in projects():
        return homework_project.start(args.assignment, pathlib.Path(args.folder or args.assignment))
    assignment = load_assignment(args.assignment)
    folder = pathlib.Path(args.folder or assignment.name)
    write(assignment, folder)
    first = assignment.tasks[0].id
    print(f"{assignment.title}: {folder.resolve()}\n")
    print(f"  cd {folder}")
    print(f"  minivision homework test {first}    # write {assignment.file}, then test it")
    print(f"  minivision homework hint {first}    # when you are stuck")
    print("\nREADME.md says the rest.")
    return 0
