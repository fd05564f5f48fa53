"""Assignments that are handed out with blanks, filled in by students, and graded.

The library is the only source of truth: a manifest names functions, and everything else is made from their source.

::

    hwK/manifest.toml ── names functions, points, what is held back
          │
          ├── source.py    cuts their bodies out: a file with blanks, the same file solved, and with mistakes
          ├── library.py   the library without these bodies and kernels, as a wheel
          ├── answers.py   what the textbook gives where a check asks it, written down for a library without it
          └── release.py   all of it as a folder for students

    a student's file ── child.py, locked up by sandbox.py, computes ──┐
                                                                      │  arrays, nothing else (messages.py)
    tests ── plugin.py, student.py: `student.check("conv2d")` ────────┘  process.py
          │
          ├── grading.py, classroom.py, gradescope.py    points for one, for all
          └── proof.py, leaks.py                         that blanks earn nothing, mistakes are caught, nothing leaks

The tests run here and the student's code there, in a process of its own: what it prints, patches or deletes changes
nothing but the arrays it returns.
"""

from minivision.homework.manifest import Assignment, Task, assignments, load_assignment

__all__ = ["Assignment", "Task", "assignments", "load_assignment"]
