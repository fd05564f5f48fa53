"""Assignments: hand out files with blank functions, test and grade what students write.

Everything is made from the source of the library. A manifest names functions; nothing is marked in the source.

::

    hwK/manifest.toml ── names functions, points, and what else must be held back
          │
          ├── source.py                cuts bodies out: the blank file, the solution, files with deliberate mistakes
          ├── library.py               the library without these bodies and kernels, as a wheel
          ├── recording.py             results of the reference implementations, for a library without them
          └── release.py               all of this as a folder for students, or for yourself

    hwK/hints.toml ── hints.py: a hint, the next one at each call

    a student's file ── worker.py, isolated by sandbox.py, calls its functions ──┐
                                                                                 │ arrays only (messages.py)
    tests ── plugin.py, student.py: `student.check("conv2d")` ── process.py ─────┘
          │                          recorded_references.py: the oracle of these checks
          │
          ├── handed_in.py, collecting.py                    what a student handed in, wherever it is
          ├── grading.py, batch_grading.py, gradescope.py    points for one submission, for all
          └── verification.py, leaks.py                      blanks earn nothing, mistakes fail, nothing leaks

    a file beside the student's, as hw1-segmenter.npz ── segmenter.py: judged by itself, without code of its author

    hw4/handout ── project.py: an open project, without tests ── checkpoints ── judging.py, leaderboard.py

The tests run in the grader, the student's code in a process of its own. Whatever that code prints, patches or deletes
changes nothing but the arrays that it returns.
"""

from minivision.homework.manifest import Assignment, Task, assignments, load_assignment

__all__ = ["Assignment", "Task", "assignments", "load_assignment"]
